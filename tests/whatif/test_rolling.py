"""All hosts in turn: every stage starts where the last ends, nobody goes to an older host, and the bound is one."""

from __future__ import annotations

import json
import random
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InputError, NothingFound, PlanFileError
from rebalancer.export import read_plan
from rebalancer.inventory import Pool
from rebalancer.problem import Problem
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Evacuation, Habit, Purpose, Rolling, rolling, write_rolling
from rebalancer.whatif.evacuate import emptied
from tests.plan.made import LATER, MADE_AT, pool_with
from tests.pools import policy_of, problem_of

NEW = "9.4.0"
GIB = 2**30


def rolled(problem: Problem, *hosts: str, version: str | None = None, come_home: bool = True) -> Rolling:
    """What comes of working on *hosts* of *problem*."""
    return rolling(problem, hosts, version=version, come_home=come_home, made_at=MADE_AT)


def played(found: Rolling, start: Pool, version: str | None = None) -> dict[str, str]:
    """Where VMs end once all stages are carried out as rolling.md tells; each is proven on the pool as it is then."""
    pool = start
    for stage in found.stages:
        emptying = stage.purpose is Purpose.EMPTY
        pool = with_host(pool, stage.host, enabled=not emptying)
        assert verify_plan(stage.plan, pool, now=LATER) == ()
        for step in stage.plan.steps:
            assert pool.vms[step.vm].resident_on == step.source
            pool = replace(pool, vms={**pool.vms, step.vm: replace(pool.vms[step.vm], resident_on=step.target)})
        if emptying:
            assert stage.host not in homes(pool).values()
            pool = with_host(pool, stage.host, enabled=True)
            pool = updated(pool, stage.host, version) if version else pool
    return homes(pool)


def with_host(pool: Pool, uuid: str, *, enabled: bool) -> Pool:
    """*pool* with a host enabled or disabled."""
    return replace(pool, hosts={**pool.hosts, uuid: replace(pool.hosts[uuid], enabled=enabled)})


def updated(pool: Pool, uuid: str, version: str) -> Pool:
    """*pool* once a host came back updated; xapi marks the pool while hosts differ."""
    host = pool.hosts[uuid]
    software = {**host.software_version, "platform_version": version}
    hosts = {**pool.hosts, uuid: replace(host, software_version=software)}
    differ = len({each.software_version["platform_version"] for each in hosts.values()}) > 1
    mark = {"rolling_upgrade_in_progress": "true"} if differ else {}
    return replace(pool, hosts=hosts, other_config=mark)


def homes(pool: Pool) -> dict[str, str]:
    """Where guests are."""
    return {vm.uuid: vm.resident_on or "" for vm in pool.resident_guests()}


@pytest.fixture
def pool() -> Pool:
    """Three hosts of 20 GiB; h1 is the coordinator, h3 the fullest."""
    guests = {"a": ("h1", 4.0), "b": ("h1", 2.0), "c": ("h2", 4.0), "d": ("h3", 6.0), "e": ("h3", 2.0)}
    return pool_with({"h1": 20, "h2": 20, "h3": 20}, guests)


def test_after_reboots_everybody_is_home(pool: Pool) -> None:
    """Coordinator first, then the fullest; every VM leaves once and returns once, which is proven to be the least."""
    found = rolled(problem_of(pool))
    assert found.hosts == ("h1", "h3", "h2")
    assert played(found, pool) == homes(pool)
    assert found.habit is Habit.AT_ONCE
    assert found.copied_bytes == found.bound_bytes == 2 * 18 * GIB
    assert found.deviations == ()


def test_who_stays_away_moves_once(pool: Pool) -> None:
    """Only the VMs of the first host move twice, because every host that they can go to is still to be emptied."""
    found = rolled(problem_of(pool), come_home=False)
    assert [stage.purpose for stage in found.stages] == [Purpose.EMPTY] * 3
    assert found.copied_bytes == found.bound_bytes == (18 + 6) * GIB
    assert played(found, pool) != homes(pool)


def test_one_host_of_many(pool: Pool) -> None:
    """Its VMs go to hosts that nobody empties, so that the bound is what it has."""
    found = rolled(problem_of(pool), "h2", come_home=False)
    assert (found.hosts, len(found.stages)) == (("h2",), 1)
    assert found.copied_bytes == found.bound_bytes == 4 * GIB


@pytest.mark.parametrize("come_home", [True, False])
def test_nobody_goes_to_an_older_host(pool: Pool, *, come_home: bool) -> None:
    """Once the coordinator is updated, VMs only go to updated hosts, as xapi's dry run demands of a pool in between."""
    found = rolled(problem_of(pool), version=NEW, come_home=come_home)
    assert found.refused is None
    done: set[str] = set()
    for stage in found.stages:
        targets = {step.target for step in stage.plan.steps}
        assert targets <= done or not done
        if stage.purpose is Purpose.EMPTY:
            done.add(stage.host)
    ends = played(found, pool, NEW)
    assert (ends == homes(pool)) is come_home
    assert found.copied_bytes >= found.bound_bytes


def test_a_full_pool_swings_over_the_first_host() -> None:
    """Where no updated host has room beside its own VMs, the first takes them; its own go home once they have to."""
    guests = {f"{host}-{n}": (host, 4.0) for host in ("h1", "h2", "h3", "h4") for n in range(3)}
    pool = pool_with({"h1": 18, "h2": 18, "h3": 18, "h4": 18}, guests)
    found = rolled(problem_of(pool), version=NEW)
    assert found.refused is None
    assert found.habit is not Habit.AT_ONCE
    assert found.copied_bytes == found.bound_bytes
    assert played(found, pool, NEW) == homes(pool)


def test_no_walk_where_hosts_are_full() -> None:
    """Where nobody can make room, there is no stage, and the reason is told."""
    pool = pool_with({"h1": 11, "h2": 11}, {"a": ("h1", 8.0), "b": ("h2", 8.0)})
    found = rolled(problem_of(pool))
    assert found.stages == ()
    assert found.refused is not None


def test_who_cannot_leave_is_told_first(pool: Pool) -> None:
    """All VMs that hold their host, of all hosts, before anything is solved; the other hosts are planned."""
    found = rolled(problem_of(pool, policy=policy_of(never_move=["c", "e"])))
    assert (found.refused, found.hosts) == (None, ("h1",))
    assert played(found, pool) == homes(pool)
    assert [(each.host_name, each.words) for each in found.set_aside] == [
        ("h3", "e cannot leave"),
        ("h2", "c cannot leave"),
    ]
    assert [(each.vm, each.host, each.rule) for each in found.blocked] == [
        ("e", "h3", "never-move"),
        ("c", "h2", "never-move"),
    ]
    told = {each.host_name: [concession.words for concession in each.ways[0].concessions] for each in found.fixes}
    assert told == {"h2": ["let 'c' move"], "h3": ["let 'e' move"]}
    assert json.loads(json.dumps(found.as_json()))["ways_out"][0]["host_name"] == "h3"


def test_nothing_is_planned_where_every_host_is_held(pool: Pool) -> None:
    """The reason names who holds them."""
    found = rolled(problem_of(pool, policy=policy_of(never_move=["a", "c", "e"])))
    assert (found.stages, len(found.set_aside)) == ((), 3)
    assert "VM 'e' cannot leave" in str(found.refused)


def test_no_host_is_updated_before_the_coordinator(pool: Pool) -> None:
    """Where that one is held, an update plans nothing, and reboots plan the others."""
    held = problem_of(pool, policy=policy_of(never_move=["a"]))
    update, reboot = rolled(held, version=NEW), rolled(held)
    assert (update.stages, reboot.hosts) == ((), ("h3", "h2"))
    assert "VM 'a' cannot leave" in str(update.refused)


@pytest.mark.parametrize("version", [None, NEW])
def test_a_host_that_is_held_takes_vms_of_others(pool: Pool, version: str | None) -> None:
    """It stays as it is, and in an update takes nobody from hosts that are newer."""
    found = rolled(problem_of(pool, policy=policy_of(never_move=["e"])), version=version)
    assert (found.hosts, [each.host_name for each in found.set_aside]) == (("h1", "h2"), ["h3"])
    assert played(found, pool, version) == homes(pool)
    assert found.copied_bytes >= found.bound_bytes


def test_vms_that_balancing_leaves_alone_return(pool: Pool) -> None:
    """Every stage may move them."""
    found = rolled(problem_of(pool, policy=policy_of(leave_alone=["a", "c", "e"])))
    assert played(found, pool) == homes(pool)
    assert (found.refused, found.deviations) == (None, ())


def test_what_lets_a_later_stage_go_on_is_told(pool: Pool) -> None:
    """Nobody is held by itself, and all of a group cannot be apart on the hosts that are left, whichever goes down."""
    found = rolled(problem_of(pool, policy=policy_of(apart=[{"name": "trio", "vms": ["a", "c", "e"]}])))
    assert (found.stages, found.blocked) == ((), ())
    assert [way.concessions[0].words for each in found.fixes for way in each.ways] == ["do without apart 'trio'"] * 3
    assert [each.host_name for each in found.set_aside] == ["h1", "h3", "h2"]
    assert found.refused is not None


def test_who_may_not_return_is_told(pool: Pool) -> None:
    """A VM that is where the policy does not want it cannot come back, and is named with where it ends."""
    away = [{"name": "licence", "vms": ["c"], "hosts": ["h1", "h3"]}]
    found = rolled(problem_of(pool, policy=policy_of(run_on=away)))
    assert [(each.vm, each.home_name, "must-run-on" in each.words) for each in found.deviations] == [("c", "h2", True)]
    assert found.deviations[0].ends_on_name in {"h1", "h3"}
    ends = played(found, pool)
    assert {vm for vm in ends if ends[vm] != homes(pool)[vm]} == {"c"}
    assert found.copied_bytes >= found.bound_bytes == (18 + 14) * GIB


def test_hosts_that_are_updated_already_are_left_out(pool: Pool) -> None:
    """So a rolling update that was broken off goes on with the rest."""
    begun = updated(pool, "h1", NEW)
    assert rolled(problem_of(begun), version=NEW).hosts == ("h3", "h2")
    for host in ("h2", "h3"):
        begun = updated(begun, host, NEW)
    with pytest.raises(InputError, match="nothing left to do"):
        rolled(problem_of(begun), version=NEW)


def test_a_pool_without_a_live_host(pool: Pool) -> None:
    """Nothing is said to be done already."""
    dead = replace(pool, hosts={uuid: replace(host, live=False) for uuid, host in pool.hosts.items()})
    with pytest.raises(InputError, match=r"no host of the pool is live.*Bring one back"):
        rolled(problem_of(dead))


@pytest.mark.parametrize(("version", "words"), [("next", "no platform version"), ("0.1", "already")])
def test_a_version_that_cannot_be_meant(pool: Pool, version: str, words: str) -> None:
    """What is no version, and what is older than what hosts run, is refused by its name."""
    with pytest.raises(InputError, match=words):
        rolled(problem_of(pool), version=version)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("version", [None, NEW])
def test_random_pools(seed: int, version: str | None) -> None:
    """Whatever the pool: what is planned plays, ends where it says, and copies no less than its bound."""
    chance = random.Random(seed)
    hosts = {f"h{n}": 24.0 for n in range(1, 5)}
    guests = {f"v{n:02}": (chance.choice(sorted(hosts)), float(chance.randint(1, 5))) for n in range(12)}
    pool = pool_with(hosts, guests)
    for come_home in (True, False):
        found = rolled(problem_of(pool), version=version, come_home=come_home)
        if found.refused:
            assert found.stages == ()
            continue
        ends = played(found, pool, version)
        away = {vm for vm in ends if ends[vm] != homes(pool)[vm]}
        assert not come_home or away == {each.vm for each in found.deviations}
        assert found.copied_bytes >= found.bound_bytes


def test_a_folder_for_every_stage(pool: Pool, tmp_path: Path) -> None:
    """Numbered in their order, each a plan that reads back; the index names them; nothing is overwritten."""
    found = rolled(problem_of(pool))
    write_rolling(found, tmp_path / "roll")
    index = json.loads((tmp_path / "roll" / "rolling.json").read_text())
    assert [read_plan(tmp_path / "roll" / name).digest for name in index["folders"]] == [
        stage["plan"] for stage in index["stages"]
    ]
    page = (tmp_path / "roll" / "rolling.md").read_text()
    assert all(name in page for name in index["folders"])
    assert "Not planned" not in page
    with pytest.raises(PlanFileError, match="something already"):
        write_rolling(found, tmp_path / "roll")


def test_the_index_names_hosts_that_are_not_planned(pool: Pool, tmp_path: Path) -> None:
    """With who is in the way, and what would let all leave."""
    write_rolling(rolled(problem_of(pool, policy=policy_of(never_move=["e"]))), tmp_path / "roll")
    page = (tmp_path / "roll" / "rolling.md").read_text()
    assert "| h3 | e cannot leave | let 'e' move |" in page
    index = json.loads((tmp_path / "roll" / "rolling.json").read_text())
    assert (index["hosts"], index["set_aside"]) == (["h1", "h2"], [{"host_name": "h3", "words": "e cannot leave"}])


def test_moves_are_what_plans_say(pool: Pool) -> None:
    """The first stage moves the coordinator's VMs and nobody else."""
    first = rolled(problem_of(pool)).stages[0].plan
    moves = first.before.moves_to(first.predicted)
    assert {move.vm for move in moves} == {"a", "b"}
    assert {move.source for move in moves} == {"h1"}


def test_a_stage_of_which_nothing_is_found_in_its_share_gets_more_time(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five seconds of thirty are too few, twenty are enough; more than the policy gives is never asked for."""
    asked: list[float] = []

    def slow(problem: Problem, hosts: Collection[str], **options: Any) -> Evacuation:  # noqa: ANN401 - of `emptied`
        asked.append(problem.policy.limits.solve_seconds)
        found = emptied(problem, hosts, **options)
        return found if asked[-1] >= enough else replace(found, plan=None, refused=NothingFound(["too slow"]))

    monkeypatch.setattr("rebalancer.whatif.itinerary.emptied", slow)
    enough = 8.0
    found = rolled(problem_of(pool, policy=policy_of(limits={"solve_seconds": 30})), "h1")
    assert (found.refused, asked) == (None, [5.0, 20.0])
    asked.clear()
    enough = 100.0
    found = rolled(problem_of(pool, policy=policy_of(limits={"solve_seconds": 30})), "h1", come_home=False)
    assert isinstance(found.refused, NothingFound)
    assert asked == [5.0, 20.0, 30.0]
