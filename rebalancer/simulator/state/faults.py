"""Things that go wrong on request: faults that are still to happen, and those that have."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from rebalancer.simulator.state.fault import IN_A_MOVE, SUBJECTS, TRIGGERS, Fault, FaultKind, Moment, Occasion


@dataclass(slots=True)
class _Waiting:
    """A fault that is still to happen, with what is left of its counts; `fault` says what nobody else says of it."""

    wanted: Fault
    kind: FaultKind
    due: float
    fault: Fault = field(init=False)
    times: int = field(init=False)
    skip: int = field(init=False)
    until: float | None = None

    def __post_init__(self) -> None:
        usual = {name: each.default for name, each in self.kind.settings.items() if each.default}
        self.fault = replace(self.wanted, settings={**usual, **self.wanted.settings})
        self.times, self.skip = self.wanted.times, self.wanted.skip

    @property
    def moment(self) -> Moment:
        fault = self.fault
        if "at" in fault.settings:
            return Moment.PROGRESS
        if "method" in fault.about:
            return Moment.CALL
        return Moment.TIME if fault.after > 0.0 else self.kind.moment

    def fits(self, now: float, subject: Mapping[str, str]) -> bool:
        """Whether it is about *subject*: what that does not have, such as the host it strikes, counts as right."""
        operation = {} if self.kind.operation is None else {"operation": self.kind.operation}
        about = {**self.fault.about, **operation}
        return now >= self.due and all(subject.get(name, value) == value for name, value in about.items())

    def strikes(self, now: float) -> bool:
        """Count an occasion, and return whether it happens at this one."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.fault.lasts > 0.0:
            self.until = now + self.fault.lasts if self.until is None else self.until
            return now <= self.until
        self.times -= 1
        return True

    def is_over(self, now: float) -> bool:
        """Whether it will never happen again."""
        return self.times == 0 or (self.until is not None and now > self.until)


class Faults:
    """What is still to go wrong in one simulated pool.

    Args:
        kinds: the kinds that there are, by name.
        monotonic: seconds since some moment, for faults that wait or last.
    """

    def __init__(self, kinds: Mapping[str, FaultKind], monotonic: Callable[[], float] = time.monotonic) -> None:
        self.kinds, self._monotonic = kinds, monotonic
        self._waiting: list[_Waiting] = []
        self._struck: list[Fault] = []
        self._lock = Lock()

    def add(
        self,
        kind: str,
        *,
        vm: str | None = None,
        host: str | None = None,
        method: str | None = None,
        times: int = 1,
        skip: int = 0,
        after: float = 0.0,
        lasts: float = 0.0,
        **settings: str | float,
    ) -> None:
        """Let something go wrong from now on.

        Args:
            kind: the name of a kind.
            vm: uuid of the only VM it happens to.
            host: uuid of the only host it happens to, or of the host it strikes.
            method: the only call it happens to, such as VM.pool_migrate.
            times: how often; below 0 for always.
            skip: how many matching occasions pass first.
            after: seconds from now before which it does not happen.
            lasts: seconds for which it happens at every occasion, from the first on, in place of `times`.
            settings: what the kind reads besides.

        Raises:
            ValueError: there is no such kind, or it has no such setting.
        """
        about = {name: value for name, value in (("vm", vm), ("host", host), ("method", method)) if value is not None}
        texts = {name: str(value) for name, value in settings.items()}
        wanted = Fault(
            kind=kind, about=about, settings=texts, times=times, skip=skip, after=float(after), lasts=float(lasts)
        )
        self.want(wanted)

    def want(self, fault: Fault) -> None:
        """Let *fault* happen from now on; errors are those of `add`."""
        kind = self.kinds.get(fault.kind)
        if kind is None:
            raise ValueError(f"no fault is called {fault.kind!r}; there are {', '.join(self.kinds)}")
        known = {*kind.settings, *(IN_A_MOVE if kind.occasion is Occasion.POOL else ())}
        for name in fault.settings.keys() - known:
            told = ", ".join((*SUBJECTS, *TRIGGERS, *sorted(known)))
            raise ValueError(f"fault {kind.name} has no setting {name!r}; it has {told}")
        with self._lock:
            self._waiting.append(_Waiting(fault, kind, self._monotonic() + fault.after))

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """What is still to happen."""
        with self._lock:
            return tuple(each.wanted for each in self._waiting)

    @property
    def struck(self) -> tuple[Fault, ...]:
        """What has happened, each as often as it did."""
        with self._lock:
            return tuple(self._struck)

    def take(self, kind: str, **subject: str) -> Fault | None:
        """Count down and return a fault of a kind that is due for a subject; None where all goes well.

        A fault that names something the subject does not have is due all the same: its `host` is the one it strikes.
        """
        with self._lock:
            now = self._monotonic()
            for each in self._waiting:
                if each.kind.name == kind and each.fits(now, subject):
                    return each.fault if self._counted(each, now) else None
        return None

    def due(self, occasion: Occasion, **subject: str) -> list[tuple[FaultKind, Fault]]:
        """Count down and return the faults of an occasion that are due for a subject, the first asked for first."""
        return self._due(lambda each: each.kind.occasion is occasion, subject)

    def due_in_pool(self, moment: Moment, **subject: str) -> list[tuple[FaultKind, Fault]]:
        """Count down and return what is due in the pool itself at a moment."""
        return self._due(lambda each: each.kind.occasion is Occasion.POOL and each.moment is moment, subject)

    def _due(self, is_meant: Callable[[_Waiting], bool], subject: Mapping[str, str]) -> list[tuple[FaultKind, Fault]]:
        if not self._waiting:
            return []
        with self._lock:
            now = self._monotonic()
            meant = [each for each in self._waiting if is_meant(each) and each.fits(now, subject)]
            return [(each.kind, each.fault) for each in meant if self._counted(each, now)]

    def _counted(self, each: _Waiting, now: float) -> bool:
        strikes = each.strikes(now)
        if strikes:
            self._struck.append(each.wanted)
        if each.is_over(now):
            self._waiting.remove(each)
        return strikes
