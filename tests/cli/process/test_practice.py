"""The week of nights in docs/simulator.md, as people type it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rebalancer.simulator import kept_in
from tests.cli.terminal import ROOT, Terminal

PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
MARK = "<!-- walked by tests/cli/process/test_practice.py -->\n```console\n"


def script() -> str:
    """What the page tells people to type."""
    block = PAGE.partition(MARK)[2].partition("\n```")[0]
    return re.sub(r"^\$ ", "", block, flags=re.MULTILINE)


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the page sets the clock with curl")
def test_the_page_lives_through_a_week(tmp_path: Path) -> None:
    """Seven nights end well, the stubborn VM is told by name, and the pool can be taken up a week later."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "rebalancer"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m rebalancer "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-m", "-c", script().replace("8080", str(free_port())).replace("sleep 8", "sleep 20")],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    told = run.stdout + run.stderr
    assert ": code" not in run.stdout, told
    assert len(re.findall(r"^pool simulated: ", run.stdout, re.MULTILINE)) == 7, told
    assert "db-072" in told
    assert "2026-11-09T22:3" in run.stdout
    kept = kept_in(tmp_path / "practice.json.gz")
    assert kept
    assert kept.now > 1_794_263_400
    assert len(list((tmp_path / "state" / "plans").glob("*/2026-11-*"))) == 7


def test_a_state_file_belongs_to_one_pool(terminal: Terminal) -> None:
    """Another size, and a second pool beside, are refused in words."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("threading.Event.wait", lambda *_: True)
        made = terminal.run(
            "simulate", "--hosts", "2", "--vms", "4", "--state", "s.json", "--port", "0", "--at", "2026-11-02T22:30"
        )
    assert made.code == 0, made.err
    other = terminal.run("simulate", "--hosts", "3", "--vms", "4", "--state", "s.json", "--port", "0")
    assert (other.code, "it holds the pool of `--hosts 2 --vms 4 --seed 1 --days 14`" in other.err) == (1, True)
    back = terminal.run("simulate", "--hosts", "2", "--vms", "4", "--state", "s.json", "--at", "2026-11-01")
    assert (back.code, "is never set back" in back.err) == (1, True)
    two = terminal.run("simulate", "--state", "s.json", "--beside", "annex")
    assert (two.code, "it keeps one pool" in two.err) == (1, True)
    nowhere = terminal.run("simulate", "--state", "gone/s.json")
    assert (nowhere.code, "its folder is not there" in nowhere.err) == (1, True)
    assert terminal.run("simulate", "--at", "soon").code == 1
