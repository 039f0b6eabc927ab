"""`rebalancer rehearse`, as people type it."""

from __future__ import annotations

import shutil

from rebalancer.cli.exits import Exit
from rebalancer.export import write_plan
from tests.cli.terminal import Served, Terminal, is_one_sentence


def test_a_plan_is_rehearsed(served: Served, terminal: Terminal) -> None:
    """With the snapshot beside it; nothing changes in the pool, and tables tell how long it takes and how runs end."""
    write_plan(served.plan, terminal.folder / "plan")
    shutil.copy(served.snapshot, terminal.folder / "snapshot.json.gz")
    before = served.simulator.database.generation
    ended = terminal.run("rehearse", "plan", "--runs", 2)
    assert ended.code == Exit.DONE
    assert "2 of 2 runs made every step" in ended.out
    assert "How the runs end" in ended.out
    assert served.simulator.database.generation == before


def test_faults_are_told_by_kind(served: Served, terminal: Terminal) -> None:
    """With what they leave behind, and the exit codes of `apply`."""
    write_plan(served.plan, terminal.folder / "plan")
    words = ("rehearse", "plan", "--snapshot", served.snapshot, "--faults", "vm-halts", "--runs", 1, "--json")
    told = terminal.run(*words).json()
    assert told["exit_codes"] == {"5": 1}
    assert told["by_fault"][0]["kind"] == "vm-halts"
    assert told["takes"][0]["fault"].startswith("vm-halts")
    tables = terminal.run(*words[:-1]).out
    assert "What faults leave behind" in tables
    assert "Steps that did not end well" in tables


def test_a_snapshot_is_needed(served: Served, terminal: Terminal) -> None:
    """Where none lies in or beside the folder, the option is named."""
    write_plan(served.plan, terminal.folder / "alone" / "plan")
    ended = terminal.run("rehearse", "alone/plan")
    assert ended.code == Exit.ERROR
    assert is_one_sentence(ended, "alone/plan", "--snapshot")


def test_unknown_faults_are_named(served: Served, terminal: Terminal) -> None:
    """With the command that lists what there is."""
    write_plan(served.plan, terminal.folder / "plan")
    ended = terminal.run("rehearse", "plan", "--snapshot", served.snapshot, "--faults", "earthquake")
    assert is_one_sentence(ended, "earthquake", "--fault list")


def test_faults_are_listed(terminal: Terminal) -> None:
    """Without serving anything."""
    ended = terminal.run("simulate", "demo", "--fault", "list")
    assert ended.code == Exit.DONE
    assert "handshake-lost: " in ended.out


def test_a_fault_that_nobody_knows_is_refused(terminal: Terminal) -> None:
    """Before anything is served."""
    ended = terminal.run("simulate", "demo", "--port", 0, "--fault", "stalls:speed=3")
    assert is_one_sentence(ended, "stalls:speed=3", "--fault list")
