"""Migrations with disks that fail, and what they leave behind (XAPI.md 4.6)."""

from __future__ import annotations

import pytest

from rebalancer.simulator import Simulator
from tests.simulator.storage.motion import Move, Proxy, finished


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize(
    ("kind", "code"),
    [("mirror-fails", "MIRROR_FAILED"), ("copy-fails", "VDI_COPY_FAILED"), ("sr-full", "SR_BACKEND_FAILURE_44")],
)
def test_a_migration_with_disks_fails(simulator: Simulator, xapi: Proxy, kind: str, code: str, *, stays: bool) -> None:
    """The VM runs on its source, on its old disks; copies are removed, or stay where that fails, too."""
    move = Move(simulator, xapi)
    before = len(xapi.SR.get_VDIs(move.storage))
    simulator.faults.add(kind)
    if stays:
        simulator.faults.add("copies-stay")
    ended = finished(xapi, xapi.Async.VM.migrate_send(*move.params()))
    assert ended["error_info"][0] == code
    assert xapi.VM.get_resident_on(move.vm) == move.source
    assert Move.disks_of(simulator, move.vm) == move.disks
    assert len(xapi.SR.get_VDIs(move.storage)) - before == (len(move.disks) if stays else 0)


def test_faults_of_disks_leave_other_migrations_alone(simulator: Simulator, xapi: Proxy) -> None:
    """A migration without disks has no mirror that could break."""
    move = Move(simulator, xapi)
    simulator.faults.add("mirror-fails")
    xapi.VM.pool_migrate(move.vm, move.target, {})
    assert [each.kind for each in simulator.faults.waiting] == ["mirror-fails"]
