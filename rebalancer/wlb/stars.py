"""How well a VM would run on each host: stars where the rules let it, else the first rule that refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from rebalancer.inventory import VM, Host, PowerState, Uuid
from rebalancer.objectives.load_cost import LoadCost
from rebalancer.placement import Placement
from rebalancer.rules import Objection
from rebalancer.rules.core.kinds import HostRule, PairRule
from rebalancer.rules.cpu.cpu_features import CPUFeatures
from rebalancer.rules.cpu.cpu_vendor import CPUVendor
from rebalancer.rules.facts.memory_model import arrival_bytes, counts_xen_vcpu_pages, guest_bytes, resident_bytes
from rebalancer.wlb.protocol.answers import Rating
from rebalancer.wlb.view import Loads, View

BEST: Final = 5.0
CALM: Final = 3.0
"""Stars that a host has at least which stays below the threshold."""
HOT: Final = 2.5
"""Stars that one has at most which does not."""
WORST: Final = 0.5
TOGETHER: Final = Objection(rule="keep-together", code=None, words="VMs of its group are on another host")
NOISE: Final = 1e-9
RESUMED: Final[tuple[PairRule[Any], ...]] = (CPUVendor(), CPUFeatures())
"""Rules about the CPU that a suspended VM knows; one that boots takes what it finds."""


class NoSuchVM(Exception):
    """Nothing can be said of this VM."""


def ratings(view: View, uuid: Uuid) -> tuple[Rating, ...]:
    """What is said of every live host, in the order of the pool.

    Raises:
        NoSuchVM: the pool does not have it, or it is no guest.
        PolicyError: the policy contradicts itself once it runs.
    """
    vm = view.problem.pool.vms.get(uuid)
    if vm is None or not vm.is_guest:
        raise NoSuchVM
    against = refusals(view, vm)
    open_to = [host for host in view.live_hosts if host.uuid not in against]
    stars = _stars(view, vm, open_to)
    return tuple(
        Rating(host=host.uuid, stars=0.0, reason=in_words(against[host.uuid]))
        if host.uuid in against
        else Rating(host=host.uuid, stars=stars[host.uuid])
        for host in view.live_hosts
    )


def in_words(objection: Objection) -> str:
    """The reason as XAPI would give it, code and parameters; a sentence for rules that XAPI does not know."""
    return ";".join((objection.code, *objection.params)) if objection.code else objection.words


def refusals(view: View, vm: VM) -> dict[Uuid, Objection]:
    """The first objection of each live host that may not take *vm*."""
    if vm.uuid in view.problem.initial.host_of:
        asked = ((host.uuid, refusal(view, vm, host)) for host in view.live_hosts)
    else:
        asked = ((host.uuid, refusal_to_start(view, vm, host)) for host in view.live_hosts)
    return {host: objection for host, objection in asked if objection}


def refusal(view: View, vm: VM, host: Host) -> Objection | None:
    """Why *vm*, which runs, may not go to *host* now; staying is never refused."""
    if vm.resident_on == host.uuid:
        return None
    found = view.book.live.objections_with(view.ledger, vm, host)
    return found[0] if found else _apart(view, vm, host)


def _apart(view: View, vm: VM, host: Host) -> Objection | None:
    """Whether *host* would take *vm* away from its group."""
    where = view.problem.initial.host_of
    for group in view.groups:
        if vm.uuid in group:
            others = {where[each] for each in group if each in where and each != vm.uuid}
            if others and host.uuid not in others:
                return TOGETHER
    return None


def refusal_to_start(view: View, vm: VM, host: Host) -> Objection | None:
    """Why *vm*, which does not run, may not start on *host*.

    That is what binds moves, and what `VM.start` asks; limits that judge a whole pool look at it with *vm* there.
    """
    starts = view.starts(vm)
    for rule in view.book.rules:
        if isinstance(rule, HostRule) and (objection := rule.objects(host, view.problem)):
            return objection
    for pair in RESUMED if vm.power_state is PowerState.SUSPENDED else ():
        needs = pair.needs(vm, starts.problem)
        found: Objection | None = None if needs is None else pair.objects(needs, host, starts.problem)
        if found:
            return found
    return next(iter(starts.against(vm.uuid, host.uuid)), None)


def _stars(view: View, vm: VM, hosts: Sequence[Host]) -> Mapping[Uuid, float]:
    if view.load is None:
        return _by_memory(view, vm, hosts)
    cost, busy = joined(view, vm)
    places = {host.uuid: view.place_of[host.uuid] for host in hosts}
    return {host: stars_of(float(cost[place]), float(busy[place])) for host, place in places.items()}


def stars_of(cost: float, busy: float) -> float:
    """Stars of a host whose load cost rises by *cost* and whose busiest hour is then *busy* of its threshold.

    One that stays below the threshold has more than any that does not; there the quieter one, here the cheaper one.
    """
    if cost <= NOISE:
        return BEST - (BEST - CALM) * min(1.0, max(0.0, busy))
    return WORST + (HOT - WORST) / (1.0 + cost)


def joined(view: View, vm: VM, load: Loads | None = None) -> tuple[Loads, Loads]:
    """What each host's load cost would rise by with *vm*, and its busiest hour as a share of the threshold.

    Both of shape (hosts,), in the order of the pool; where *vm* runs, it is taken off first. *load* is what hosts
    carry, in place of what they do now; then *vm* is not taken off.
    """
    if load is None and view.problem.policy.demand.peaking and view.is_measured(vm.uuid):
        return _robust(view, vm)
    assert view.load is not None  # noqa: S101 - whoever asks has looked
    without, own = (view.load.copy() if load is None else load), view.load_of(vm)
    if load is None and (here := view.problem.initial.host_of.get(vm.uuid)) is not None:
        without[view.place_of[here]] -= own
    there = without + own
    return cost_of(view, there) - cost_of(view, without), _busy(view, there)


def cost_of(view: View, load: Loads) -> Loads:
    """The load cost of each host, shape (hosts,)."""
    found = np.zeros(len(load))
    for level in view.levels:
        hours = np.array([float(each) for each in level.hours])
        for limits, step in zip(level.limits, level.steps, strict=True):
            found += float(step) * (np.maximum(load[:, level.columns] - limits, 0.0) @ hours)
    return found


def _busy(view: View, load: Loads) -> Loads:
    cpu = view.levels[0]
    limits = np.maximum(cpu.limits[0], NOISE)
    found: Loads = (load[:, cpu.columns] / limits).max(axis=1)
    return found


def _robust(view: View, vm: VM) -> tuple[Loads, Loads]:
    """As `joined`, where the policy counts peaks: they do not add up, so the objective itself judges each host."""
    initial, hosts = view.problem.initial.host_of, tuple(view.problem.pool.hosts)
    places = [Placement({**initial, vm.uuid: host}, view.problem.initial.srs_of) for host in hosts]
    costs = np.array([LoadCost().value(place, view.book) for place in places])
    assert view.load is not None  # noqa: S101 - whoever asks has looked
    return costs - costs.min(), _busy(view, view.load + view.load_of(vm))


def _by_memory(view: View, vm: VM, hosts: Sequence[Host]) -> Mapping[Uuid, float]:
    """Without metrics, stars by the share of memory that would be free."""
    pool = view.problem.pool
    need = arrival_bytes(vm, xen_vcpu_pages=counts_xen_vcpu_pages(pool))
    held = dict.fromkeys(pool.hosts, 0)
    for uuid, host in view.problem.initial.host_of.items():
        held[host] += resident_bytes(pool.vms[uuid]) if uuid != vm.uuid else 0
    room = {host.uuid: guest_bytes(host) for host in hosts}
    return {
        host: WORST + (BEST - WORST) * max(0.0, (total - held[host] - need) / total) if total else WORST
        for host, total in room.items()
    }
