"""Meta's solver is asked in an environment of its own, and left out where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.judge import verdict
from benchmarks.neutral import read_instance
from benchmarks.peers.__main__ import main
from benchmarks.peers.meta import meta, meta_python


@pytest.mark.parametrize("named", ["", "/nowhere/python", sys.executable])
def test_an_environment_without_its_package_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, named: str
) -> None:
    """No name, no such file, and a Python whose `rebalancer` is this one: said, and not asked."""
    monkeypatch.setenv("REBALANCER_META_PYTHON", named)
    assert meta_python() is None
    with pytest.raises(SystemExit):
        main(["meta", str(tmp_path / "instance.json")])
    assert "REBALANCER_META_PYTHON" in capsys.readouterr().err


@pytest.mark.skipif(meta_python() is None, reason="REBALANCER_META_PYTHON names no environment with its package")
def test_it_relieves_an_easy_pool_and_breaks_nothing(shared_data: Callable[[str], Path]) -> None:
    """16x250, as measured: area 0."""
    instance = read_instance(shared_data("instances/16x250.json.gz"))
    placement, moves = meta(instance, seconds=5)
    found = verdict(instance, placement, moves)
    assert (found.area, found.broken) == (0, 0)
