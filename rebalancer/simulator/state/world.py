"""One simulated pool while it runs: its records, its clock, its load and its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.fault import Moment
from rebalancer.simulator.state.faults import Faults
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.timing import Timing
from rebalancer.simulator.state.workload import Workload

BOOT_SECONDS = 180.0


@contextmanager
def both(*worlds: World) -> Iterator[None]:
    """Hold the locks of two pools' databases, always in the same order; the two may be one."""
    first, second = sorted(worlds, key=lambda world: world.coordinator)
    with first.database.lock, second.database.lock:
        yield


def stamp(seconds: float) -> str:
    """A time since the epoch as XenAPI writes datetimes."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y%m%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """Seconds since the epoch of a datetime in ISO 8601; without a zone it is UTC.

    Raises:
        ApiFailure: what XAPI says of a text that is no datetime.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ApiFailure("INTERNAL_ERROR", f'Invalid_argument("Clock__Date.of_iso8601: {text}")') from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


@dataclass(slots=True, kw_only=True)
class Registration:
    """What a session is told by event.next.

    Args:
        told: up to which count of all changes it was told.
        wanted: the classes and objects it registered for, in lower case.
    """

    told: int
    wanted: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class World:
    """What every call sees.

    Args:
        database: the records.
        load: how busy VMs and hosts are, and which VM was where.
        clock: seconds since the epoch, now.
        speed: how many times faster than on a real link moves are.
        user: the one login.
        password: its password.
        login_delay: seconds that a wrong password costs.
        faults: what is to go wrong.
        timing: the time it lives in, and the threads of its work.
        stopping: set once the simulator ends.
        restarts: how often the toolstack restarted.
        survivors: progress from which on a move that was under way at the last restart has ended well.
        down: hosts, by their refs, that are off: nobody answers there.
        booting: those of them that are on their way back.
        kept_disabled: hosts that somebody disabled for longer than until they boot.
        boot_seconds: how long a host takes to boot, at speed 1.
        update: the platform version that hosts report once they have booted; empty where nothing was installed.
        next_turn: when the next call is let in, where they are limited in number.
        lengths: {(VM, host), both uuids: seconds that its migration there takes}, in place of what its bytes would take
            at this speed.
        tick: seconds after which a migration looks around; None for what people do not notice.
        scheme: http or https.
        port: where every host listens, once it does.
        neighbours: other pools that VMs may be sent to, and from.
        recorded: {(uuid of a host or VM, data source): whether it is recorded}, where that is not as XAPI has it.
        owners: {task: subject identifier of who began it}, empty for the local root.
        listeners: {session: what event.next tells it}.
        wlb_password: what the pool logs in to its Workload Balancing server with.
    """

    database: Database
    load: Workload
    clock: Callable[[], float]
    speed: float
    user: str
    password: str
    login_delay: float
    faults: Faults
    timing: Timing = field(default_factory=Timing)
    stopping: Event = field(init=False)
    restarts: int = 0
    survivors: float = 2.0
    down: set[str] = field(default_factory=set)
    booting: set[str] = field(default_factory=set)
    kept_disabled: set[str] = field(default_factory=set)
    boot_seconds: float = BOOT_SECONDS
    update: str = ""
    next_turn: float = 0.0
    lengths: Mapping[tuple[str, str], float] = field(default_factory=dict)
    tick: float | None = None
    scheme: str = "http"
    port: int = 0
    neighbours: list[World] = field(default_factory=list)
    recorded: dict[tuple[str, str], bool] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    listeners: dict[str, Registration] = field(default_factory=dict)
    wlb_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Nothing stops it yet."""
        self.stopping = self.timing.event()

    @property
    def coordinator(self) -> str:
        """Ref of the pool's coordinator."""
        _, pool = next(self.database.items("pool"))
        return str(pool["master"])

    def wait(self, seconds: float) -> bool:
        """Let *seconds* pass; True at once where the simulator stops meanwhile."""
        return self.stopping.wait(seconds)

    def strike(self, moment: Moment, moving: str = NULL, **subject: str) -> None:
        """Let happen what is due in the pool at a moment, in the migration of *moving*, a ref, if it is one.

        Nothing happens to who has left the pool meanwhile.
        """
        for kind, fault in self.faults.due_in_pool(moment, **subject):
            try:
                if kind.effect is not None:
                    kind.effect(self, fault, moving)
            except ApiFailure as failure:
                if failure.code != "UUID_INVALID":
                    raise

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do *action* in so many seconds, unless the simulator stops before."""

        def wait_and_do() -> None:
            if not self.wait(seconds):
                action()

        self.timing.start(wait_and_do)

    def uuid(self, cls: str, ref: str) -> str:
        """The uuid of an object, or an empty string where there is none."""
        record = self.database.find(cls, ref)
        return str(record["uuid"]) if record else ""

    def url(self, host: str) -> str:
        """The URL of a host."""
        return f"{self.scheme}://{self.database.get('host', host)['address']}:{self.port}"

    def host_time(self, host: str) -> float:
        """The time on the clock of one host, seconds since the epoch."""
        return self.clock() + self.skew(host)

    def skew(self, host: str) -> float:
        """Seconds that the clock of one host is ahead."""
        fault = self.faults.take("clock-skew", host=self.uuid("host", host))
        return fault.number("seconds", 0.0) if fault else 0.0
