"""The simulator's answers to whether a VM may go to another pool, for two pools that are at rest."""

from __future__ import annotations

from rebalancer.simulator.checks import another_pool, storage_motion, vm_operations
from rebalancer.simulator.checks.storage_motion import OPERATION, MigrateSend
from rebalancer.simulator.state.database import Database
from tests.rules.crossings import Crossing, Question


class Asked:
    """The simulator's two pools, asked in the order of a client: the operation, both calls."""

    def __init__(self, crossing: Crossing) -> None:
        self.here, self.there = Database(crossing.content["home"]), Database(crossing.content["there"])

    def operation(self, vm: str) -> None:
        """VM.assert_operation_valid."""
        vm_operations.assert_not_refused(self.here, vm, OPERATION)
        vm_operations.assert_free(self.here, vm)
        vm_operations.assert_movable(self.here, vm, OPERATION, strict=True)

    def dry(self, call: MigrateSend) -> None:
        """VM.assert_can_migrate."""
        another_pool.assert_can_cross(self.here, self.there, call)

    def sent(self, call: MigrateSend) -> None:
        """VM.migrate_send, up to the first copy."""
        self.operation(call.vm)
        self.dry(call)
        storage_motion.begun(self.here, call, self.there)

    def whole(self, call: MigrateSend) -> None:
        """All that stops a move before it copies anything."""
        self.operation(call.vm)
        storage_motion.assert_licensed(self.there)
        self.sent(call)


def call_of(question: Question) -> MigrateSend:
    """The call of one question."""
    return MigrateSend(vm=question.vm, host=question.host, vdi_map=question.vdi_map, vif_map=question.vif_map)
