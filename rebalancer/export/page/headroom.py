"""Memory that is left on each host at each step, where steps run one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.export.page.strips import Strip, strip_of
from rebalancer.export.rows import memory_total
from rebalancer.inventory import Uuid
from rebalancer.plan import HostRow, Plan
from rebalancer.units import size_in_words

EDGES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0 + 1e-9)
LEGEND = ("below 50 % in use", "50 %", "70 %", "80 %", "90 %", "95 %", "more than there is")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRoom:
    """A host that steps lead from or to: its strip, the least that is left there and at which step."""

    name: str
    strip: Strip
    left: str
    step: str
    total: str


def headroom_of(plan: Plan) -> tuple[HostRoom, ...]:
    """Each host that steps lead from or to and that says what it has, in the order of the plan."""
    touched = {end for step in plan.steps for end in (step.source, step.target)}
    held = {uuid: tuple(each) for uuid, each in _held(plan).items()}
    return tuple(
        _room(row, held[row.uuid], plan) for row in plan.hosts if row.uuid in touched and row.memory_total_bytes
    )


def _held(plan: Plan) -> Mapping[Uuid, list[int]]:
    """What each host holds while each step runs."""
    now = {row.uuid: row.before.memory_used_bytes for row in plan.hosts}
    found: dict[Uuid, list[int]] = {uuid: [] for uuid in now}
    for step in plan.steps:
        during = now | {each.host: each.during_bytes for each in step.hosts}
        now |= {each.host: each.after_bytes for each in step.hosts}
        for uuid, column in found.items():
            column.append(during[uuid])
    return found


def _room(row: HostRow, held: tuple[int, ...], plan: Plan) -> HostRoom:
    total = row.memory_total_bytes or 0
    most = max(range(len(held)), key=lambda number: held[number])
    left, step = size_in_words(max(0, total - held[most])), plan.steps[most].id
    words = f"least left: {left} at step {step}"
    return HostRoom(
        name=row.name,
        strip=strip_of([each / total for each in held], EDGES, words),
        left=left,
        step=step,
        total=memory_total(total),
    )
