"""What comes of a scenario: whether the pool bears it, how well, and what it takes to get there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rebalancer.errors import Infeasible, RebalancerError
from rebalancer.inventory import VM, Uuid
from rebalancer.objectives import MigrationCost, Overload, base_load, host_load, overload_limits
from rebalancer.objectives.load import counted_hosts, demand_of, slot_hours
from rebalancer.placement import Placement
from rebalancer.policy import Mode
from rebalancer.problem import Problem, problem_at
from rebalancer.rules import Blocked, Rulebook
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.solve import Budget, Deadline, solve
from rebalancer.units import first_few, gib
from rebalancer.whatif.failures import failures
from rebalancer.whatif.scenarios.edit import Edit, Situation, Stranded, situated

OVER: Final = 1e-6
"""PCPUs above the threshold that count as float noise."""
SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What comes of a scenario, once the pool is balanced again.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.scenarios.outcomes(model, {"one more": rb.scenarios.add_hosts(1)}, seconds=1)
        >>> found.feasible, found.over_now, found.over, found.words
        (True, 3, 1, 'add 1 host like the coordinator')

    Args:
        name: what it is called.
        words: its edits, in words.
        feasible: whether all VMs run, hosts that are to be emptied are empty, and no hard rule is newly broken.
        why: why not, in words; empty where it is.
        overload_now: pCPU-hours above the threshold before anything is balanced; None without metrics.
        overload: the same after.
        overload_bound: what no placement is below, whatever is moved: by the load and the limits of all hosts together,
            and by the VMs that no rule lets go from where they are.
        over_now: hosts above the threshold before, in some slot.
        over: the same after.
        memory_free_gib: memory left on hosts that take VMs, by the tightest rule on each.
        failures_outlived: hosts whose death, one at a time, leaves no VM down.
        hosts: hosts that are not to be emptied and live.
        moves: VMs that move.
        gib: GiB that are copied.
        gap: how far the balance reached may be from the best, as a share of it; None where nothing is balanced.
        stuck: VMs that cannot leave a host that is to be emptied, whatever is done first.
        stranded: VMs that run nowhere.
        stuck_uuids: the uuids of both, in that order.
        stuck_by: how many of both there are by rule.
        first: what has to be done first; the numbers are as if it were.
    """

    name: str
    words: str
    feasible: bool
    why: str = ""
    overload_now: float | None = None
    overload: float | None = None
    overload_bound: float | None = None
    over_now: int | None = None
    over: int | None = None
    memory_free_gib: float | None = None
    failures_outlived: int | None = None
    hosts: int | None = None
    moves: int | None = None
    gib: float | None = None
    gap: float | None = None
    stuck: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    stuck_uuids: tuple[Uuid, ...] = ()
    stuck_by: str = ""
    first: tuple[str, ...] = ()


def outcome_of(now: Situation, name: str, edits: tuple[Edit, ...], seconds: float) -> Outcome:
    """What comes of *edits* to *now*, balanced with *seconds* of work; a scenario that cannot be says why.

    No clock ends the work: the same comes of it wherever it runs, and beside whom.
    """
    words = "; ".join(edit.words for edit in edits) or "as it is"
    try:
        return _judged(situated(now, edits), name, words, seconds)
    except RebalancerError as error:
        first = (
            tuple(each.words for fix in error.fixes[:1] for each in fix.concessions)
            if isinstance(error, Infeasible)
            else ()
        )
        return Outcome(name=name, words=words, feasible=False, why=str(error), first=first)


def _judged(given: Situation, name: str, words: str, seconds: float) -> Outcome:
    ready, blocked = released(hurried(given, seconds))
    problem = ready.problem
    book = Rulebook.of(problem)
    solution = solve(book, budget=Budget(problem.policy.limits, until=Deadline()))
    after = solution.placement
    there = problem_at(problem, after)
    open_hosts = [uuid for uuid, host in problem.pool.hosts.items() if host.live and uuid not in problem.intent.empty]
    outlived = [each for each in failures(there) if not each.down and each.host_uuids[0] in open_hosts]
    why = list(_against(book, after, ready.stranded, blocked))
    now_over, over = _over(problem, problem.initial), _over(problem, after)
    measured = problem.demand is not None
    return Outcome(
        name=name,
        words=words,
        feasible=not why,
        why="; ".join(why),
        overload_now=Overload().value(problem.initial, book) if measured else None,
        overload=Overload().value(after, book) if measured else None,
        overload_bound=overload_bound(book) if measured else None,
        over_now=now_over,
        over=over,
        memory_free_gib=_memory_free(book, after, set(open_hosts)),
        failures_outlived=len(outlived),
        hosts=len(open_hosts),
        moves=len(problem.initial.moves_to(after)),
        gib=MigrationCost().value(after, book),
        gap=next((tier.gap for tier in solution.tiers if tier.objective in {"balance", "load-cost"}), None),
        stuck=tuple(each.vm_name for each in blocked),
        stranded=tuple(each.vm for each in ready.stranded),
        stuck_uuids=(*(each.vm for each in blocked), *(each.vm_uuid for each in ready.stranded)),
        stuck_by=_by_rule([*(each.rule for each in blocked), *(each.rule for each in ready.stranded)]),
        first=ready.first,
    )


def hurried(given: Situation, seconds: float) -> Situation:
    """With so much work to solve in, and repairs alone where nothing is measured."""
    limits = given.policy.limits.model_copy(update={"solve_seconds": seconds})
    repairs = given.demand is None and given.policy.mode.needs_demand
    changes = {"limits": limits, **({"mode": Mode.REPAIR} if repairs else {})}
    return replace(given, policy=given.policy.model_copy(update=changes))


def _against(
    book: Rulebook, after: Placement, stranded: tuple[Stranded, ...], blocked: tuple[Blocked, ...]
) -> Iterator[str]:
    """Why a scenario is not feasible."""
    problem = book.problem
    if stranded:
        yield f"run nowhere: {first_few([each.vm for each in stranded], SHOWN)} ({stranded[0].rule}: {stranded[0].why})"
    if blocked:
        yield f"cannot leave: {first_few([each.vm_name for each in blocked], SHOWN)}"
    stuck = {each.vm for each in blocked}
    left = [vm for vm, host in after.host_of.items() if host in problem.intent.empty and vm not in stuck]
    if left:
        yield f"find no room elsewhere: {first_few([problem.names.vms[vm] for vm in left], SHOWN)}"
    broken = [each for each in book.violations(after) if each.rule in FULL]
    if broken:
        yield "; ".join(each.words for each in broken[:SHOWN])


FULL: Final = frozenset({"enough-memory"})
"""Rules that a pool that runs cannot break: a scenario in which one is broken is none."""


def _by_rule(rules: list[str]) -> str:
    return ", ".join(f"{rule}: {count}" for rule, count in Counter(rules).most_common())


def released(given: Situation) -> tuple[Situation, tuple[Blocked, ...]]:
    """*given* once whatever holds VMs on hosts that are to be emptied is mended as far as a VM's own settings go.

    A CD is ejected, a device removed: on paper, and told as what has to be done first. The others stay blocked, and
    what would let them go is told as well.
    """
    book = Rulebook.of(given.problem)
    blocked = book.stuck(set(book.problem.intent.empty))
    mended = {each.vm: vm for each in blocked if (vm := _mended(book, each)) is not None}
    first = [f"{each.fix} (VM {each.vm_name!r} on {each.host_name!r})" for each in blocked]
    ready = replace(given, pool=replace(given.pool, vms={**given.pool.vms, **mended})).having(*first)
    if not mended:
        return ready, blocked
    again = Rulebook.of(ready.problem)
    return ready, again.stuck(set(again.problem.intent.empty))


def _mended(book: Rulebook, blocked: Blocked) -> VM | None:
    """The VM once all that one host has against it is mended in the VM itself; None where that is nowhere enough."""
    pool, vm = book.problem.pool, book.problem.pool.vms[blocked.vm]
    ways: list[tuple[int, Uuid, VM]] = []
    for host in pool.hosts.values():
        if host.uuid == blocked.host or host.uuid in book.problem.intent.empty:
            continue
        known = book.mendable(vm, host)
        if known and set(book.live.objections(vm, host)) <= {objection for _, objection in known}:
            changed = vm
            for rule, _ in known:
                changed = rule.mended(changed, host, book.problem) or changed
            ways.append((len(known), host.uuid, changed))
    return min(ways, key=lambda way: way[:2])[2] if ways else None


def overload_bound(book: Rulebook) -> float:
    """Overload in pCPU-hours that no placement is below: of all hosts together, and of what cannot leave any one."""
    problem = book.problem
    profile, counts = demand_of(problem), counted_hosts(problem)
    limits = overload_limits(problem)
    row = {vm: number for number, vm in enumerate(profile.vms)}
    uncounted = {host for host, known in zip(problem.pool.hosts, counts, strict=True) if not known}
    pinned: dict[Uuid, Uuid] = {}
    loose: list[Uuid] = []
    for vm, host in problem.initial.host_of.items():
        targets = book.targets(problem.pool.vms[vm])
        if not targets:
            pinned[vm] = host
        elif host not in uncounted and uncounted.isdisjoint(targets):
            loose.append(vm)
    held = base_load(problem)
    for vm, host in pinned.items():
        held[list(problem.pool.hosts).index(host)] += profile.vm_pcpu[row[vm]]
    apart = np.maximum(held - limits[:, None], 0.0)[counts].sum(axis=0)
    everything = held[counts].sum(axis=0) + profile.vm_pcpu[[row[vm] for vm in loose]].sum(axis=0)
    together = np.maximum(everything - limits[counts].sum(), 0.0)
    return float(np.maximum(apart, together) @ slot_hours(problem))


def _over(problem: Problem, placement: Placement) -> int | None:
    if problem.demand is None:
        return None
    above = host_load(placement, problem) > overload_limits(problem)[:, None] + OVER
    return int(above.any(axis=1).sum())


def _memory_free(book: Rulebook, placement: Placement, hosts: set[Uuid]) -> float:
    there = placement.vms_by_host()
    left: dict[Uuid, int] = {}
    for bound in book.limits:
        row = bound.limit
        if isinstance(row, MemoryRow) and row.places <= hosts:
            (host,) = row.places
            free = row.upper - sum(row.weights.resident.get(vm, 0) for vm in there.get(host, ()))
            left[host] = min(left.get(host, free), free)
    return gib(sum(max(0, free) for free in left.values()))
