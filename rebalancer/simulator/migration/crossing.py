"""VM.migrate_send to another pool: the disks, then the records, then the memory; then the VM is gone from here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rebalancer.simulator.checks import another_pool, migration, storage_motion, vm_operations
from rebalancer.simulator.checks.copies import assert_copyable
from rebalancer.simulator.checks.facts import is_live
from rebalancer.simulator.checks.storage_motion import OPERATION, MigrateSend
from rebalancer.simulator.migration import arrival, disks, memory, removal, residence, storage_moves, transfer
from rebalancer.simulator.migration.transfer import FIXED_SECONDS, LINK_BYTES_PER_SECOND, MoveRequest, Transfer
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import ApiFailure, Cancelled
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.vm_import import family_of, import_vm
from rebalancer.simulator.state.world import World, both


def migrate_send(here: World, there: World, task: str, call: MigrateSend) -> str:
    """Move a running VM to another pool; return its ref there.

    Host, SRs and networks of the call are refs of the other pool. Until all disks are there, nothing holds memory
    for the VM.

    Raises:
        ApiFailure: refused, or failed on the way; the VM is where it was, or halted, and what came of it there removed.
        Cancelled: the task was cancelled.
        ConnectionLost: the toolstack restarted meanwhile; nobody removes what came of it there.
    """
    database = here.database
    with database.lock:
        tasks.wait_while(
            here,
            task,
            lambda: vm_operations.is_busy(database, call.vm, OPERATION),
            lambda: vm_operations.assert_free(database, call.vm),
        )
    with both(here, there):
        vm_operations.assert_free(database, call.vm)
        vm_operations.assert_movable(database, call.vm, OPERATION, strict=True)
        another_pool.assert_can_cross(database, there.database, call)
        source = str(database.get("VM", call.vm)["resident_on"])
        if source == NULL:
            state = database.get("VM", call.vm)["power_state"].lower()
            raise ApiFailure("VM_BAD_POWER_STATE", call.vm, "running", state)
        storage_moves.assert_slot_free(database, source)
        call = storage_motion.begun(database, call, there.database)
        call = replace(call, vif_map=another_pool.networks_of(database, call))
        before: list[str] = database.get("VM", call.vm)["allowed_operations"]
        allowed = list(transfer.MOVING_OPERATIONS)
        database.change("VM", call.vm, current_operations={task: OPERATION}, allowed_operations=allowed)
    move = MoveRequest(vm=call.vm, source=source, target=call.host, task=task, operation=OPERATION)
    crossing = _Crossing(here=here, there=there, move=move, call=call)
    try:
        for drive in list(storage_moves.drives_to_empty(database, call)):
            disks.eject(here, drive)
        crossing.carry_out()
    finally:
        crossing.let_go()
        _end(here, move, before)
    arrival.aftermath(there, replace(move, vm=crossing.guest))
    return crossing.guest


def _end(here: World, move: MoveRequest, before: list[str]) -> None:
    with here.database.lock:
        if (vm := here.database.find("VM", move.vm)) is not None:
            allowed = before if vm["power_state"] == "Running" else vm["allowed_operations"]
            here.database.change("VM", move.vm, current_operations={}, allowed_operations=allowed)


@dataclass(slots=True, kw_only=True)
class _Crossing:
    """One VM on its way; `guest` is its ref in the other pool once it has one there."""

    here: World
    there: World
    move: MoveRequest
    call: MigrateSend
    copies: list[disks.Copy] = field(default_factory=list)
    guest: str = NULL
    is_over: bool = False

    def carry_out(self) -> None:
        """Copy disks, write records, copy memory, arrive."""
        sizes = storage_moves.sizes(self.here.database, self.call, self.there.database)
        copied_last = FIXED_SECONDS + transfer.memory_seconds(self.here, self.move.vm)
        total = copied_last + sum(sizes.values()) / LINK_BYTES_PER_SECOND
        under_way = Transfer(self.here, self.move, total, self._arrive)
        try:
            for vdi, size in sizes.items():
                assert_copyable(self.here.database, self.there.database, self.call, vdi)
                self.copies.append(disks.begin_copy(self.here, vdi, self.call.vdi_map[vdi], self.call.host, self.there))
                under_way.carry(size / LINK_BYTES_PER_SECOND)
            self._write()
            memory.squeeze(self.here, self.move.vm, self.there, self.call.host)
            under_way.carry(copied_last)
        except (ApiFailure, Cancelled):
            if not self.here.faults.take("copies-stay", vm=self.here.uuid("VM", self.move.vm)):
                self._discard()
            raise
        self._arrive()

    def let_go(self) -> None:
        """Hold no memory over there any more for a VM that did not come."""
        if not self.is_over and self.there.database.find("VM", self.guest) is not None:
            self.there.database.change("VM", self.guest, scheduled_to_be_resident_on=NULL)

    def _write(self) -> None:
        """Write the VM's records over there, halted as yet, its memory held on the host if that still takes it."""
        with both(self.here, self.there):
            target = self.there.database
            if not is_live(target, target.get("host", self.call.host)):
                raise ApiFailure("CANNOT_CONTACT_HOST", self.call.host)
            migration.assert_target_free(target, self.call.host)
            another_pool.assert_can_cross(self.here.database, target, self.call)
            family = family_of(self.here.database, self.move.vm)
            removal.replace_halted(target, [self.here.uuid("VM", ref) for ref in family])
            copies = {copy.old: copy.new for copy in self.copies}
            self.guest = import_vm(self.here.database, target, self.move.vm, disks=copies, networks=self.call.vif_map)
            target.change("VM", self.guest, power_state="Halted", scheduled_to_be_resident_on=self.call.host)

    def _arrive(self) -> None:
        """Let the VM run over there, and be gone from here; nothing where its records are not written yet."""
        if self.guest == NULL or self.is_over:
            return
        uuid = self.here.uuid("VM", self.move.vm)
        stays = self.here.faults.take("source-stays", vm=uuid) is not None
        with both(self.here, self.there):
            self.is_over = True
            allowed = self.here.database.get("VM", self.move.vm)["allowed_operations"]
            self.there.load.adopt(uuid, self.here.load)
            self.there.database.change(
                "VM", self.guest, power_state="Running", scheduled_to_be_resident_on=NULL, allowed_operations=allowed
            )
            residence.settle(self.there, self.guest, self.call.host)
            memory.give_back(self.there, self.guest)
            residence.halt(self.here, self.move.vm)
            removal.erase(self.here, self.move.vm, but_record=stays)

    def _discard(self) -> None:
        if self.guest != NULL:
            removal.erase(self.there, self.guest)
        else:
            disks.discard(self.there, self.copies)
