"""A pool is updated from its first stage to its last through kills and every fault; what is wrong ends with 1."""

from __future__ import annotations

import pytest

from tests.storm.rolling import whole_pool
from tests.storm.rolling.whole_pool import main


@pytest.mark.slow
def test_a_smaller_pool_is_updated_through_kills_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """All hosts once, all VMs where the stages end, every stop explained."""
    ended = main(["--hosts", "8", "--vms", "40", "--pinned", "3", "--kills", "12"])
    told = capsys.readouterr().out
    assert (ended, "did not strike" in told, "nothing found" in told) == (0, False, True), told


@pytest.mark.slow
def test_what_is_wrong_ends_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that is missed, and a downtime that is told too long."""
    monkeypatch.setattr(whole_pool, "OVER_BOUND", 0.5)
    monkeypatch.setattr(whole_pool, "LOOKS", 0.0)
    assert main(["--hosts", "4", "--vms", "16", "--pinned", "1", "--kills", "2"]) == 1
    told = capsys.readouterr().out
    assert "times the bound is copied, more than 0.5" in told
    assert "s are told" in told
