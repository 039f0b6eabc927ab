"""What the simulated storage manager refuses once a move with disks has begun; both dry runs let it pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator
from tests.simulator.storage.motion import Move, Proxy, take_snapshot

BIG = str((2040 << 30) + 1)


def _storage(simulator: Simulator, move: Move, **fields: Any) -> None:  # noqa: ANN401 - of every wire type
    """Change the SR that the disk leaves."""
    simulator.database.change("SR", simulator.database.get("VDI", move.disks[0])["SR"], **fields)


def _disk(**fields: Any) -> Callable[[Simulator, Move], None]:  # noqa: ANN401 - of every wire type
    return lambda simulator, move: simulator.database.change("VDI", move.disks[0], **fields)


def _chained(simulator: Simulator, move: Move, length: int = 30) -> None:
    """Put the disk on a chain of images."""
    record = simulator.database.get("VDI", move.disks[0])
    uuids = [f"base-{at}" for at in range(length - 1)]
    for uuid, parent in zip(uuids, [*uuids[1:], ""], strict=True):
        config = {"vhd-parent": parent} if parent else {}
        hidden = {"uuid": uuid, "managed": False, "VBDs": [], "sm_config": config}
        simulator.database.add("VDI", {**record, **hidden})
    simulator.database.change("VDI", move.disks[0], sm_config={"vhd-parent": uuids[0]})


def _full(simulator: Simulator, move: Move) -> None:
    _storage(simulator, move, type="lvmoiscsi", physical_utilisation="100", physical_size="100")
    simulator.database.change("VDI", move.disks[0], physical_utilisation="1")


def _unplugged(simulator: Simulator, move: Move) -> None:
    sr = simulator.database.get("VDI", move.disks[0])["SR"]
    for ref, pbd in simulator.database.items("PBD"):
        if pbd["SR"] == sr and pbd["host"] == move.source:
            simulator.database.change("PBD", ref, currently_attached=False)


def _told(simulator: Simulator, move: Move) -> None:
    """Large, on an SR whose driver could and whose PBD says no."""
    _disk(virtual_size=BIG)(simulator, move)
    for ref, driver in simulator.database.items("SM"):
        if driver["type"] == "ext":
            simulator.database.change("SM", ref, supported_image_formats=["vhd", "qcow2"])
    for ref, pbd in simulator.database.items("PBD"):
        if pbd["SR"] == move.storage:
            simulator.database.change("PBD", ref, device_config={"preferred-image-formats": "vhd"})


def _lost_snapshot(simulator: Simulator, move: Move) -> None:
    take_snapshot(simulator, move.vm, missing=True)


REFUSALS: dict[str, tuple[str, Callable[[Simulator, Move], None]]] = {
    "missing": ("VDI_MISSING", _disk(missing=True)),
    "missing-snapshot": ("VDI_MISSING", _lost_snapshot),
    "busy": ("OTHER_OPERATION_IN_PROGRESS", _disk(current_operations={"OpaqueRef:task": "copy"})),
    "raw": ("SR_BACKEND_FAILURE_38", _disk(sm_config={"type": "raw"})),
    "raw-file": ("SR_BACKEND_FAILURE_38", _disk(sm_config={"vdi_type": "aio"})),
    "chain": ("SR_BACKEND_FAILURE_109", _chained),
    "too-large": ("SR_BACKEND_FAILURE_79", _disk(virtual_size=BIG)),
    "told-vhd": ("SR_BACKEND_FAILURE_79", _told),
    "source-full": ("INTERNAL_ERROR", _full),
    "source-unplugged": ("INTERNAL_ERROR", _unplugged),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_only_the_move_finds_out(simulator: Simulator, xapi: Proxy, name: str) -> None:
    """With the code of the storage manager; the VM is where it was, and nothing is left on the other SR."""
    code, spoil = REFUSALS[name]
    move = Move(simulator, xapi)
    spoil(simulator, move)
    xapi.VM.assert_can_migrate(*move.params())
    before = set(xapi.SR.get_VDIs(move.storage))
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.migrate_send(*move.params())
    assert refused.value.details[0] == code
    assert xapi.VM.get_resident_on(move.vm) == move.source
    assert set(xapi.SR.get_VDIs(move.storage)) == before


def _qcow2(simulator: Simulator, move: Move) -> None:
    _disk(virtual_size="1000", physical_utilisation="1")(simulator, move)
    for ref, _ in simulator.database.items("SM"):
        simulator.database.change("SM", ref, supported_image_formats=["qcow2"])


@pytest.mark.parametrize("shape", [_qcow2, lambda simulator, move: _chained(simulator, move, 29)])
def test_what_just_fits_moves(simulator: Simulator, xapi: Proxy, shape: Callable[[Simulator, Move], None]) -> None:
    """A chain of 29 images, and an SR that takes another format."""
    move = Move(simulator, xapi)
    shape(simulator, move)
    assert xapi.VM.migrate_send(*move.params()) == move.vm


def test_a_missing_image_stops_a_plain_migration_at_its_end(simulator: Simulator, xapi: Proxy) -> None:
    """The target does not find the disk, and the VM stays; both dry runs let it pass."""
    move = Move(simulator, xapi)
    shared = next(ref for ref, sr in simulator.database.items("SR") if sr["type"] == "nfs")
    for disk in move.disks:
        simulator.database.change("VDI", disk, SR=shared, missing=True)
    xapi.VM.assert_operation_valid(move.vm, "pool_migrate")
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.pool_migrate(move.vm, move.target, {"live": "true"})
    assert refused.value.details[0] == "VDI_MISSING"
    assert xapi.VM.get_resident_on(move.vm) == move.source
