"""Nights that limits cut, and nights that some hosts send no metrics for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.cli.main import main
from rebalancer.simulator import Simulator
from tests.nightly.noon import POOL


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A pool with two hot hosts, and the way in."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("REBALANCER_USER", "root")
    monkeypatch.setenv("REBALANCER_PASSWORD", "simulator")
    with Simulator(POOL, speed=100.0, login_delay=0.0) as running:
        yield running


def nightly(policy: str, simulator: Simulator, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """The exit code of a night under *policy* at the pool, as `main` ends."""
    file = folder / "p.toml"
    file.write_text(f'{policy}\n[pool]\nurl = "{simulator.url}"\n')
    state = ["--state-dir", str(folder / "state")]
    monkeypatch.setattr(sys, "argv", ["rebalancer", "nightly", str(file), *state, *options])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_limits_that_cut_are_told(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One move is allowed where more are worth it: on stdout, in the verdict, in JSON, metrics and exit code."""
    metrics = tmp_path / "night.prom"
    options = ("--execute", "--detailed-exitcode", "--metrics-file", str(metrics))
    policy = "[limits]\nmaximum_moves = 1\n"
    assert nightly(policy, simulator, tmp_path, monkeypatch, *options) == Exit.INCOMPLETE
    told = capsys.readouterr().out
    assert "1 of 1 step done: the plan is carried out, as far as the limits of the policy let it go" in told
    assert "\nlimits.maximum_moves = 1 cut the plan: for now it leaves " in told
    assert "VMs on hosts above their threshold" in told
    assert 'verdict="cut"} 1.0' in metrics.read_text()
    assert nightly(policy, simulator, tmp_path, monkeypatch, "--json", "--detailed-exitcode") == Exit.INCOMPLETE
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["cut"][:24]) == ("planned", "limits.maximum_moves = 1")
    assert nightly("", simulator, tmp_path, monkeypatch, "--json", "--detailed-exitcode") == Exit.HAS_STEPS
    assert json.loads(capsys.readouterr().out)["cut"] == ""


def test_a_host_without_metrics_is_named_first_and_held(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The night goes on without one of four hosts: nothing moves from it or to it."""
    silent = next(reversed(simulator.urls))
    simulator.faults.add("rrd-unknown", host=silent, times=-1)
    before = {vm["uuid"]: vm["resident_on"] for vm in simulator.database.all("VM").values()}
    assert nightly("", simulator, tmp_path, monkeypatch, "--execute") == Exit.DONE
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("held as it is: host ")
    assert "it sent no CPU metrics" in first
    (held,) = (ref for ref, each in simulator.database.all("host").items() if each["uuid"] == silent)
    moved = {
        vm["uuid"]: (before[vm["uuid"]], vm["resident_on"])
        for vm in simulator.database.all("VM").values()
        if vm["resident_on"] != before[vm["uuid"]]
    }
    assert moved
    assert held not in {host for pair in moved.values() for host in pair}
    assert nightly("", simulator, tmp_path, monkeypatch, "--json") == Exit.DONE
    (told,) = json.loads(capsys.readouterr().out)["held"]
    assert (told["kind"], told["uuid"]) == ("host", silent)


@pytest.mark.parametrize(("share", "code"), [(0.25, Exit.METRICS_REFUSED), (0.75, Exit.DONE)])
def test_the_policy_says_from_which_share_on_a_night_is_refused(
    share: float, code: Exit, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of four hosts send none: half of them."""
    for silent in list(simulator.urls)[-2:]:
        simulator.faults.add("rrd-unknown", host=silent, times=-1)
    policy = f"[demand]\nrefuse_from_share = {share}\n"
    assert nightly(policy, simulator, tmp_path, monkeypatch, "--execute") == code
