"""Names of a plan for people: who shares a name, or has none, is told apart by the beginning of its uuid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rebalancer.inventory import Uuid
from rebalancer.plan import LeftAlone, Plan, Step

SHORT = 8
"""Characters of a uuid that commands take for the whole."""


def told_apart(plan: Plan) -> Plan:
    """*plan* with names that mean one VM or host each, as far as it names them; to be read, not to be carried out."""
    names = _Names(plan)
    return replace(
        plan,
        steps=tuple(map(names.in_step, plan.steps)),
        rollback=tuple(map(names.in_step, plan.rollback)),
        hosts=tuple(replace(row, name=names.of(row.uuid, row.name)) for row in plan.hosts),
        missing=tuple(
            replace(each, vm_name=names.of(each.vm, each.vm_name), target_name=names.of(each.target, each.target_name))
            for each in plan.missing
        ),
        left_alone=tuple(map(names.in_left, plan.left_alone)),
        no_way_back=tuple(map(names.in_left, plan.no_way_back)),
    )


class _Names:
    def __init__(self, plan: Plan) -> None:
        hosts = {row.uuid: row.name for row in plan.hosts}
        vms = {uuid: name for uuid, name in _named(plan) if uuid not in hosts}
        self._shared = {uuid for called in (hosts, vms) for uuid in _unclear(called.items())}

    def of(self, uuid: Uuid, name: str) -> str:
        return f"{name} ({uuid[:SHORT]})".strip() if uuid in self._shared else name

    def in_step(self, step: Step) -> Step:
        return replace(
            step,
            vm_name=self.of(step.vm, step.vm_name),
            source_name=self.of(step.source, step.source_name),
            target_name=self.of(step.target, step.target_name),
        )

    def in_left(self, left: LeftAlone) -> LeftAlone:
        return replace(left, name=self.of(left.uuid, left.name))


def _named(plan: Plan) -> Iterator[tuple[Uuid, str]]:
    yield from ((step.vm, step.vm_name) for step in (*plan.steps, *plan.rollback))
    yield from ((each.vm, each.vm_name) for each in plan.missing)
    yield from ((each.uuid, each.name) for each in (*plan.left_alone, *plan.no_way_back))


def _unclear(called: Iterable[tuple[Uuid, str]]) -> Iterator[Uuid]:
    """Who has no name, or that of somebody else."""
    by_name: dict[str, list[Uuid]] = {}
    for uuid, name in called:
        by_name.setdefault(name.strip(), []).append(uuid)
    for name, uuids in by_name.items():
        if not name or len(uuids) > 1:
            yield from uuids
