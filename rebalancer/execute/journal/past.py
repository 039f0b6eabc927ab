"""What runs left behind for later ones: where VMs ended, and how long their migrations took."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rebalancer.errors import InputError
from rebalancer.execute.journal.entries import AFTERWARDS, AS_ASKED, Entry, Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.folders import state_folder
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.journal import read_journal
from rebalancer.execute.journal.outcome import FAILED, StepState
from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """A migration that went well: what its bytes take on the wire at nominal speed, and how long it took."""

    wire_seconds: float
    seconds: float


class Past(Protocol):
    """Whatever knows of earlier runs; the moments are those at which the pool was looked at after a step."""

    def ends(self, pools: Collection[Uuid]) -> Iterator[tuple[Uuid, Looked]]:
        """VMs of *pools* with what was seen of them after steps that moved them, or failed, in any order."""

    def experiences(self, pool: Uuid) -> Iterator[tuple[datetime, Experience]]:
        """Migrations of *pool* that went well under one run's eyes, in any order."""


@dataclass(frozen=True, slots=True)
class Journals:
    """The journals in a state folder. One that cannot be read, or was edited, tells nothing."""

    state_dir: Path | None = None

    def ends(self, pools: Collection[Uuid]) -> Iterator[tuple[Uuid, Looked]]:
        """See `Past`."""
        for path in journals(self.state_dir):
            yield from ends_in(entries_of(path), pools)

    def experiences(self, pool: Uuid) -> Iterator[tuple[datetime, Experience]]:
        """See `Past`."""
        for path in journals(self.state_dir):
            for look, each in experiences_in(entries_of(path), pool):
                yield look.at, each


def journals(state_dir: Path | None) -> list[Path]:
    """All journals in the state folder, by name."""
    return sorted((state_folder(state_dir) / "journals").glob("*.jsonl"))


def entries_of(path: Path) -> Sequence[Entry]:
    """The entries of a journal; none where it cannot be read, or was edited."""
    try:
        entries = read_journal(path)
        histories(path, entries)
    except InputError:
        return ()
    return entries


def ends_in(entries: Sequence[Entry], pools: Collection[Uuid]) -> Iterator[tuple[Uuid, Looked]]:
    """VMs of *pools* with what was seen of them after steps of one journal that moved them, or failed."""
    vms: dict[str, Uuid] = {}
    for entry in entries:
        match entry:
            case RunBegan() if entry.pool not in pools:
                return
            case Intended():
                vms[entry.step] = entry.vm
            case Looked() if entry.words == AS_ASKED:
                pass
            case Looked() if entry.state in {StepState.MOVED, *FAILED} and (entry.vm or entry.step in vms):
                yield entry.vm or vms[entry.step], entry
            case _:
                pass


def experiences_in(entries: Sequence[Entry], pool: Uuid) -> Iterator[tuple[Looked, Experience]]:
    """Migrations of one journal that went well under one run's eyes."""
    intended: dict[str, Intended] = {}
    sent: dict[str, Sent] = {}
    for entry in entries:
        match entry:
            case RunBegan():
                sent = {}
                if entry.pool != pool:
                    return
            case Intended():
                intended[entry.step] = entry
            case Sent():
                sent[entry.step] = entry
            case Looked() if entry.state is StepState.MOVED and entry.step in sent and not entry.error:
                if entry.words == AFTERWARDS:
                    continue
                wire = intended[entry.step].wire_seconds
                took = (entry.at - sent.pop(entry.step).at).total_seconds()
                if wire and took > 0:  # a clock that was set back meanwhile teaches nothing
                    yield entry, Experience(wire_seconds=wire, seconds=took)
