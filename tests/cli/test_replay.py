"""`rebalancer replay`: policies beside simple balancers on recorded days, in tables and as JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rebalancer.demand import Series
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.plan import digest_of
from rebalancer.snapshot import Snapshot, read_snapshot, write_snapshot
from tests.cli.recorded import traces_of
from tests.cli.terminal import Terminal
from tests.execute.scripted import plan_of
from tests.history.made import live_through
from tests.plan.made import demand_of
from tests.pools import make_pool, make_vm

ROW = ("overload", "above_75", "above_90", "above_100", "moves", "gib", "regret")


@pytest.fixture
def desk(terminal: Terminal) -> Terminal:
    """Two VMs that use 8 of 16 pCPUs each on one host for nine days, and a policy by which no move is worth it."""
    pool = make_pool(vms=[make_vm(name, gib=4, vcpus_max=8, vcpus_at_startup=8) for name in ("a", "b")])
    state = Snapshot(pool=pool, demand=None, taken_at=datetime.now(UTC), source="test")
    write_snapshot(state, terminal.folder / "pool.json")
    terminal.write("traces.csv", traces_of(("a", "b"), days=9, pcpu=8))
    terminal.write("quick.toml", "[objective]\nlevels = []\n[limits]\nsolve_seconds = 2\n")
    terminal.write("dear.toml", "[objective]\nlevels = []\npcpu_hours_per_gib = 50\n[limits]\nsolve_seconds = 2\n")
    return terminal


def test_policies_stand_beside_simple_balancers(desk: Terminal) -> None:
    """All that is to be known of two nights, computed by hand: 4 pCPUs above 75 % in 24 hours a day, or 4 GiB once.

    What nothing costs by the policy is 4.8 pCPUs above 70 %, what a move saves of that all but 0.9.
    """
    ended = desk.run("replay", "pool.json", "--traces", "traces.csv", "-p", "quick.toml", "-p", "dear.toml", "--json")
    assert ended.code == 0, ended.err
    told = ended.json()
    assert (told["nights"], told["first_night"], told["unknown_share"]) == (2, "2026-03-09T00:00:00+00:00", 0)
    rows = {row["contender"]: [row[name] for name in ROW] for row in told["rows"]}
    assert rows["quick"][:6] == [0, 0, 0, 0, 1, 4]
    assert rows["nothing"][:6] == [192, 48, 48, 0, 0, 0]
    assert rows["dear"][:6] == [192, 48, 48, 0, 0, 0]
    assert list(rows) == ["nothing", "greedy", "hill-climb", "quick", "dear"]
    assert [week["week"] for week in told["weeks"]] == [1] * 5
    assert rows["nothing"][6] == pytest.approx([228.6, 228.6], abs=0.01)


def test_tables_tell_the_condition_of_the_bound(desk: Terminal) -> None:
    """A row each, the nights on standard error, and under which condition regret is bounded."""
    ended = desk.run("replay", "pool.json", "--traces", "traces.csv", "-p", "quick.toml", "--nights", "1")
    assert ended.code == 0
    assert "1 night from 2026-03-09, 00:00 UTC" in ended.out
    assert "among all placements that its hard rules and its cool-down allow" in ended.out
    assert "Week by week" not in ended.out
    assert "quick, 2026-03-09: 1 move, 4.0 GiB, 0.0 pCPU-hours of overload the day after" in ended.err


def test_without_regret_none_is_told(desk: Terminal) -> None:
    """Nor is its condition."""
    words = ("replay", "pool.json", "--traces", "traces.csv", "--seconds", "1", "--nights", "1", "--no-regret")
    assert "hard rules" not in desk.run(*words).out
    told = desk.run(*words, "--json").json()
    assert [row["regret"] for row in told["rows"]] == [None] * 4
    assert told["rows"][3]["contender"] == "default"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--traces", "none.csv"), "none.csv"),
        (("--traces", "quick.toml"), "column vm_uuid is missing"),
        (("--traces", "traces.csv", "--nights", "3"), "it holds 9.0 days, which is 2 nights with 7 days before"),
        (("--traces", "traces.csv", "--days-back", "3"), "policy default: it looks back 7 days, and 3 are kept"),
        (("--traces", "traces.csv", "--seconds", "0"), "seconds: 0 is no time to solve in"),
    ],
)
def test_what_cannot_be_replayed_is_refused(desk: Terminal, words: tuple[str, ...], sentence: str) -> None:
    """In a sentence, with code 1."""
    ended = desk.run("replay", "pool.json", *words)
    assert ended.code == 1
    assert sentence in ended.sentence


def past_of(desk: Terminal, *, moved: bool) -> None:
    """The hours of nine days in the state folder `st`; on request with VM b moved from h1 to h2 on the last of them."""
    pool = read_snapshot(desk.folder / "pool.json").pool
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=9)
    kept = Series(vm_pcpu=np.full((2, 216), 8.0), host_base_pcpu=np.zeros((2, 216)))
    demand = replace(demand_of(pool, {"a": 1.0, "b": 1.0}), series=kept, window_start=start)
    with Store.of(HistoryPlace(state_dir=desk.folder / "st")) as store:
        keep_samples(store, pool, demand)
    if moved:
        plan = replace(plan_of(pool, ("b", "h2")), made_at=start + timedelta(days=8, hours=2))
        live_through(desk.folder / "st", replace(plan, digest=digest_of(plan)))
        there = replace(pool, vms={**pool.vms, "b": replace(pool.vms["b"], resident_on="h2")})
        state = Snapshot(pool=there, demand=None, taken_at=datetime.now(UTC), source="test")
        write_snapshot(state, desk.folder / "pool.json")


def test_the_history_is_replayed(desk: Terminal) -> None:
    """Two nights with seven days before them, judged as those of a file are."""
    past_of(desk, moved=False)
    ended = desk.run("replay", "pool.json", "--state-dir", "st", "-p", "quick.toml", "--json")
    assert ended.code == 0, ended.err
    told = ended.json()
    rows = {row["contender"]: [row[name] for name in ROW[:6]] for row in told["rows"]}
    assert (told["nights"], told["put_back"]) == (2, [])
    assert rows["quick"] == [0, 0, 0, 0, 1, 4]
    assert rows["nothing"] == [192, 48, 48, 0, 0, 0]
    assert "carried out" not in rows


def test_a_move_that_was_made_is_taken_back(desk: Terminal) -> None:
    """VMs begin where they were, and a row tells what really came: 4 pCPUs too much in the first day alone."""
    past_of(desk, moved=True)
    words = ("replay", "pool.json", "--state-dir", "st", "-p", "quick.toml", "--no-regret")
    told = desk.run(*words, "--json").json()
    rows = {row["contender"]: (row["overload"], row["moves"]) for row in told["rows"]}
    assert told["put_back"] == [{"vm": "b", "uuid": "b"}]
    assert (rows["nothing"], rows["carried out"], rows["quick"]) == ((192, 0), (96, 1), (0, 1))
    assert "begin 1 VM: b." in " ".join(desk.run(*words).out.split())


def test_a_pool_without_history_is_told_so(desk: Terminal) -> None:
    """In a sentence that says what to do."""
    ended = desk.run("replay", "pool.json", "--state-dir", "st")
    assert (ended.code, "no load of this pool is known" in ended.sentence) == (1, True)


def test_percent_is_refused(desk: Terminal) -> None:
    """By the name of the VM, as metrics are that cannot be true."""
    desk.write("percent.csv", traces_of(("a", "b"), days=9, pcpu=50))
    ended = desk.run("replay", "pool.json", "--traces", "percent.csv")
    assert ended.code == 6
    assert "50 pCPU at 2026-03-02 00:00 UTC is impossible with 8 vCPUs" in ended.sentence
