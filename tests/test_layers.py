"""Imports run one way, and each third-party package has its few rooms.

A room is a module or a folder directly below `rebalancer/`. Every import counts: at the top of a file, inside a
function, below `if TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rebalancer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rebalancer"

# From the bottom up: a room imports only rooms that stand on a line above its own.
LAYERS = (
    {"essence", "interruption", "sanitise", "tier", "units", "version"},
    {"errors", "pages"},
    {"files", "workers"},
    {"inventory"},
    {"clocks", "slots"},
    {"demand", "policy"},
    {"held", "placement", "resources", "snapshot", "squeeze"},
    {"plan", "problem"},
    {"rules"},
    {"objectives", "legality"},
    {"describe", "diff"},
    {"solve", "verify", "export"},
    {"order", "approval"},
    {"schedule"},
    {"planner"},
    {"undo", "xapi"},
    {"execute"},
    {"history"},
    {"rehearse", "whatif"},
    {"frames", "plots"},
    {"face"},
    {"scenarios"},
    {"nightly"},
    {"wlb"},
    {"cli"},
    {"__main__"},
)

# The simulator is the second opinion about XAPI: it shares errors and files with the rest and no judgement.
BELOW_SIMULATOR = {"errors", "files"}
ABOVE_SIMULATOR = {"cli", "rehearse", "__init__"}

ROOMS = set.union(*LAYERS, {"simulator"})

# Clients of the front door, and the rooms that they may lean on beside its names and public submodules.
# The Workload Balancing server answers at once from values that the others make anew each time: docs/decisions/0042.
BELOW_WLB = {"demand", "objectives", "placement", "problem", "xapi"}
CLIENTS = {
    "nightly": {"face", "history", "nightly", "workers"},
    "wlb": {"face", "history", "nightly", "wlb", "workers", *BELOW_WLB},
    "cli": {"face", "history", "nightly", "wlb", "workers", "cli"},
}

THIRD_PARTY = {
    "XenAPI": {"xapi"},
    "apprise": {"nightly"},
    "distributed": {"workers"},
    "cryptography": {"simulator", "wlb"},
    "defusedxml": {"wlb"},
    "filelock": {"execute"},
    "jinja2": {"pages"},
    "matplotlib": {"face", "plots"},
    "networkx": {"describe", "order"},
    "numpy": {
        "demand",
        "describe",
        "frames",
        "history",
        "objectives",
        "plots",
        "resources",
        "simulator",
        "snapshot",
        "solve",
        "verify",
        "whatif",
        "wlb",
    },
    "ortools": {"solve"},
    "pandas": {"demand", "face", "frames", "plots"},
    "prometheus_client": {"nightly", "wlb"},
    "pyarrow": {"demand"},
    "pydantic": {"approval", "export", "files", "policy", "snapshot", "wlb"},
    "rich": {"cli"},
    "starlette": {"wlb"},
    "sqlalchemy": {"history"},
    "statsmodels": {"whatif"},
    "tqdm": {"workers"},
    "typer": {"cli"},
    "uvicorn": {"wlb"},
}

# Packages that are the inner half of another one, installed and pinned with it.
PARTS = {"markupsafe": "jinja2", "pydantic_core": "pydantic"}

# Needed without being imported: zoneinfo reads tzdata where the system has no time zones.
NOT_IMPORTED = {"tzdata"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a file imports."""

    file: Path
    line: int
    target: str
    for_types: bool

    @property
    def module(self) -> str:
        """The importing module below the package, as in `inventory/snapshot`."""
        return self.file.relative_to(PACKAGE).with_suffix("").as_posix()

    @property
    def room(self) -> str:
        """The importing room; the package's own `__init__` is the room above all."""
        return self.module.split("/", maxsplit=1)[0]

    @property
    def imported_room(self) -> str:
        """The room of an import from the package; `__init__` for everything that is no room."""
        below = self.target.split(".")[1:2]
        return below[0] if below and below[0] in ROOMS else "__init__"

    @property
    def package(self) -> str:
        """The third-party package that is imported, as THIRD_PARTY spells it."""
        top = self.target.split(".", maxsplit=1)[0]
        return PARTS.get(top, top)

    def __str__(self) -> str:
        """Where to look."""
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def rooms() -> set[str]:
    """The modules and folders directly below the package."""
    found = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return found - {"__init__"}


@cache
def imports(*, own: bool) -> tuple[Import, ...]:
    """All imports from this package, or else all from third parties."""
    return tuple(each for each in _imports() if (each.target.partition(".")[0] == "rebalancer") is own)


@cache
def _imports() -> tuple[Import, ...]:
    """All imports but those from the standard library."""
    return tuple(_read_imports())


def _read_imports() -> Iterator[Import]:
    """The same, as they stand in the files."""
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for_types = {id(inner) for node in ast.walk(tree) if _is_type_block(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            for target in _targets(node):
                top = target.split(".", maxsplit=1)[0]
                if top not in sys.stdlib_module_names:
                    line = getattr(node, "lineno", 0)
                    yield Import(file=file, line=line, target=target, for_types=id(node) in for_types)


def _is_type_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _targets(node: ast.AST) -> list[str]:
    """Dotted names that a statement or an `import_module("...")` call imports; a relative import keeps its dots."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            return ["." * level + f"{module or ''}.{alias.name}" for alias in names]
        case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if ast.unparse(func).endswith(
            "import_module"
        ):
            return [name]
    return []


def layer(room: str) -> int:
    """How high a room stands; the package's own `__init__` above all."""
    return next((height for height, names in enumerate(LAYERS) if room in names), len(LAYERS))


def may_import(importer: str, imported: str) -> bool:
    """Whether the layers allow one room to import another."""
    if importer in {imported, "__init__"} or (imported == "__init__" and importer in CLIENTS):
        return True
    if importer == "simulator":
        return imported in BELOW_SIMULATOR
    if imported == "simulator":
        return importer in ABOVE_SIMULATOR
    return layer(imported) < layer(importer)


def is_legal(found: Import) -> bool:
    """Whether an import from this package keeps the layers."""
    return may_import(found.room, found.imported_room)


def test_every_room_has_a_layer() -> None:
    """A module or folder below the package has a place in LAYERS, and every place its module or folder."""
    assert rooms() == ROOMS


def test_every_room_is_on_the_map() -> None:
    """docs/development.md names every room once, in the order of the layers; the simulator stands beside them, last."""
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[(\w+)\]\(\.\./rebalancer/", page, re.MULTILINE)
    assert sorted(named) == sorted(ROOMS - {"__main__"})
    assert named == sorted(named, key=lambda room: layer(room) if room != "simulator" else len(LAYERS))


def test_imports_run_one_way() -> None:
    """No room imports a room of its own layer or above it, and only its clients import the front door."""
    strays = [str(found) for found in imports(own=True) if not is_legal(found)]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_use_the_front_door(client: str) -> None:
    """Command line and nightly runs import what the package offers to everybody, and nothing behind it."""
    allowed = {*rebalancer.PUBLIC, *CLIENTS[client]}
    names = {f"rebalancer.{name}" for name in (*rebalancer.__all__, "__version__")} | {"rebalancer"}
    strays = [
        str(found)
        for found in imports(own=True)
        if found.room == client and found.imported_room not in allowed and found.target not in names
    ]
    assert not strays, "\n".join(strays)


def _file_of(target: str) -> Path:
    """The file that a dotted name of this package stands in; a name in a module stands in the module."""
    parts = target.split(".")
    while not (found := ROOT.joinpath(*parts).with_suffix(".py")).is_file():
        if (found := ROOT.joinpath(*parts, "__init__.py")).is_file():
            break
        parts.pop()
    return found


def test_no_files_import_each_other() -> None:
    """Inside a room imports run one way, too, those for types included: each file can be read after what it needs."""
    needs: dict[Path, set[Path]] = {}
    for found in imports(own=True):
        needs.setdefault(found.file, set()).add(_file_of(found.target))
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" needs ".join(str(file.relative_to(ROOT)) for file in reversed(error.args[1])))


def test_imports_are_absolute() -> None:
    """Every import says the whole name, so that a reader and this file see the same target."""
    assert [str(found) for found in imports(own=False) if found.target.startswith(".")] == []


def test_no_test_leans_on_another() -> None:
    """What several test files share stands in a file of its own; a file of tests can be renamed, split or dropped."""
    strays = [
        f"{file.relative_to(ROOT)} imports {target}"
        for folder in ("tests", "benchmarks")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for target in _targets(node)
        if re.match(r"tests\..*\btest_", target)
    ]
    assert strays == []


def test_third_party_packages_keep_to_their_rooms() -> None:
    """A third-party package is imported only where THIRD_PARTY allows it, by a room or by one module."""
    strays = [
        str(found)
        for found in imports(own=False)
        if not {found.room, found.module} & THIRD_PARTY.get(found.package, set())
    ]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [("rules", "solve"), ("simulator", "rules"), ("policy", "demand"), ("plan", "cli"), ("solve", "simulator")],
)
def test_a_wrong_import_is_seen(importer: str, imported: str) -> None:
    """A room above, a sibling and the simulator on either side are refused."""
    assert not may_import(importer, imported)


def test_imports_inside_functions_are_seen() -> None:
    """An import inside a function, for types only, or by name as a string counts like one at the top."""
    source = "def f():\n import a.b\nif TYPE_CHECKING:\n from c import d\nimport_module('e.f')\nfrom . import g"
    found = [target for node in ast.walk(ast.parse(source)) for target in _targets(node)]
    assert sorted(found) == ["..g", "a.b", "c.d", "e.f"]


def test_imported_packages_are_declared() -> None:
    """Whatever the package imports is a dependency or belongs to an extra in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    declared = {_name(line) for line in [*project["dependencies"], *extras]}
    assert {_name(found.package) for found in imports(own=False)} <= declared


def test_dependencies_are_imported() -> None:
    """No dependency is installed for nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    imported = {_name(found.package) for found in imports(own=False)}
    assert {_name(line) for line in project["dependencies"]} - NOT_IMPORTED <= imported


def _name(requirement: str) -> str:
    """The package of a requirement such as `numpy>=2.1`, in small letters, as it is imported."""
    return requirement.partition(">")[0].partition("[")[0].strip().lower().replace("-", "_")


@pytest.mark.parametrize("module", ["rebalancer", "rebalancer.cli"])
def test_start_is_light(module: str) -> None:
    """What every command imports before it knows its name loads no solver, no DataFrames and no plots."""
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (
        set(json.loads(run.stdout))
        & {*("ortools", "pandas", "numpy", "matplotlib", "networkx", "pyarrow", "sqlalchemy", "jinja2")}
        == set()
    )
