"""VMs and hosts of two plans, a row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rebalancer.describe.load_course import LoadCourse
from rebalancer.diff.vm_moves import VMMoves, vm_moves
from rebalancer.export.page.bars import HostBars, host_bars
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step

ORDER = "-~+="
"""In which a host's VMs are listed, by their sign."""
SIGNS = {
    "-": ("only-first", "only the first"),
    "+": ("only-second", "only the second"),
    "~": ("otherwise", "otherwise"),
    "=": ("alike", "alike"),
}
"""What a sign is drawn as, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedVM:
    """A VM that moves: its sign with what that is drawn as and says, and where either plan brings it, or ""."""

    sign: str
    drawn: str
    said: str
    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFrom:
    """The VMs that either plan moves from one host; `differ` those that not both move alike."""

    host: str
    differ: tuple[MovedVM, ...]
    alike: tuple[MovedVM, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPair:
    """A host as either plan leaves it; None where a plan does not know it."""

    name: str
    first: HostBars | None
    second: HostBars | None

    @property
    def differs(self) -> bool:
        """Whether it ends otherwise."""
        ends = [each and each.row.after for each in (self.first, self.second)]
        return ends[0] != ends[1]


def moved_from(first: Plan, second: Plan) -> Iterator[MovedFrom]:
    """The hosts that VMs are moved from, by name."""
    found = sorted(vm_moves(first, second), key=lambda each: (each.told.source_name, each.told.source))
    for _, group in groupby(found, key=lambda each: each.told.source):
        moves = sorted(group, key=lambda each: ORDER.index(each.sign))
        yield MovedFrom(
            host=moves[0].told.source_name,
            differ=tuple(_moved(each) for each in moves if each.sign != "="),
            alike=tuple(_moved(each) for each in moves if each.sign == "="),
        )


def _moved(moves: VMMoves) -> MovedVM:
    drawn, said = SIGNS[moves.sign]
    ways = (_way(moves.first), _way(moves.second))
    return MovedVM(sign=moves.sign, drawn=drawn, said=said, name=moves.told.vm_name, first=ways[0], second=ways[1])


def _way(steps: Sequence[Step]) -> str:
    """Where *steps* of one VM lead, each with its id."""
    return ", then ".join(f"{step.target_name} ({step.id})" for step in steps)


def host_pairs(first: Plan, second: Plan) -> tuple[HostPair, ...]:
    """The hosts of both, those that end otherwise before the others."""
    one, other = _bars(first), _bars(second)
    pairs = [
        HostPair(name=(other.get(uuid) or one[uuid]).row.name, first=one.get(uuid), second=other.get(uuid))
        for uuid in dict.fromkeys((*one, *other))
    ]
    return tuple(sorted(pairs, key=lambda pair: not pair.differs))


def _bars(plan: Plan) -> dict[Uuid, HostBars]:
    return {each.row.uuid: each for each in host_bars(plan, LoadCourse.of(plan))}
