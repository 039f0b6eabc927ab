"""The Containerfile names what is there: no builder is asked, but its first half is made with what it copies."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from rebalancer.execute import state_folder
from tests.conftest import ROOT

TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WHEEL = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]


def said(instruction: str) -> list[str]:
    """What follows *instruction*, each time that it is there."""
    return [rest for word, _, rest in (line.partition(" ") for line in LINES) if word == instruction]


def copied() -> list[tuple[str, str]]:
    """Files and folders of the checkout with where they go, below the working folder."""
    found = [shlex.split(words) for words in said("COPY") if not words.startswith("--from")]
    return [(source, target) for *sources, target in found for source in sources]


def contents(wheel: Path) -> set[tuple[str, int]]:
    """Names and checksums."""
    with zipfile.ZipFile(wheel) as archive:
        return {(each.filename, each.CRC) for each in archive.infolist()}


def test_what_it_copies_is_enough_for_the_wheel(tmp_path: Path) -> None:
    """Nothing else of the checkout is needed: the wheel that pip makes there is the one that is made here."""
    source = tmp_path / "src"
    for name, target in copied():
        to = source / name if target == "./" else source / target
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, to)
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for folder, where in ((source, "there"), (ROOT, "here")):
        made = [*WHEEL, str(tmp_path / where)]
        subprocess.run(made, cwd=folder, check=True, capture_output=True, env=bare)
    (there,), (here,) = ((tmp_path / where).glob("*.whl") for where in ("there", "here"))
    assert contents(there) == contents(here)


def test_what_it_installs_is_declared() -> None:
    """Extras that the project has, a lock that it copies, and a Python that both allow."""
    (extras,) = re.findall(r'"\.\[([a-z,]+)\]"', TEXT)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    (lock,) = re.findall(r"--constraint (\S+)", TEXT)
    assert (lock, "./") in copied()
    for base in said("FROM"):
        (minor,) = re.findall(r"^python:3\.(\d+)-slim", base)
        assert PROJECT["requires-python"] == f">=3.{minor}"


@pytest.mark.parametrize("instruction", ["USER", "VOLUME", "ENTRYPOINT"])
def test_it_runs_the_command_as_its_user_with_its_state(instruction: str) -> None:
    """The state folder is the volume and the user's home, and the entry point is the command that the wheel brings."""
    (created,) = re.findall(r"useradd .*--home-dir (\S+) .*?(\S+)$", "\n".join(said("RUN")), re.MULTILINE)
    (path, state) = (re.findall(rf"{name}=(\S+)", said("ENV")[0])[0] for name in ("PATH", "XDG_STATE_HOME"))
    home, user = created
    (command,) = PROJECT["scripts"]
    assert path.startswith("/opt/rebalancer/bin:")
    assert str(state_folder(environ={"XDG_STATE_HOME": state})) == home
    wanted = {"USER": user, "VOLUME": home, "ENTRYPOINT": f'["{command}"]'}
    assert said(instruction) == [wanted[instruction]]
