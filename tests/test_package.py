"""What a wheel holds, so that the package works where there is no checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.main import get_command

import rebalancer
from rebalancer.cli.exits import Exit
from rebalancer.cli.main import app

APART = ("bench", "docs")
"""Extras that only the target of their name installs, by a lock of its own."""
UNPINNED = {"ipywidgets", "jupyterlab"}
"""What people look at notebooks with: no target runs it, and it would bring as many packages as all others together."""
ROOT = Path(__file__).resolve().parent.parent
BUILD = [sys.executable, "-m", "hatchling", "build", "--target"]
NIGHT = """
set -e
rebalancer demo > demo.txt
rebalancer simulate --hosts 4 --vms 30 --port 0 --speed 200 --at 2026-11-02T22:30 > simulated.txt & trap 'kill $!' EXIT
for look in $(seq 120); do grep -q coordinator simulated.txt && break; sleep 0.5; done
url=$(sed -n 's/^coordinator \\(.*\\), user.*/\\1/p' simulated.txt)
rebalancer setup "$url" --folder etc --units units --state-dir state --timezone UTC
rebalancer policy check etc/nightly.toml
rebalancer nightly etc/nightly.toml --state-dir state
rebalancer nightly etc/nightly.toml --state-dir state --execute --pool-clock --metrics-file night.prom
"""
"""What an operator types, from an installed package to the first two nights, on a pool to practise on."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*BUILD, "wheel", "--directory", str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("xapi_rebalancer-*.whl"))


def test_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """Every module and data file below `rebalancer/` is in the wheel, the manual page beside it, and no test is."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name.partition(".data/data/")[2] for name in packed if ".data/" in name} == {"share/man/man1/rebalancer.1"}
    packed = {name for name in packed if ".data/" not in name}
    files = {path for path in (ROOT / "rebalancer").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}


@pytest.mark.parametrize(
    "name",
    [
        "export/page/plan.css",
        "export/page/plan.html",
        "export/page/plan.js",
        "export/page/steps.html",
        "export/plan.schema.json",
        "pages/base.css",
        "pages/base.html",
        "history/report/page.html",
        "nightly/rebalancer-failed@.service",
        "nightly/rebalancer-nightly.service",
        "nightly/rebalancer-nightly.timer",
        "policy/policy.toml",
        "py.typed",
        "simulator/schema.json",
    ],
)
def test_wheel_holds_what_is_no_module(wheel: Path, name: str) -> None:
    """An installed copy has the plan schema, the units and the commented policy."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"rebalancer/{name}") == (ROOT / "rebalancer" / name).read_bytes()


def test_the_manual_page_is_written_from_the_commands(wheel: Path) -> None:
    """It has a section for each command and a paragraph for each exit code; man finds nothing to complain about."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/rebalancer.1"))
        page = archive.read(name).decode()
    sections = re.findall(r"^\.SS rebalancer ([a-z ]+[a-z])", page, re.MULTILINE)
    assert {each.partition(" ")[0] for each in sections} == get_command(app).commands.keys()  # type: ignore[attr-defined]
    assert re.findall(r"^\\fB(\d)\\fR$", page, re.MULTILINE) == [str(int(code)) for code in Exit]
    if shutil.which("man"):
        read = ["man", "--warnings", "--local-file", "-"]
        shown = subprocess.run(read, input=page, capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"})
        assert shown.stderr == ""
        assert "\\f" not in shown.stdout


def test_sdist_is_enough_for_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """A wheel that is built from the sdist alone holds the same files."""
    subprocess.run([*BUILD, "sdist", "--directory", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(each for each in tmp_path.iterdir() if each.is_dir())
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    again = [*BUILD, "wheel", "--directory", str(tmp_path)]
    subprocess.run(again, cwd=source, check=True, capture_output=True, env=bare)
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as second:
        assert {(each.filename, each.CRC) for each in first.infolist()} == {
            (each.filename, each.CRC) for each in second.infolist()
        }


def test_version_has_one_source(wheel: Path) -> None:
    """The wheel carries the version that the package says, and pyproject.toml repeats it nowhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wheel.name.split("-")[1] == rebalancer.__version__
    assert "version" not in project


def test_lock_pins_every_declared_package() -> None:
    """The locks hold plain `name==version` lines only, and one for every dependency and extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    apart = {extra: declared(extras.pop(extra)) for extra in APART}
    wanted = declared([*project["dependencies"], *(line for lines in extras.values() for line in lines)])
    assert wanted - UNPINNED <= pinned("requirements.lock").keys()
    for extra, packages in apart.items():
        assert packages <= pinned(f"requirements-{extra}.lock").keys()


@pytest.mark.parametrize("extra", APART)
def test_no_checkout_is_given_what_one_target_uses(extra: str) -> None:
    """Locks of their own, and no package in two: GPL software is installed by those who measure, and by nobody else."""
    assert pinned("requirements.lock").keys().isdisjoint(pinned(f"requirements-{extra}.lock"))
    assert UNPINNED.isdisjoint(pinned("requirements.lock"))


def declared(requirements: list[str]) -> set[str]:
    """The packages of requirements such as `numpy>=2.1`, in small letters, our own extras left out."""
    names = {line.partition(">")[0].lower().replace("-", "_") for line in requirements}
    return {re.sub(r"\[.*", "", name) for name in names if not name.startswith("xapi_rebalancer[")}


def pinned(lock: str) -> dict[str, str]:
    """Versions by package."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return dict(line.lower().replace("-", "_").split("==") for line in lines if not line.startswith("#"))


@pytest.mark.slow
def test_demo_runs_without_checkout_and_extras(wheel: Path, tmp_path: Path) -> None:
    """Installed from its wheel, `rebalancer demo` succeeds in an empty folder, and needs nothing that extras bring."""
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    for name in ("cryptography", "matplotlib", "pyarrow"):
        (site / f"{name}.py").write_text("raise ModuleNotFoundError", encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    run = subprocess.run(
        [site / "bin" / "rebalancer", "demo"],
        cwd=empty,
        env=os.environ | {"PYTHONPATH": str(site)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
def test_an_installed_package_leads_to_a_night(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with what the wheel asks for: demo, setup, a night that plans, one that moves."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    tools = tmp_path / "venv" / "bin"
    pip = [str(tools / "pip"), "install", "--quiet"]
    install = [*pip, "--constraint", str(ROOT / "requirements.lock"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    assert (tmp_path / "venv" / "share" / "man" / "man1" / "rebalancer.1").is_file()
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    known = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    known |= {"REBALANCER_USER": "root", "REBALANCER_PASSWORD": "simulated"}
    work = tmp_path / "work"
    work.mkdir()
    run = subprocess.run(
        ["bash", "-c", NIGHT],
        cwd=work,
        env=bare | known,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (work / "units" / "rebalancer-nightly.service").is_file()
    assert "rebalancer_nightly_exit_code" in (work / "night.prom").read_text(encoding="utf-8")
