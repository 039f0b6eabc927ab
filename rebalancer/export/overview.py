"""A plan at a glance: how many steps for which reason, which hosts they touch, and what is risky about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rebalancer.plan import Plan, StepKind
from rebalancer.plan.reason_kinds import kind_of
from rebalancer.units import counted, first_few, interval_in_words, size_in_words

REASON_COLUMNS = ("steps to", "steps>")
HOST_COLUMNS = ("host", "VMs leave>", "VMs come>", "VMs stay>")
RISK_COLUMNS = ("risk", "how much")
SHOWN = 6
UNTOLD = "not told by this plan file"
"""What earlier versions did not keep."""


def reason_rows(plan: Plan) -> list[tuple[str, int]]:
    """What steps are for and how many, the most frequent first."""
    counts = Counter(kind_of(step.why) for step in plan.steps)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def host_rows(plan: Plan) -> list[tuple[str, int, int, int]]:
    """Each host that VMs leave or come to: how many leave, come and stay; who is only parked counts as staying."""
    rows = ((row.name, frozenset(row.before.vms), frozenset(row.after.vms)) for row in plan.hosts)
    return [
        (name, len(before - after), len(after - before), len(before & after))
        for name, before, after in rows
        if before != after
    ]


def risk_rows(plan: Plan) -> list[tuple[str, str]]:
    """What can go wrong about the steps of *plan*, in words and figures; nothing where there are none."""
    return list(_risks(plan)) if plan.steps else []


def _risks(plan: Plan) -> Iterator[tuple[str, str]]:
    largest = max(plan.steps, key=lambda step: step.memory_bytes)
    most = max(plan.steps, key=lambda step: step.copied_bytes)
    longest = max(plan.steps, key=lambda step: step.seconds)
    takes = interval_in_words(longest.seconds_low, longest.seconds, longest.seconds_high)
    yield "largest VM", f"{size_in_words(largest.memory_bytes)} of memory, {largest.vm_name} ({largest.id})"
    if most.carries:
        yield "largest copy", f"{size_in_words(most.copied_bytes)}, {most.vm_name} ({most.id})"
    yield "longest step", f"{takes}, {longest.vm_name} ({longest.id})"
    yield from _tightest(plan)
    yield from _ha_margins(plan)
    yield from _ejected(plan)
    stay = [each.name for each in plan.no_way_back]
    yield "steps without a way back", f"{len(stay)}: {first_few(stay, SHOWN)}" if stay else "none"
    parked = [step.vm_name for step in plan.steps if step.kind is StepKind.HOP]
    carrying = [step.vm_name for step in plan.steps if step.carries]
    squeezed = [step.vm_name for step in plan.steps if step.squeeze]
    for what, names in (
        ("VMs parked on the way", parked),
        ("VMs whose disks go along", carrying),
        ("VMs squeezed while they migrate", squeezed),
    ):
        if names:
            yield what, f"{len(names)}: {first_few(names, SHOWN)}"
    if plan.schedule.late:
        steps = counted(len(plan.schedule.late), "step")
        yield "not done before the window closes", f"{steps}: {first_few(plan.schedule.late, SHOWN)}"


def _ha_margins(plan: Plan) -> Iterator[tuple[str, str]]:
    """What HA has to spare once the hosts failed for which it plans; nothing where it plans for none."""
    name = "HA margin on the way"
    if plan.ha is None:
        yield name, UNTOLD
        return
    for each in plan.ha:
        of = f" in pool {plan.made_from.pool_names.get(each.pool, each.pool)}" if len(plan.ha) > 1 else ""
        hosts = "one host" if each.failures == 1 else f"{each.failures} hosts"
        where = f" at {each.least_step}" if each.least_step else ""
        ends = f"{_spared(each.before_bytes)} before the plan, {_spared(each.after_bytes)} after it"
        yield f"{name}{of}", f"{_spared(each.least_bytes)}{where}, once {hosts} failed ({ends})"


def _spared(size_bytes: int) -> str:
    return f"{size_in_words(size_bytes)} left over" if size_bytes >= 0 else f"{size_in_words(-size_bytes)} too little"


def _ejected(plan: Plan) -> Iterator[tuple[str, str]]:
    """CDs that are ejected; nothing where no disks go along, so that none can be."""
    carrying = [step for step in plan.steps if step.carries]
    if not carrying:
        return
    name = "CDs that are ejected"
    if any(step.ejects is None for step in carrying):
        yield name, UNTOLD
        return
    found = [f"{each.name} from {step.vm_name} ({step.id})" for step in carrying for each in step.ejects or ()]
    yield name, f"{len(found)}: {first_few(found, SHOWN)}" if found else "none"


def _tightest(plan: Plan) -> Iterator[tuple[str, str]]:
    """The host that comes to have the least memory left on the way, of those that say what they have."""
    touched = {end for step in plan.steps for end in (step.source, step.target)}
    rooms = [
        (row.memory_total_bytes - row.memory_peak_bytes, row.name, row.memory_total_bytes)
        for row in plan.hosts
        if row.memory_total_bytes is not None and row.uuid in touched
    ]
    if rooms:
        left, name, total = min(rooms)
        yield "least memory left on the way", f"{size_in_words(left)} of {size_in_words(total)}, on {name}"
