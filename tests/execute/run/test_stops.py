"""What starts nothing more, although all that is left would be legal: it is said why, and `apply` again goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rebalancer.errors import StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, execute, resume
from rebalancer.execute.journal.entries import RunEnded
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from tests.execute.case import ALL_MOVED, Case, host, where
from tests.execute.hearing import Stopping
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.execute.watchful import WatchfulPool, wide_plan, wide_pool
from tests.pools import make_host, make_pool, make_vm, policy_of

TAG = "rebalancer:hold"


def after_steps(live: ScriptedPool, change: Callable[[Pool], Pool], *, count: int = 1) -> None:
    """Let *change* happen to the pool once so many of its migrations are over."""

    def hear(call: str) -> None:
        if call == "forget" and len(live.sent) == count:
            live.pool = change(live.pool)

    live.before_each = hear


def with_ha(pool: Pool, **changes: object) -> Pool:
    """*pool* with other settings of HA."""
    return replace(pool, ha=replace(pool.ha, **changes))  # type: ignore[arg-type]


def without_host(pool: Pool, uuid: str) -> Pool:
    """*pool* with a host less."""
    return replace(pool, hosts={name: each for name, each in pool.hosts.items() if name != uuid})


@pytest.fixture
def pool(pool: Pool) -> Pool:
    """With a fourth host, which the plan has nothing to do with."""
    return replace(pool, hosts={**pool.hosts, "h4": make_host("h4")})


CHANGES: dict[str, tuple[Callable[[Pool], Pool], str]] = {
    "HA on": (lambda pool: with_ha(pool, enabled=True), "HA of pool test pool was switched on"),
    "failures": (
        lambda pool: with_ha(pool, host_failures_to_tolerate=2),
        "HA of pool test pool is to tolerate 2 instead of 0 host failures",
    ),
    "coordinator": (
        lambda pool: replace(pool, coordinator="h2"),
        "host h2 has become the coordinator of pool test pool",
    ),
    "joined": (lambda pool: replace(pool, hosts={**pool.hosts, "h5": make_host("h5")}), "host h5 is new"),
    "left": (lambda pool: without_host(pool, "h4"), "host h4 is gone"),
    "disabled": (lambda pool: host(pool, "h4", enabled=False), "host h4 is disabled"),
    "dead": (lambda pool: host(pool, "h4", live=False), "host h4 is not live any more"),
    "two at once": (
        lambda pool: replace(without_host(pool, "h4"), coordinator="h3"),
        "host h3 has become the coordinator of pool test pool; host h4 is gone",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_pool_that_is_run_otherwise_starts_nothing_more(case: Case, plan: Plan, pool: Pool, change: str) -> None:
    """However legal the rest still is: it is told at once and at the end, and the same plan goes on from there."""
    live, told = ScriptedPool(pool), Stopping()
    happens, words = CHANGES[change]
    after_steps(live, happens, count=2)
    result = execute(plan, live, replace(case.options, reporter=told))
    assert (result.ending, result.why, result.done) == (Ending.CHANGED, words, ("s01", "s02"))
    assert live.sent == [("a", "h2"), ("b", "h3")]
    assert told.heard == [f"the pool changed while the run lasted: {words}"]
    ended = case.entries[-1]
    assert isinstance(ended, RunEnded)
    assert words in ended.words
    assert result.as_json()["why"] == words
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete
    assert where(live) == ALL_MOVED


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda pool: host(pool, "h3", enabled=False), "stale plan: host h3 is disabled; step s02"),
        (lambda pool: with_ha(pool, enabled=True), r"HA of pool test pool was switched on; .*\[ha-plan\]"),
    ],
)
def test_a_change_that_makes_the_rest_illegal_is_for_people(
    case: Case, plan: Plan, pool: Pool, happens: Callable[[Pool], Pool], words: str
) -> None:
    """A target that leaves, or HA under which steps side by side were never proven: the plan cannot go on."""
    live = ScriptedPool(pool)
    after_steps(live, happens)
    with pytest.raises(StoppedHalfWay, match=words):
        execute(plan, live, case.options)


def test_what_is_on_its_way_is_followed_to_its_end(case: Case) -> None:
    """Three run side by side when the coordinator changes: all are seen arriving, the fourth is not started."""
    pool = wide_pool()
    live = WatchfulPool(pool, a=Script(polls=2), b=Script(polls=50), c=Script(polls=80))
    live.before_each = lambda call: (
        setattr(live, "pool", replace(live.pool, coordinator="h6")) if call == "forget" else None
    )
    plan = wide_plan(pool, out_per_host=1)
    result = execute(plan, live, case.options)
    assert (result.ending, len(result.done)) == (Ending.CHANGED, 3)
    assert sorted(vm for vm, _ in live.sent) == ["a", "b", "c"]


def test_workload_balancing_that_is_switched_on_is_for_people(case: Case, plan: Plan, pool: Pool) -> None:
    """It would undo what the plan does, and it is known before it has moved anything."""
    live = ScriptedPool(pool)
    after_steps(live, lambda pool: replace(pool, wlb_enabled=True))
    with pytest.raises(StoppedHalfWay, match="Workload Balancing is on, and its server may move VMs") as stopped:
        execute(plan, live, case.options)
    assert (stopped.value.done, live.sent) == (1, [("a", "h2")])


def test_a_pool_on_hold_starts_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """The tag is there before the first step: a clean end that names it, and the plan goes on once it is gone."""
    live = ScriptedPool(replace(pool, tags=(TAG,)))
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, live.sent) == (Ending.ON_HOLD, (), [])
    assert str(result) == f"steps done: 0, left: 3; the pool is on hold: pool test pool carries the tag {TAG}"
    live.pool = pool
    assert execute(plan, live, case.options).complete


def test_a_pool_that_is_put_on_hold_starts_nothing_more(case: Case, plan: Plan, pool: Pool) -> None:
    """Half-way, and whatever its administrator does under that tag: even what would void the plan."""
    live = ScriptedPool(pool)
    after_steps(live, lambda pool: replace(host(pool, "h3", enabled=False), tags=("mine", TAG)))
    result = execute(plan, live, case.options)
    assert (result.ending, result.done) == (Ending.ON_HOLD, ("s01",))
    assert resume(plan, live, case.options).ending is Ending.ON_HOLD
    live.pool = host(replace(live.pool, tags=()), "h3", enabled=True)
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete


def test_the_tag_is_the_policys(case: Case, pool: Pool) -> None:
    """A site has its own word for it, and ours means nothing then."""
    plan = plan_of(pool, ("a", "h2"), policy=policy_of(execution={"hold_tag": "change-freeze"}))
    live = ScriptedPool(replace(pool, tags=("change-freeze",)))
    assert execute(plan, live, case.options).ending is Ending.ON_HOLD
    live.pool = replace(pool, tags=(TAG,))
    assert execute(plan, live, case.options).complete


def crowd(strangers: int) -> tuple[Pool, Plan]:
    """Three VMs that move one after another, and others on two further hosts that nobody plans to move."""
    others = [make_vm(f"x{number}", on="h4", gib=1) for number in range(strangers)]
    hosts = [make_host(name) for name in ("h1", "h2", "h3", "h4", "h5")]
    pool = make_pool(hosts=hosts, vms=[*(make_vm(name) for name in "abc"), *others])
    return pool, plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"))


def test_another_balancer_stops_the_run(case: Case) -> None:
    """Three foreign VMs change hosts between two looks: nothing more is started, and people are told which."""
    pool, plan = crowd(4)
    live = ScriptedPool(pool)
    after_steps(live, lambda pool: moved(pool, "x0", "x1", "x3"))
    with pytest.raises(StoppedHalfWay, match=r"has migrated 3 VMs \(x0, x1, x3\) since the run began") as stopped:
        execute(plan, live, case.options)
    assert (stopped.value.done, live.sent) == (1, [("a", "h2")])
    live.before_each = lambda _call: None
    assert resume(plan, live, case.options).complete


def moved(pool: Pool, *vms: str) -> Pool:
    """*pool* where somebody has moved *vms* to the fifth host."""
    return replace(pool, vms={**pool.vms, **{vm: replace(pool.vms[vm], resident_on="h5") for vm in vms}})


def leaving(pool: Pool, *vms: str, **marks: object) -> Pool:
    """*pool* where *vms* are on their way to the fifth host, by somebody else."""
    on_the_way = {"current_operations": ("pool_migrate",), "scheduled_to_be_resident_on": "h5", **marks}
    return replace(pool, vms={**pool.vms, **{vm: replace(pool.vms[vm], **on_the_way) for vm in vms}})  # type: ignore[arg-type]


def test_foreign_migrations_under_way_count_and_arrive_once(case: Case) -> None:
    """Two seen on their way are not four once they have arrived: an administrator may move a few."""
    pool, plan = crowd(4)
    live = ScriptedPool(pool)

    def hear(call: str) -> None:
        if call == "forget":
            live.pool = leaving(live.pool, "x0", "x1") if len(live.sent) == 1 else arrived(live.pool)

    live.before_each = hear
    assert execute(plan, live, case.options).complete


def arrived(pool: Pool) -> Pool:
    """*pool* where both have arrived."""
    at_rest = {"current_operations": (), "scheduled_to_be_resident_on": None}
    vms = {vm: replace(pool.vms[vm], **at_rest) for vm in ("x0", "x1")}  # type: ignore[arg-type]
    return moved(replace(pool, vms={**pool.vms, **vms}), "x0", "x1")


@pytest.mark.parametrize(
    "marks",
    [
        {"scheduled_to_be_resident_on": "h4", "current_operations": ("migrate_send",)},
        {"ghost_operations": ("pool_migrate",), "scheduled_to_be_resident_on": None},
        {"current_operations": ("snapshot",), "scheduled_to_be_resident_on": None},
    ],
)
def test_what_leaves_no_host_is_no_foreign_migration(case: Case, marks: dict[str, object]) -> None:
    """Disks that change their SR, an operation that no task carries out any more, a snapshot."""
    pool, plan = crowd(4)
    live = ScriptedPool(pool)
    after_steps(live, lambda pool: leaving(pool, "x0", "x1", "x2", "x3", **marks))
    assert execute(plan, live, case.options).complete


def test_the_policy_says_how_many_others_may_move(case: Case) -> None:
    """With `foreign_migrations = 1` the first one ends the run; before anything was sent, the plan is stale."""
    pool, _ = crowd(1)
    plan = plan_of(pool, ("a", "h2"), ("b", "h3"), policy=policy_of(execution={"foreign_migrations": 1}))
    live = ScriptedPool(pool)
    live.before_each = lambda call: setattr(live, "pool", leaving(live.pool, "x0")) if call == "whereabouts" else None
    with pytest.raises(StalePlan, match=r"has migrated 1 VM \(x0\)"):
        execute(plan, live, case.options)
    assert live.sent == []
