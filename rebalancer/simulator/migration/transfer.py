"""One move under way: reserved in the records, advancing with time, stopped by faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rebalancer.simulator.checks import copies, migration
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import ApiFailure, Cancelled, ConnectionLost
from rebalancer.simulator.state.fault import Fault, FaultKind, Moment, Occasion
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

LINK_BYTES_PER_SECOND = 1.1e9
FIXED_SECONDS = 2.0
TICK_SECONDS = 0.05
LEAST_SECONDS = 0.001
MOVING_OPERATIONS = ["hard_reboot", "hard_shutdown"]
BROKEN_STREAM = "Xenops_interface.Xenopsd_error([S(Internal_error);S(End_of_file)])"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """One transfer under way; all but the operation are refs.

    Args:
        vm: what moves.
        source: from where; the null ref for a VM that is off.
        target: to where.
        task: the task, or the dummy ref of a synchronous call.
        operation: pool_migrate or migrate_send.
    """

    vm: str
    source: str
    target: str
    task: str
    operation: str


def reserve(world: World, move: MoveRequest) -> list[str]:
    """Mark VM and target as busy with a move, and hold its memory there; return what the VM allowed before.

    The caller holds the database's lock since it checked the move: else two moves could both find the last room.
    """
    database = world.database
    before: list[str] = database.get("VM", move.vm)["allowed_operations"]
    target = database.get("host", move.target)
    operations = {**target["current_operations"], move.task: "vm_migrate"}
    allowed = [name for name in target["allowed_operations"] if name != "evacuate"]
    database.change("host", move.target, current_operations=operations, allowed_operations=allowed)
    ours = {"current_operations": {move.task: move.operation}, "scheduled_to_be_resident_on": move.target}
    database.change("VM", move.vm, **ours, allowed_operations=list(MOVING_OPERATIONS))
    return before


def release(world: World, move: MoveRequest, allowed: list[str]) -> None:
    """Take back what `reserve` did; `allowed` is what it returned."""
    database = world.database
    with database.lock:
        if (vm := database.find("VM", move.vm)) is not None:
            is_as_before = (vm["power_state"] == "Running") == (move.source != NULL)
            allowed = allowed if is_as_before else vm["allowed_operations"]
            left = {k: v for k, v in vm["current_operations"].items() if k != move.task}
            free = {"current_operations": left, "scheduled_to_be_resident_on": NULL}
            database.change("VM", move.vm, **free, allowed_operations=allowed)
        host = database.get("host", move.target)
        left = {k: v for k, v in host["current_operations"].items() if k != move.task}
        offered = host["allowed_operations"]
        if "vm_migrate" not in left.values() and "evacuate" not in offered:
            offered = [*offered, "evacuate"]
        database.change("host", move.target, current_operations=left, allowed_operations=offered)


class Transfer:
    """The bytes of one move on their way, done in parts, which take so many seconds in all on a link of their own.

    Where the toolstack dies after it moved the VM, `arrive` puts the VM on its new host.
    """

    def __init__(self, world: World, move: MoveRequest, seconds: float, arrive: Callable[[], None]) -> None:
        self.world, self.move, self.arrive = world, move, arrive
        self._seconds, self._restarts, self._last = seconds, world.restarts, 0.0
        self._done = self._part = self._goal = 0.0
        self._state = world.database.get("VM", move.vm)["power_state"]
        self._strikes = _strikes(world, move)
        self.reboots = 0
        ends = world.uuid("VM", move.vm), world.uuid("host", move.target)
        self._pace = seconds / world.lengths[ends] if ends in world.lengths else 0.0

    def carry(self, seconds: float) -> None:
        """Go on for `seconds` more of the work.

        Raises:
            ApiFailure: a fault struck, or the VM was switched off.
            Cancelled: the task was cancelled.
            ConnectionLost: the toolstack restarted, or the simulator stops.
        """
        world, move = self.world, self.move
        self._part, self._goal, self._last = self._goal, self._goal + seconds, world.timing.monotonic()
        while self._done < self._goal:
            rate = self._rate()
            self._wait_up_to((self._goal - self._done) / rate)
            now = world.timing.monotonic()
            self._done, self._last = self._done + (now - self._last) * rate, now
            tasks.advance(world, move.task, 0.99 * min(1.0, self._done / self._seconds))
            self._look()
        self._look()

    def pause(self, seconds: float) -> None:
        """Stand still for so long; errors are those of `carry`."""
        until = self.world.timing.monotonic() + seconds
        while self.world.timing.monotonic() < until:
            self._wait_up_to(until - self.world.timing.monotonic())
            self._assert_goes_on()
        self._last = self.world.timing.monotonic()

    def arrive_late(self) -> None:
        """Put the VM on its new host, unless it was switched off meanwhile, or went down with either of its hosts."""
        with self.world.database.lock:
            if self._is_as_before() and self.move.target not in self.world.down:
                self.arrive()

    def begin_again(self) -> None:
        """Lose what was carried of this part, because the guest rebooted."""
        self.reboots += 1
        self._done = self._part

    def _rate(self) -> float:
        """Seconds of the work that are done in a second."""
        return self._pace or self.world.speed / sharing(self.world, self.move)

    @property
    def progress(self) -> float:
        """0 to 1."""
        return min(self._done, self._goal) / self._seconds

    def _wait_up_to(self, seconds: float) -> None:
        tick = self.world.tick or TICK_SECONDS
        if self.world.wait(max(LEAST_SECONDS, min(tick, seconds))):
            raise ConnectionLost
        self.world.strike(Moment.TIME)
        self._assert_no_restart()

    def _look(self) -> None:
        due = [strike for strike in self._strikes if self.progress >= strike[1].number("at", 0.5)]
        self._strikes = [strike for strike in self._strikes if strike not in due]
        for kind, fault in due:
            about = self if kind.occasion is Occasion.MOVE else self.move.vm
            if kind.effect is not None and kind.effect(self.world, fault, about):
                self._strikes.append((kind, fault))
        self._assert_goes_on()

    def _assert_goes_on(self) -> None:
        self._assert_no_restart()
        if tasks.asked_to_cancel(self.world, self.move.task):
            raise Cancelled
        if self.world.database.get("VM", self.move.vm)["power_state"] != self._state:
            raise self.broken()
        if self.move.target in self.world.down:
            raise ApiFailure("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED")

    def _assert_no_restart(self) -> None:
        if self.world.restarts != self._restarts:
            if self.progress >= self.world.survivors and self._is_as_before():
                self.arrive()
            raise ConnectionLost

    def _is_as_before(self) -> bool:
        """Whether the VM is there, neither switched off nor gone with its host, and the new host sees its discs."""
        database, move = self.world.database, self.move
        record = database.find("VM", move.vm)
        if record is None or record["power_state"] != self._state:
            return False
        return move.operation != migration.OPERATION or copies.is_attached(database, move.vm, move.target)

    def broken(self) -> ApiFailure:
        """What XAPI says where the stream of memory broke."""
        return ApiFailure("VM_MIGRATE_FAILED", self.move.vm, self.move.source, self.move.target, BROKEN_STREAM)


def memory_seconds(world: World, vm: str) -> float:
    """How long the memory of a running VM takes on a link of its own."""
    record = world.database.get("VM", vm)
    metrics = world.database.find("VM_metrics", record["metrics"])
    return int(metrics["memory_actual"] if metrics else record["memory_dynamic_min"]) / LINK_BYTES_PER_SECOND


def _strikes(world: World, move: MoveRequest) -> list[tuple[FaultKind, Fault]]:
    """What is to go wrong on the way of a move."""
    vm, host = world.uuid("VM", move.vm), world.uuid("host", move.target)
    of_move = world.faults.due(Occasion.MOVE, vm=vm, host=host, operation=move.operation)
    return of_move + world.faults.due_in_pool(Moment.PROGRESS, vm=vm)


def sharing(world: World, move: MoveRequest) -> int:
    """How many transfers share the busier of the two links."""
    moving = [vm for _, vm in world.database.items("VM") if vm["scheduled_to_be_resident_on"] != NULL]
    ends = [end for vm in moving for end in (vm["resident_on"], vm["scheduled_to_be_resident_on"]) if end != NULL]
    return max(1, ends.count(move.source), ends.count(move.target))
