"""What a wheel holds, so that the package works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import rebalancer

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("xapi_rebalancer-*.whl"))


def test_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """Every module and data file below `rebalancer/` is in the wheel, and no test or benchmark is."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in (ROOT / "rebalancer").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}


@pytest.mark.parametrize(
    "name",
    [
        "export/plan.schema.json",
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


def test_version_has_one_source(wheel: Path) -> None:
    """The wheel carries the version that the package says, and pyproject.toml repeats it nowhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wheel.name.split("-")[1] == rebalancer.__version__
    assert "version" not in project


def test_lock_pins_every_declared_package() -> None:
    """The locks hold plain `name==version` lines only, and one for every dependency and extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    bench = declared(extras.pop("bench"))
    wanted = declared([*project["dependencies"], *(line for lines in extras.values() for line in lines)])
    assert wanted <= pinned("requirements.lock").keys()
    assert bench <= pinned("requirements-bench.lock").keys()


def test_no_checkout_is_given_what_only_the_benchmarks_use() -> None:
    """Two locks, and no package in both: GPL software is installed by those who measure, and by nobody else."""
    assert pinned("requirements.lock").keys().isdisjoint(pinned("requirements-bench.lock"))


def declared(requirements: list[str]) -> set[str]:
    """The packages of requirements such as `numpy>=2.1`, in small letters, our own extras left out."""
    names = {line.partition(">")[0].lower().replace("-", "_") for line in requirements}
    return {name for name in names if "[" not in name}


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
