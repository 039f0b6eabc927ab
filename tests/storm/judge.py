"""The judge of a storm: at every instant it looks at the pools, at every call and line at who did what, by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rebalancer.simulator import VirtualTime
from rebalancer.simulator.state.database import Database
from tests.storm.places import Complaint, Places
from tests.storm.record import Line, Record

WATCHED = {"VM", "host", "host_metrics", "PBD", "PIF", "VBD", "VIF", "VDI", "SR"}
OURS = {"in two places", "on no host", "on a host that does not know it", "off, and on a host"}
"""What nobody may do, whatever the weather."""
LONG_SECONDS = 120.0
"""How long what others did can be the reason for what goes wrong: as long as a move may take."""


class Time(Protocol):
    """A clock that calls `look` whenever there may be something to see."""

    look: Callable[[], None]

    def monotonic(self) -> float:
        """Seconds since the beginning."""


class WatchedTime(VirtualTime):
    """Virtual time in which `look` is called at every instant: whenever one thread stops and another goes on."""

    def __init__(self, begins: float) -> None:
        super().__init__(begins)
        self.look: Callable[[], None] = lambda: None

    def _following(self) -> Any:  # noqa: ANN401 - the turn of whoever is next
        try:
            self.look()
        except Exception as error:  # noqa: BLE001 - a judge that fails is a finding, and no reason to wait for ever
            self.failures.append(error)
            self.look = lambda: None
        return super()._following()


class Judge:
    """Collects in `found` what is wrong, in words.

    What others have touched is excused: the weather, or people who know nothing of the run. `wishes` are what the
    policy wants of places, in which a way back has no say.
    """

    def __init__(self, databases: Sequence[Database], places: Places, time: Time, record: Record) -> None:
        self.places, self.time, self.record = places, time, record
        self.found: list[str] = []
        self.read: Callable[[Line], None] = lambda _line: None
        self._dirty, self._events = True, 0
        self._known: set[Complaint] = set()
        self._at_first: set[Complaint] = set()
        self.wishes = True
        self._others_act, self._others_at = False, float("-inf")
        self._excused: dict[str, float] = {}
        for each in databases:
            self._watch(each)

    def _watch(self, database: Database) -> None:
        touch = database._touch

        def touched(cls: str, ref: str) -> int:
            self._dirty = self._dirty or cls in WATCHED
            if self._others_act and cls in WATCHED and (record := database.find(cls, ref)):
                self.others_touched(record["uuid"])
            return touch(cls, ref)

        database._touch = touched  # type: ignore[method-assign]

    @contextmanager
    def others(self) -> Iterator[None]:
        """Whatever changes until the block ends is done by others."""
        before, self._others_act = self._others_act, True
        try:
            yield
        finally:
            self._others_act = before

    def others_touched(self, uuid: str) -> None:
        """Note that others have done something with an object."""
        self._others_at = self._excused[uuid] = self.time.monotonic()

    def is_excused(self, uuid: str) -> bool:
        """Whether others have done something with an object."""
        return uuid in self._excused

    def was_touched_since(self, uuid: str, at: float) -> bool:
        """Whether others have done something with an object at a moment, or after it."""
        return self._excused.get(uuid, float("-inf")) >= at

    @property
    def is_left_alone(self) -> bool:
        """Whether others have done nothing at all."""
        return not self._excused

    def begin(self) -> None:
        """Take what is wrong already for given, and look at every instant from now on."""
        self._known = self._at_first = set(self.places.complaints())
        self._dirty, self.time.look = False, self.look

    def look(self) -> None:
        """Look at this instant: what is written has to be true when it is written, and nothing may be wrong."""
        while self._events < len(self.record.events):
            event = self.record.events[self._events]
            self._events += 1
            if isinstance(event, Line):
                self.read(event)
        if self._dirty:
            self._dirty = False
            now = set(self.places.complaints()) | set(self.places.crowds(self._our_tasks()))
            for complaint in sorted(now - self._known, key=str):
                if not self._may_be(complaint):
                    self.blame(str(complaint))
            self._known = now

    def blame(self, words: str) -> None:
        """Note what is wrong."""
        self.found.append(f"{self.time.monotonic():.2f}: {words}")

    def _our_tasks(self) -> set[str]:
        return {call.task for call in self.record.calls() if call.task}

    def _may_be(self, complaint: Complaint) -> bool:
        """Whether others may have brought it about, or it was so in the beginning."""
        if complaint.kind in OURS:
            return False
        if complaint.kind == "on a wrong host" and not self.wishes:
            return True
        if complaint.about in self._excused or complaint in self._at_first:
            return True
        return complaint.kind not in {"lost", "halted"} and self.time.monotonic() - self._others_at < LONG_SECONDS
