"""Where a guest may start: nowhere that a limit of the pool would break with it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

import rebalancer as rb
from rebalancer.errors import PolicyError
from rebalancer.inventory import HighAvailability, Host
from rebalancer.placement import Placement
from rebalancer.rules.availability.ha_plan import RESTART
from rebalancer.rules.availability.restarts import Restarts, Where
from rebalancer.rules.availability.spare import BOOT
from rebalancer.rules.core.kinds import Limit, StateLimit, Violation
from rebalancer.rules.facts.agility import Everywhere
from rebalancer.wlb.stars import ratings, refusals
from rebalancer.wlb.view import View
from tests.wlb.views import Wishes, halted, view_of, with_pool

SEEDS = range(6)
GUESTS = 5
WISHES: dict[str, Wishes] = {
    "memory alone": {},
    "a ceiling on load": {"limits": {"host_load": {"cpu": 1.2}}},
    "a ceiling on vCPUs": {"limits": {"vcpus_per_pcpu": {"at_most": 1.5}}},
    "a host to spare": {"spare": {"hosts": 1, "vms": "all"}},
}


def broken_there(before: View, view: View, vm: str, host: Host) -> set[str]:
    """The rules that a pool breaks in which *vm* was always on *host*, and does not break without it."""
    pool = before.model.state.pool
    there = with_pool(before, replace(pool, vms={**pool.vms, vm: replace(pool.vms[vm], resident_on=host.uuid)}))
    without, goal = view.problem.initial, there.problem.initial
    counted = told(there.book.breaches(goal)) - told(there.book.breaches(without))
    judged = {bound.rule.id for bound in there.book.limits if worse(bound.limit, where(without), where(goal))}
    return {rule for rule, _ in counted} | judged


def told(breaches: Iterable[Violation]) -> set[tuple[str, str]]:
    """Rules, and what is said of each breach that is none of a wish: how much, and where."""
    return {(each.rule, f"{each.words} {each.hosts}") for each in breaches if "(soft)" not in each.words}


def where(placement: Placement) -> Where:
    """The host of each guest, as limits that judge a whole state take it."""
    return {vm: (host,) for vm, host in placement.host_of.items()}


def worse(limit: Limit, before: Where, after: Where) -> bool:
    """Whether *after* something is not outlived that *before* was."""
    if isinstance(limit, Restarts):
        return bool(set(limit.unmet(after)) - set(limit.unmet(before)))
    return isinstance(limit, StateLimit) and bool(limit.broken(after)) and not limit.broken(before)


def closed(view: View, vm: str, host: Host) -> bool:
    """Whether *host* takes no starts, or not this one."""
    needs = [(rule, rule.needs(view.problem.pool.vms[vm], view.problem)) for rule in BOOT]
    return not host.enabled or any(need is not None and rule.objects(need, host, view.problem) for rule, need in needs)


@pytest.mark.parametrize("wishes", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_start_is_refused_exactly_where_a_limit_would_break(seed: int, wishes: Wishes) -> None:
    """Judged anew with the guest on each host: rules of every kind, those that judge a whole pool among them."""
    before = view_of(seed, fill=0.75, wishes=wishes)
    asked = 0
    for uuid in sorted(before.problem.initial.host_of)[:GUESTS]:
        view = halted(before, uuid)
        against = refusals(view, view.problem.pool.vms[uuid])
        for host in view.live_hosts:
            broken = broken_there(before, view, uuid, host)
            assert (host.uuid in against) == bool(broken or closed(view, uuid, host)), (host.name, broken, against)
            asked += 1
    assert asked


def test_groups_that_stay_apart_bind_a_start() -> None:
    """A guest does not start beside as many of its group as may share a host."""
    before = view_of(1)
    (group,) = [each for each in before.problem.intent.apart if each.name == "a"]
    vm = next(each for each in sorted(group.vms) if each in before.problem.initial.host_of)
    host = before.problem.initial.host_of[vm]
    here = [each for each in group.vms if before.problem.initial.host_of.get(each) == host and each != vm]
    view = halted(before, vm)
    against = refusals(view, view.problem.pool.vms[vm])
    found = {each for each, objection in against.items() if objection.rule == "keep-apart"}
    where = [view.problem.initial.host_of[each] for each in group.vms if each != vm]
    assert found == {each.uuid for each in view.live_hosts if where.count(each.uuid) >= group.at_most} - (
        set() if len(here) >= group.at_most else {host}
    )


def protected(view: View) -> View:
    """*view* with HA on, for one failure; every other guest that can start everywhere is protected."""
    pool = view.model.state.pool
    everywhere = Everywhere.of(pool)
    agile = [vm for vm in pool.resident_guests() if everywhere.runs(vm)]
    kept = {vm.uuid: replace(vm, ha_restart_priority=RESTART, ha_always_run=True) for vm in agile}
    ha = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    return with_pool(view, replace(pool, ha=ha, vms={**pool.vms, **kept}))


def test_a_start_leaves_the_plan_of_ha() -> None:
    """A guest is refused where HA could not restart all protected ones any more, and nowhere else."""
    found = list[bool]()
    for seed, fill in ((1, 0.8), (2, 0.75), (2, 0.8), (5, 0.7)):
        before = protected(view_of(seed, fill=fill))
        for uuid in before.problem.initial.host_of:
            view = halted(before, uuid)
            against = refusals(view, view.problem.pool.vms[uuid])
            for host in view.live_hosts:
                broken = broken_there(before, view, uuid, host)
                assert (host.uuid in against) == bool(broken or closed(view, uuid, host)), (host.name, broken, against)
                found.append("ha-plan" in broken)
    assert {*found} == {False, True}


def test_a_guest_that_would_set_wishes_against_each_other() -> None:
    """One that has to be with and apart from the same guest is refused by the policy; others are judged without it."""
    before = view_of(1)
    first, second, third, *_ = sorted(before.problem.initial.host_of)
    both = {"vms": [first, second]}
    wishes = {"apart": [{"name": "a", "at_most": 1, **both}], "together": [{"name": "t", **both}]}
    off = halted(halted(before, first), third)
    view = View(model=rb.Model(off.model.state, rb.Policy.model_validate(wishes)), seen_at=off.seen_at)
    assert any(each.stars for each in ratings(view, third))
    with pytest.raises(PolicyError):
        ratings(view, first)
