"""Things that go wrong on request: one table of kinds, and what is still to happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

# What can be made to happen, with what it is about and the settings it reads.
KINDS: Mapping[str, str] = {
    "move-fails": "a move of `vm` fails at progress `at` with `code` and `params` (space-separated)",
    "vm-halts": "`vm` shuts down inside its own move at progress `at`; the move fails",
    "copies-stay": "the copies of disks that a failed move of `vm` made are not removed",
    "source-stays": "`vm` runs in another pool after its move there, and its record stays, halted, in its own",
    "host-disabled": "`host` is disabled once a move of `vm` ends",
    "host-dead": "`host` is no longer live once a move of `vm` ends",
    "other-actor": "somebody moves `other` to host `to` (uuids) once a move of `vm` ends",
    "pbd-unplugged": "every shared SR loses its PBD on `host` once a move of `vm` ends",
    "toolstack-restart": "at progress `at` of a move of `vm` all tasks are cancelled and all sessions end; "
    "the move is `outcome` = moved or stayed",
    "connection-reset": "the connection is reset after `method` was carried out",
    "slow": "`method` is answered `seconds` late",
    "session-expires": "the session is unknown from the next call of `method` on",
    "refused": "`method` fails with `code` and `params` (space-separated)",
    "old-login": "a login takes no originator, like XenServer 6.1 and older",
    "no-json": "the toolstack does not speak JSON-RPC, like XenServer 6.5 and older",
    "rrd-error": "`host` answers RRD requests with HTTP 500",
    "rrd-unknown": "`host` knows no value: every one is NaN",
    "rrd-slow": "`host` answers RRD requests `seconds` late",
    "clock-skew": "the clock of `host` is `seconds` ahead; it stamps metrics by it",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """Something that is to go wrong.

    Args:
        kind: one of KINDS.
        about: what it happens to, {"vm": uuid}, {"host": uuid} or {"method": name}; what is not named matches all.
        settings: what the kind reads besides, all strings.
        times: how often it still happens; below 0 for always.
        skip: how many matching occasions it lets pass first.
    """

    kind: str
    about: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    skip: int = 0

    def number(self, name: str, default: float) -> float:
        """A setting as a number."""
        return float(self.settings.get(name, default))


class Faults:
    """What is still to go wrong in one simulated pool."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
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
        **settings: str | float,
    ) -> None:
        """Let something go wrong from now on.

        Args:
            kind: one of KINDS.
            vm: uuid of the only VM it happens to.
            host: uuid of the only host it happens to, or of the host it strikes.
            method: the only call it happens to, such as VM.pool_migrate.
            times: how often; below 0 for always.
            skip: how many matching occasions pass first.
            settings: what the kind reads besides.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(KINDS)}")
        about = {name: value for name, value in (("vm", vm), ("host", host), ("method", method)) if value is not None}
        texts = {name: str(value) for name, value in settings.items()}
        with self._lock:
            self._waiting.append(Fault(kind=kind, about=about, settings=texts, times=times, skip=skip))

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._waiting.clear()

    def take(self, kind: str, **subject: str) -> Fault | None:
        """Count down and return a fault of a kind that is due for a subject; None where all goes well.

        A fault that names something the subject does not have is due all the same: its `host` is the one it strikes.
        """
        with self._lock:
            for fault in self._waiting:
                if fault.kind == kind and all(subject.get(k, v) == v for k, v in fault.about.items()):
                    if fault.skip > 0:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None
