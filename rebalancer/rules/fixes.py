"""The right fix: of all that would let a VM go, what disturbs least, and never what cannot be done.

Rules say what settles their own objections (`Objection.remedy`), and what that costs. Here it is decided which of the
ways that are closed is opened: all that is in it has to be settled. Where nothing opens any of them, the VM is shut
down, once it is in a state in which it can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rebalancer.inventory import VM
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection
from rebalancer.rules.facts.blocks import AFTER_BACKUP, is_backup
from rebalancer.units import size_in_words

SHUTDOWN: Final = "clean_shutdown"
SHUT_DOWN: Final = "shut it down meanwhile"
"""What lets every VM go that can be shut down: what is halted is on no host."""
ALONE: Final = frozenset({"source-live"})
"""Rules whose remedy is all that can be done: nothing else matters of a VM on a host that is not live."""
LOST: Final = frozenset({"disks-present"})
"""Rules that object where a disk is lost: the VM lives as long as it runs, and would never start again."""
BUSY: Final = "no-conflicting-op"
"""The rule whose remedy comes first."""
BEFORE_SHUTDOWN: Final = frozenset({BUSY, "vm-running", "vm-not-paused"})
"""Rules whose remedies come before a VM can be shut down: XAPI refuses a paused or busy one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedWay:
    """A way for a VM to leave its host, closed by `objections`.

    `pool` is where it leads, if that is another one, and `copied_bytes` what it copies, where that is worth saying.
    """

    objections: tuple[Objection, ...]
    pool: str = ""
    copied_bytes: int = 0

    @property
    def disruption(self) -> Disruption:
        """What settling everything costs."""
        return max((each.disruption for each in self.objections), key=lambda each: each.rank, default=Disruption.WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What to do about a VM, in words that call it "it", and what that costs."""

    words: str
    disruption: Disruption
    copied_bytes: int = 0

    def __str__(self) -> str:
        return self.words + (f", to copy {size_in_words(self.copied_bytes)}" if self.copied_bytes else "")


def fix_of(vm: VM, ways: Iterable[ClosedWay]) -> Remedy:
    """The least disruptive fix for *vm*, all of whose *ways* off its host are closed; there are none in a lone host."""
    known = tuple(ways)
    everything = [each for way in known for each in way.objections]
    for each in everything:
        if each.rule in ALONE and each.remedy:
            return Remedy(words=each.remedy, disruption=each.disruption)
    able = [way for way in known if all(each.remedy for each in way.objections)]
    if not able and (lost := [each for each in everything if each.rule in LOST and each.disruption is Disruption.POOL]):
        return Remedy(words=lost[0].remedy, disruption=Disruption.POOL)
    if not able:
        return Remedy(words=" and ".join(_shutting_down(vm, everything)), disruption=Disruption.SHUT_DOWN)
    best = min(able, key=lambda way: (way.disruption.rank, len(remedies(way.objections)), way.copied_bytes))
    there = f", and it may go to pool {best.pool}" if best.pool else ""
    words = " and ".join(remedies(best.objections)) + there
    return Remedy(words=words, disruption=best.disruption, copied_bytes=best.copied_bytes)


def remedies(objections: Iterable[Objection]) -> tuple[str, ...]:
    """What settles *objections*, each once; XAPI lets nothing be done to a VM while another operation is under way."""
    in_turn = sorted(objections, key=lambda each: each.rule != BUSY)
    return tuple(dict.fromkeys(each.remedy for each in in_turn if each.remedy))


def _shutting_down(vm: VM, objections: Iterable[Objection]) -> tuple[str, ...]:
    """What brings *vm* into a state in which XAPI shuts it down, and that it does."""
    first = remedies(each for each in objections if each.rule in BEFORE_SHUTDOWN)
    return (*first, *_allowing_shutdown(vm), SHUT_DOWN)


def _allowing_shutdown(vm: VM) -> Iterator[str]:
    if SHUTDOWN in vm.blocked_operations:
        ends = is_backup(vm.blocked_operations[SHUTDOWN])
        yield AFTER_BACKUP if ends else f"remove {SHUTDOWN} from its blocked_operations"
