"""What others do to a pool in a storm: people and programs that know nothing of the run, each through XAPI itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

from rebalancer.simulator import Simulator, VirtualTime
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.migration.removal import destroy
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from tests.storm.judge import Judge
from tests.storm.record import Deed, Record


class Outsider:
    """Somebody with a login of their own; what XAPI refuses them does not happen."""

    def __init__(self, simulator: Simulator, time: VirtualTime, record: Record, judge: Judge) -> None:
        self._simulator, self._time, self._record, self._judge = simulator, time, record, judge
        self._dispatcher = Dispatcher(simulator.world)

    def move(self, chance: Random) -> None:
        """Move some VM to some host."""
        for vm in self._some_guest(chance):
            host = self._some_host(chance)
            self._do("moves", vm, "Async.VM.pool_migrate", vm, host, {"live": "true"})

    def shut_down(self, chance: Random) -> None:
        """Pull the plug of some VM."""
        for vm in self._some_guest(chance):
            self._do("switches off", vm, "VM.hard_shutdown", vm)

    def switch_on(self, chance: Random) -> None:
        """Start a VM that is off, wherever XAPI wants.

        A VM that is about to arrive from another pool is off by its record, too, and XAPI starts it: then it runs
        twice, whoever moves it. Nobody in a storm does that.
        """
        halted = [ref for ref, vm in self._database.items("VM") if _is_off(vm) and _is_plain(vm)]
        if halted:
            vm = chance.choice(halted)
            self._do("starts", vm, "Async.VM.start", vm, False, False)

    def back_up(self, chance: Random) -> None:
        """Block some VM for as long as a backup of it takes."""
        for vm in self._some_guest(chance):
            seconds = chance.choice([5.0, 30.0, 90.0])
            words = {"pool_migrate": "Backup in progress", "migrate_send": "Backup in progress"}
            self._do(f"backs up for {seconds:.0f} s", vm, "VM.set_blocked_operations", vm, words)
            self._later(seconds, "VM.set_blocked_operations", vm, {})

    def maintain(self, chance: Random) -> None:
        """Disable some host for a while, or for good."""
        host, seconds = self._some_host(chance), chance.choice([10.0, 60.0, 1e5])
        self._do(f"disables for {seconds:.0f} s", host, "host.disable", host)
        self._later(seconds, "host.enable", host)

    def everything_again(self) -> None:
        """Put right what stands in the way: hosts that are disabled, down or not live, unplugged SRs, blocks, WLB."""
        database, down = self._database, self._simulator.world.down
        down.difference_update([ref for ref in down if database.find("host", ref)])
        for ref, _ in database.items("pool"):
            database.change("pool", ref, wlb_enabled=False)
        for ref, host in database.items("host"):
            database.change("host_metrics", host["metrics"], live=True)
            database.change("host", ref, enabled=True)
        for ref, pbd in database.items("PBD"):
            if not pbd["currently_attached"]:
                database.change("PBD", ref, currently_attached=True)
        for ref, vm in database.items("VM"):
            if vm["blocked_operations"]:
                database.change("VM", ref, blocked_operations={})

    def remove_what_was_left(self, elsewhere: Collection[str]) -> None:
        """Remove records of VMs that are off here and run in another pool, as a migration may leave them behind."""
        off = [(ref, vm["uuid"]) for ref, vm in self._database.items("VM") if _is_off(vm) and vm["uuid"] in elsewhere]
        for ref, uuid in off:
            destroy(self._database, ref)
            self._judge.others_touched(uuid)
            self._record.events.append(Deed(at=self._time.monotonic(), words=f"somebody removes {uuid[:8]} here"))

    @property
    def running(self) -> set[str]:
        """The uuids of the VMs that run here."""
        return {vm["uuid"] for _, vm in self._database.items("VM") if vm["power_state"] == "Running"}

    def start(self, uuid: str, host: str) -> bool:
        """Start a VM on a host, both by uuid, if this pool has them and the VM is off; whether it runs then."""
        vm = next((ref for ref, each in self._database.items("VM") if each["uuid"] == uuid), NULL)
        on = next((ref for ref, each in self._database.items("host") if each["uuid"] == host), NULL)
        if NULL in {vm, on}:
            return False
        if _is_off(self._database.get("VM", vm)):
            self._do("starts again", vm, "VM.start_on", vm, on, False, False)
        return bool(self._database.get("VM", vm)["power_state"] == "Running")

    @property
    def _database(self) -> Database:
        return self._simulator.database

    def _some_guest(self, chance: Random) -> Sequence[str]:
        """One of the VMs that run; none where all went down with their hosts."""
        guests = [ref for ref, vm in self._database.items("VM") if vm["resident_on"] != NULL and _is_plain(vm)]
        return [chance.choice(guests)] if guests else ()

    def _some_host(self, chance: Random) -> str:
        return chance.choice([ref for ref, _ in self._database.items("host")])

    def _do(self, what: str, about: str, method: str, *params: Any) -> None:  # noqa: ANN401 - any wire type
        record = self._database.find("VM", about) or self._database.find("host", about) or {"uuid": about}
        session = self._call("session.login_with_password", "root", "simulator")
        try:
            self._call(method, session, *params)
        except ApiFailure as failure:
            said = f"; refused: {failure.code}"
        else:
            said = ""
            self._judge.others_touched(record["uuid"])
        self._record.events.append(Deed(at=self._time.monotonic(), words=f"somebody {what} {record['uuid'][:8]}{said}"))

    def _call(self, method: str, *params: Any) -> Any:  # noqa: ANN401 - any wire type
        return self._dispatcher.call(self._simulator.world.coordinator, method, list(params))[1]

    def _later(self, seconds: float, method: str, *params: Any) -> None:  # noqa: ANN401 - any wire type
        def do() -> None:
            self._time.sleep(seconds)
            if not self._simulator.world.stopping.is_set():
                self._do("ends that of", params[0], method, *params)

        self._time.start(do)


DEEDS: tuple[Callable[[Outsider, Random], None], ...] = (
    Outsider.move,
    Outsider.shut_down,
    Outsider.switch_on,
    Outsider.back_up,
    Outsider.maintain,
)


def _is_off(vm: dict[str, Any]) -> bool:
    return bool(vm["power_state"] == "Halted" and vm["scheduled_to_be_resident_on"] == NULL)


def _is_plain(vm: dict[str, Any]) -> bool:
    return not (vm["is_control_domain"] or vm["is_a_template"] or vm["is_a_snapshot"])
