"""Hosts become empty, everybody comes home, and who cannot leave is told with a fix."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from rebalancer.errors import Infeasible, NothingFound
from rebalancer.execute import RunOptions, execute
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Mode, Policy
from rebalancer.problem import Problem, make_problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.rules.fixes import SHUT_DOWN
from rebalancer.simulator import Simulator, demo_pool, generate_pool
from rebalancer.simulator.checks import evacuation as xapi_evacuation
from rebalancer.solve import solve
from rebalancer.solve.outcome import nothing_found
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Evacuation, evacuate
from rebalancer.whatif.maintenance import maintained
from rebalancer.xapi import Credentials, LivePool, Trust, live_pool
from tests.execute.stage import TIMEOUTS, StoppedClock
from tests.plan.made import LATER, MADE_AT, demand_of, pool_with
from tests.pools import make_vm, policy_of, problem_of

KEYS = Credentials(user="root", password="simulator")


def emptied(problem: Problem, *hosts: str) -> Evacuation:
    """What comes of emptying *hosts*."""
    return evacuate(problem, hosts, made_at=MADE_AT)


def test_everybody_leaves_and_comes_home() -> None:
    """Without metrics, too: the plan verifies and leaves nobody, the way home verifies and leads to what was there."""
    problem = problem_of(pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 6), "c": ("h2", 4)}))
    found = emptied(problem, "h1")
    assert (found.hosts, found.guests, found.blocked, found.refused) == (("h1",), 2, (), None)
    assert found.plan
    assert found.home
    assert verify_plan(found.plan, problem.pool, now=LATER) == ()
    assert "h1" not in found.plan.predicted.host_of.values()
    assert "made without metrics: load was not looked at" in found.plan.warnings
    assert found.plan.policy.mode is Mode.EVACUATE
    after = pool_at(problem.pool, found.plan.predicted)
    assert verify_plan(found.home, after, now=LATER) == ()
    assert found.home.predicted == found.plan.before
    assert found.home.policy == maintained(problem).policy
    assert {step.why for step in found.home.steps} == {"back to where it was"}


@pytest.mark.parametrize("tag", ["xo:load:balancer:ignore", "rebalancer:leave-alone"])
def test_maintenance_moves_whom_balancing_leaves_alone(tag: str) -> None:
    """It leaves its host and comes home, by tag or by policy; who stays on another host is not asked to make room."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 6), "c": ("h2", 4)})
    tagged = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], tags=(tag,))})
    for problem in (problem_of(tagged), problem_of(pool, policy=policy_of(leave_alone=["a"]))):
        assert "a" in problem.intent.never_move
        found = emptied(problem, "h1")
        assert found.plan
        assert found.home
        assert {step.vm for step in found.plan.steps} == {"a", "b"}
        assert verify_plan(found.plan, problem.pool, now=LATER) == ()
        assert verify_plan(found.home, pool_at(problem.pool, found.plan.predicted), now=LATER) == ()
        assert found.home.predicted == found.plan.before


def test_no_maintenance_moves_who_never_moves() -> None:
    """Named twice, the stronger word counts; the answer says who holds the host, and nothing is an error."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 6)})
    both = emptied(problem_of(pool, policy=policy_of(leave_alone=["a"], never_move=["a"])), "h1")
    assert [(each.vm, each.rule) for each in both.blocked] == [("a", "never-move")]
    asked = problem_of(pool, policy=policy_of(mode="evacuate", empty=["h1"], never_move=["a"]))
    with pytest.raises(Infeasible, match="never-move"):
        rebalance(Rulebook.of(asked), made_at=MADE_AT)


def test_a_night_empties_a_host_but_for_who_never_moves() -> None:
    """The policy wants it empty and the VM where it is: whoever may leave does."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h1", 6)})
    plan = rebalance(
        Rulebook.of(problem_of(pool, policy=policy_of(mode="repair", empty=["h1"], never_move=["a"]))), made_at=MADE_AT
    )
    assert [step.vm for step in plan.steps] == ["b"]
    assert plan.predicted.host_of == {"a": "h1", "b": "h2"}


def test_third_vms_make_room() -> None:
    """Where nobody fits as things are, a VM of another host steps aside, and goes home again."""
    problem = problem_of(pool_with({"h1": 20, "h2": 20, "h3": 11}, {"big": ("h1", 16), "small": ("h2", 8)}))
    found = emptied(problem, "h1")
    assert found.plan
    assert found.home
    assert [(step.vm, step.target) for step in found.plan.steps] == [("small", "h3"), ("big", "h2")]
    assert [(step.vm, step.target) for step in found.home.steps] == [("big", "h1"), ("small", "h2")]


def test_the_policy_binds_besides() -> None:
    """Its own hosts to be emptied are emptied with the others, and its groups hold."""
    homes = {"a": ("h1", 4.0), "b": ("h2", 4.0), "c": ("h3", 4.0), "d": ("h4", 4.0)}
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20, "h4": 20}, homes)
    policy = policy_of(empty=["h2"], apart=[{"name": "pair", "vms": ["a", "c"]}])
    found = emptied(problem_of(pool, policy=policy), "h1")
    assert found.plan
    assert found.hosts == ("h1", "h2")
    assert set(found.plan.predicted.host_of.values()) == {"h3", "h4"}
    assert found.plan.predicted["a"] == "h4"
    assert found.plan.policy.empty == ("h2", "h1")


def test_nobody_goes_home_to_a_host_that_the_policy_empties() -> None:
    """The policy binds the way home, too: what it wants empty stays empty, and the warnings say so."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h2", 4), "c": ("h3", 4)})
    found = emptied(problem_of(pool, policy=policy_of(empty=["h2"])), "h1")
    assert found.home
    assert found.home.predicted.host_of == {"a": "h1", "b": "h3", "c": "h3"}
    assert any("VM b stays" in each and "[host-to-be-emptied]" in each for each in found.home.warnings)


def test_a_pair_that_was_broken_before_is_not_broken_again() -> None:
    """Of two VMs that a hard group keeps apart and that shared the host, one comes home, and the third VM does."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 4), "c": ("h1", 4)})
    problem = problem_of(pool, policy=policy_of(apart=[{"name": "pair", "vms": ["a", "b"]}]))
    found = emptied(problem, "h1")
    assert found.plan
    assert found.home
    home = found.home.predicted
    assert sorted(vm for vm in ("a", "b", "c") if home[vm] == "h1") == ["b", "c"]
    assert any("VM a stays" in each and "[keep-apart]" in each for each in found.home.warnings)
    assert verify_plan(found.home, pool_at(pool, found.plan.predicted), now=LATER) == ()


def test_the_way_home_waits_for_the_host() -> None:
    """A host that is disabled already is emptied; the way home is refused while it is, and accepted afterwards."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)})
    down = replace(pool, hosts={**pool.hosts, "h1": replace(pool.hosts["h1"], enabled=False)})
    found = emptied(problem_of(down), "h1")
    assert found.plan
    assert found.home
    assert verify_plan(found.plan, down, now=LATER) == ()
    refused = verify_plan(found.home, pool_at(down, found.plan.predicted), now=LATER)
    assert {each.rule for each in refused} == {"target-enabled"}
    assert verify_plan(found.home, pool_at(pool, found.plan.predicted), now=LATER) == ()


def test_all_who_cannot_leave_are_told_with_every_host() -> None:
    """Each with what each other host has against it and a fix; there is no plan, and the error names them."""
    vms = [
        make_vm("free", on="h1"),
        make_vm("kept", on="h1", tags=("rebalancer:never-move",)),
        make_vm("blocked", on="h1", blocked_operations={"pool_migrate": "licence"}),
    ]
    found = emptied(problem_of(vms=vms), "h1")
    assert (found.plan, found.home, found.guests) == (None, None, 3)
    told = [(each.vm, each.rule, each.code, [closed.host for closed in each.closed]) for each in found.blocked]
    assert told == [("blocked", "op-not-blocked", "OPERATION_BLOCKED", ["h2"]), ("kept", "never-move", None, ["h2"])]
    assert found.blocked[0].fix == "remove pool_migrate from the VM's blocked_operations"
    assert isinstance(found.refused, Infeasible)
    assert all(words in str(found.refused) for words in ("'kept'", "'blocked'", "never-move"))


def test_a_vm_that_is_too_big_for_what_can_be_freed() -> None:
    """Room that VMs take which cannot leave is no room, room that others take is; the fix is to shut it down."""
    vms = {"big": ("h1", 16.0), "stuck": ("h2", 8.0), "free": ("h3", 8.0), "small": ("h1", 2.0)}
    pool = pool_with({"h1": 20, "h2": 20, "h3": 12}, vms)
    stuck = problem_of(pool, policy=policy_of(never_move=["stuck"]))
    (big,) = emptied(stuck, "h1").blocked
    assert (big.vm, big.rule, big.fix) == ("big", "enough-memory", SHUT_DOWN)
    assert [closed.host for closed in big.closed] == ["h2", "h3"]
    assert "even once all who may leave it have left" in big.closed[0].objections[0].words
    assert emptied(problem_of(pool), "h1").blocked == ()


def test_the_solver_agrees_about_who_is_stuck() -> None:
    """It finds no placement where somebody is said to be unable to leave, be it for want of room."""
    chance = random.Random(7)
    by_room = 0
    for _ in range(100):
        problem = tight(chance)
        found = Rulebook.of(problem).stuck({"h0"})
        if found:
            by_room += any(each.rule == "enough-memory" for each in found)
            with pytest.raises(Infeasible):
                solve(Rulebook.of(problem))
    assert 5 < by_room < 50


def tight(chance: random.Random) -> Problem:
    """Three small hosts, the first to be emptied; some VMs of the others never move."""
    vms = {f"v{number}": (f"h{chance.randrange(3)}", float(chance.randint(2, 9))) for number in range(7)}
    room = {f"h{host}": sum(gib for at, gib in vms.values() if at == f"h{host}") + 8 for host in range(3)}
    stuck = [vm for vm, (at, _) in vms.items() if at != "h0" and chance.random() < 0.6]
    policy = policy_of(mode="evacuate", empty=["h0"], never_move=stuck, rules={"set": "enforced"})
    return problem_of(pool_with(room, vms), policy=policy)


def test_metrics_are_used_where_there_are_some() -> None:
    """Of two hosts that copy the same, the cooler one takes the VM."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "hot": ("h2", 4), "cool": ("h3", 4)})
    demand = demand_of(pool, {"a": 6.0, "hot": 10.0, "cool": 1.0})
    found = emptied(problem_of(pool, demand=demand), "h1")
    assert found.plan
    assert found.plan.predicted["a"] == "h3"


def test_time_that_runs_out_is_no_evacuation(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plan is handed out that leaves VMs where they are, and nothing is called impossible."""
    monkeypatch.setattr("rebalancer.planner.rebalance.solve", lambda book, **_: nothing_found(book.problem))
    found = emptied(problem_of(pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4)})), "h1")
    assert (found.plan, found.home) == (None, None)
    assert isinstance(found.refused, NothingFound)
    assert str(found.refused).endswith("there may be one: allow more time.")


def test_every_host_cannot_be_emptied() -> None:
    """All VMs are stuck then, and no rule is needed to say so."""
    found = emptied(problem_of(pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 4), "b": ("h2", 4)})), "h1", "h2")
    told = [(each.vm, each.rule, each.closed) for each in found.blocked]
    assert told == [("a", "one-host", ()), ("b", "one-host", ())]


def test_xapi_agrees_about_who_is_stuck() -> None:
    """Whom XAPI's rules keep from every host, the simulator's get_vms_which_prevent_evacuation names as well."""
    made = demo_pool()
    pool = pool_from_records(made.records)
    problem = make_problem(pool, None, policy_of(rules={"set": "enforced"}, intent={"read_tags": False}))
    seen = 0
    with Simulator(made, login_delay=0.0) as simulator:
        for host in pool.hosts:
            stuck = {each.vm for each in emptied(problem, host).blocked if each.code}
            assert stuck <= prevented(simulator, host)
            seen += len(stuck)
    assert seen > 3


def prevented(simulator: Simulator, host: str) -> set[str]:
    """The VMs that the simulator's XAPI names."""
    database = simulator.database
    blocked = xapi_evacuation.plan(database, database.by_uuid("host", host)).blocked
    return {database.get("VM", ref)["uuid"] for ref in blocked}


def where(pool: Pool) -> dict[str, str | None]:
    """The host of every guest."""
    return {vm.uuid: vm.resident_on for vm in pool.resident_guests()}


def test_the_simulated_host_is_empty_and_then_full_again(tmp_path: Path) -> None:
    """Both plans are carried out over XenAPI: no guest is left on the host, and then all are where they were."""
    made = generate_pool(hosts=4, vms=16, seed=3, fill=0.6, hot=0.0, pinned=0.0, days=1)
    with (
        Simulator(made, speed=500.0, login_delay=0.0) as simulator,
        live_pool(simulator.url, KEYS, Trust()) as live,
    ):
        before = live.read()
        host = max(before.hosts, key=list(where(before).values()).count)
        problem = make_problem(before, None, Policy())
        found = next(each for each in _by_host(problem, host) if each.plan)
        gone = _carried_out(found, live, tmp_path, "plan")
        (name,) = found.hosts
        assert all(at and gone.hosts[at].name != name for at in where(gone).values())
        assert where(_carried_out(found, live, tmp_path, "home")) == where(before)


def _by_host(problem: Problem, first: str) -> list[Evacuation]:
    """Every host emptied, *first* first."""
    return [emptied(problem, host) for host in sorted(problem.pool.hosts, key=lambda host: host != first)]


def _carried_out(found: Evacuation, live: LivePool, folder: Path, which: str) -> Pool:
    """The pool once one of the two plans was carried out."""
    plan = found.plan if which == "plan" else found.home
    assert plan
    assert plan.steps
    result = execute(
        plan, live, RunOptions(journal=folder / which, state_dir=folder / "state", clock=OnTime(), timeouts=TIMEOUTS)
    )
    assert result.complete
    return live.read()


class OnTime(StoppedClock):
    """Real waiting at an hour in which the plans here are fresh."""

    def now(self) -> datetime:
        """An hour after they were made."""
        return LATER
