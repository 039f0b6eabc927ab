"""Nights of several pools at once, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.cli.nights.fleet import WORST_FIRST, metrics_of
from rebalancer.errors import PolicyError
from rebalancer.execute import pool_lock
from rebalancer.policy.fleet import fleet_of, is_fleet
from rebalancer.simulator import Simulator, generate_pool
from tests.nightly.noon import POOL
from tests.nightly.typed import Typed, typed_at

OTHER = generate_pool(hosts=4, vms=24, seed=6, fill=0.5, hot=0.5, pinned=0.0, cpus=16)


@pytest.fixture
def pools() -> Iterator[list[Simulator]]:
    """Two pools."""
    with ExitStack() as stack:
        yield [stack.enter_context(Simulator(each, speed=100.0, login_delay=0.0)) for each in (POOL, OTHER)]


@pytest.fixture
def typed(
    pools: list[Simulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """A terminal in a folder with a policy for each of them."""
    for name, pool in zip(("east", "west"), pools, strict=True):
        (tmp_path / "pools" / name).mkdir(parents=True)
        (tmp_path / "pools" / name / "nightly.toml").write_text(f'[pool]\nurl = "{pool.url}"\n')
    (tmp_path / "fleet.toml").write_text('name = "all"\npolicies = ["pools/*/*.toml"]\n')
    return typed_at(pools[0], tmp_path, monkeypatch, capsys)


def of_fleet(file: Path, name: str) -> float:
    """A figure of the fleet called all."""
    found = dict(line.rsplit(" ", 1) for line in file.read_text(encoding="utf-8").splitlines())
    return float(found[f'rebalancer_fleet_{name}{{fleet="all"}}'])


def test_what_names_several_policies(typed: Typed) -> None:
    """A folder of them, and a file that lists them; a policy is none, nor is what cannot be read."""
    folder = typed.folder / "pools" / "east"
    assert [is_fleet(each) for each in (folder, typed.folder / "fleet.toml")] == [True, True]
    assert not any(is_fleet(each) for each in (folder / "nightly.toml", folder / "missing.toml"))
    names = [name for name, _ in fleet_of(typed.folder / "fleet.toml").members]
    assert names == ["pools/east/nightly.toml", "pools/west/nightly.toml"]
    assert [name for name, _ in fleet_of(folder).members] == ["nightly.toml"]
    with pytest.raises(PolicyError, match="names no file"):
        fleet_of(typed.folder)  # only fleet.toml is there, which is no policy of a pool


def test_metrics_of_pools_do_not_overwrite_each_other() -> None:
    """Whatever their policies are called."""
    names = ["a/nightly.toml", "b/nightly.toml", "a-nightly.toml"]
    files = [metrics_of(Path("x/rebalancer.prom"), each, names).name for each in names]
    assert files == ["rebalancer-a-nightly-1.prom", "rebalancer-b-nightly.prom", "rebalancer-a-nightly-2.prom"]


def test_the_order_of_the_codes_has_each_once() -> None:
    """But for that of `apply` alone."""
    assert set(WORST_FIRST) == {int(each) for each in Exit} - {Exit.LATER}
    assert len(set(WORST_FIRST)) == len(WORST_FIRST)


def test_a_fleet_is_planned_and_carried_out(typed: Typed) -> None:
    """Both pools in one summary, each with metrics of its own; the second night finds nothing to do."""
    (typed.folder / "metrics").mkdir()
    state = ("--state-dir", typed.folder / "state", "--metrics-file", typed.folder / "metrics" / "r.prom")
    first = typed.run("nightly", typed.folder / "fleet.toml", "--execute", "--json", *state)
    told = json.loads(first.out)
    assert (first.code, told["fleet"], told["exit_code"]) == (0, "all", 0), first.err
    assert [each["policy"] for each in told["pools"]] == ["pools/east/nightly.toml", "pools/west/nightly.toml"]
    assert all(each["verdict"] == "done" and each["moved"] == each["steps"] > 0 for each in told["pools"])
    written = sorted(each.name for each in (typed.folder / "metrics").iterdir())
    assert written == ["r-pools-east-nightly.prom", "r-pools-west-nightly.prom", "r.prom"]
    moved = sum(each["moved"] for each in told["pools"])
    figures = {"exit_code": 0, "pools": 2, "pools_failed": 0, "steps_done": moved, "steps_left": 0}
    assert {key: of_fleet(typed.folder / "metrics" / "r.prom", key) for key in figures} == figures
    second = typed.run("nightly", typed.folder / "fleet.toml", *state)
    assert second.code == 0
    assert second.out.splitlines()[-1] == "fleet all: 2 pools, 0 failed, 0 steps carried out; exit code 0"


def test_each_policy_of_a_fleet_is_checked(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is broken, one without a pool and two of one pool; the code says that one of them cannot be used."""
    monkeypatch.delenv("COLUMNS", raising=False)
    (typed.folder / "pools" / "broken.toml").write_text("[limits]\nmaximum_move = 3\n")
    (typed.folder / "pools" / "nowhere.toml").write_text('name = "nowhere"\n')
    (typed.folder / "pools" / "twin.toml").write_text((typed.folder / "pools" / "east" / "nightly.toml").read_text())
    (typed.folder / "fleet.toml").write_text('name = "all"\npolicies = ["pools/*/*.toml", "pools/*.toml"]\n')
    ended = typed.run("policy", "check", typed.folder / "fleet.toml")
    head, east, west, broken, nowhere, missing, twin, same = ended.out.splitlines()
    assert (ended.code, head) == (Exit.ERROR, f"{typed.folder / 'fleet.toml'}: fleet 'all' of 5 pools")
    assert [each.endswith("is well-formed.") for each in (east, west, nowhere, twin)] == [True] * 4
    assert broken.startswith("pools/broken.toml: cannot be used: ")
    assert "maximum_moves" in broken
    assert missing == "- pool.url: it is missing: a night needs to know where the pool is"
    assert same.startswith("- pool.url: pools/east/nightly.toml names the same pool")
    told = json.loads(typed.run("policy", "check", typed.folder / "fleet.toml", "--json").out)
    assert [bool(each["error"]) for each in told["policies"]] == [False, False, True, False, False]
    assert typed.run("policy", "check", typed.folder / "pools" / "east").code == Exit.DONE
    assert typed.run("policy", "check", typed.folder / "pools" / "east", "pool.json").code == Exit.ERROR


def test_one_failing_pool_stops_no_other(typed: Typed, pools: list[Simulator]) -> None:
    """A broken policy, a pool that is locked, and one that is planned: the summary has all, the code says the worst."""
    (typed.folder / "pools" / "broken.toml").write_text("[pool\n")
    (typed.folder / "fleet.toml").write_text('policies = ["pools/broken.toml", "pools/*/*.toml"]\n')
    (pool,) = pools[0].database.all("pool").values()
    with pool_lock(pool["uuid"], typed.folder / "state"):
        ended = typed.run(
            "nightly", typed.folder / "fleet.toml", "--execute", "--json", "--state-dir", typed.folder / "state"
        )
    told = {each["policy"]: each for each in json.loads(ended.out)["pools"]}
    assert ended.code == Exit.ERROR
    assert told["pools/broken.toml"]["error"] == "policy_error"
    assert told["pools/east/nightly.toml"]["error"] == "pool_locked"
    assert (told["pools/west/nightly.toml"]["verdict"], told["pools/west/nightly.toml"]["exit_code"]) == ("done", 0)


def test_a_fleet_that_plans_moves_nothing(typed: Typed, pools: list[Simulator]) -> None:
    """Side by side, with the worst detailed code."""
    (typed.folder / "fleet.toml").write_text('carry_out = "side-by-side"\npolicies = ["pools/*/*.toml"]\n')
    before = [pool.database.all("VM") for pool in pools]
    state = ("--state-dir", typed.folder / "state")
    ended = typed.run("nightly", typed.folder / "fleet.toml", "--detailed-exitcode", *state)
    assert ended.code == Exit.HAS_STEPS
    assert [pool.database.all("VM") for pool in pools] == before
    assert "planned, and not to be executed" in ended.out


@pytest.mark.slow
def test_a_fleet_plans_on_a_dask_cluster(typed: Typed) -> None:
    """Of two worker processes; plans are the same as without."""
    distributed = pytest.importorskip("distributed")
    state = ("--json", "--state-dir", typed.folder / "state")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        there = typed.run("nightly", typed.folder / "fleet.toml", "--dask", cluster.scheduler_address, *state)
    here = typed.run("nightly", typed.folder / "fleet.toml", *state)
    assert (there.code, here.code) == (0, 0), there.err
    summaries = [[each["summary"] for each in json.loads(ended.out)["pools"]] for ended in (there, here)]
    assert summaries[0] == summaries[1]
