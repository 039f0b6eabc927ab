"""Several pools of an instance at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.generate import generate, write_instance
from tests.conftest import ROOT


@pytest.mark.slow
def test_answers_are_the_same_however_many_pools_are_solved_at_once(tmp_path: Path) -> None:
    """Two pools of 33 hosts, one after the other and beside each other in two processes, as the command runs them."""
    instance, answers = tmp_path / "two.json.gz", []
    write_instance(generate("66x240", 1), instance)
    for at_once in ("1", "2"):
        out = tmp_path / f"{at_once}.json"
        command = [sys.executable, "-m", "benchmarks.balance", str(instance), "--at-once", at_once, "--out", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=600)
        answer = json.loads(out.read_text(encoding="utf-8"))
        answers.append({name: answer[name] for name in ("placement", "migrations", "value", "bound", "reproducible")})
    assert answers[0] == answers[1]
    assert answers[0]["migrations"]
    assert answers[0]["reproducible"]
