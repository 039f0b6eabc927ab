"""What the other pool has already: rows like those of `crossing_rows`, about uuids, MAC seeds and SRs of both pools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebalancer.inventory import VM, PowerState
from rebalancer.placement import DiskMove
from tests.pools import make_sr
from tests.rules.crossing_rows import TO_WEST, Row, snapshot
from tests.two_pools import pool_vm

SEED: dict[str, Any] = {"other_config": {"mac_seed": "seed"}}
BEFORE: dict[str, Any] = {"snapshots": ("before",)}
TWIN_SR = {"srs": (make_sr("both"),)}
SEES_BOTH = {"srs": ("w-shared", "both")}
TO_BOTH = replace(TO_WEST, disks=(DiskMove(drive="web-xvd0", source="e-shared", target="both@west"),))


def there(*vms: VM) -> dict[str, Any]:
    """The other pool with *vms*."""
    return {"vms": vms}


def twin(**changes: Any) -> VM:  # noqa: ANN401 - fields of VM
    """A halted VM of the other pool that has the uuid of `web`."""
    halted: dict[str, Any] = {"resident_on": None, "power_state": PowerState.HALTED, "vbds": ()}
    return pool_vm("web", on="w1", **halted | changes)


TWIN_ROWS = (
    Row(rule="uuid-free", legal=True, west=there(pool_vm("other", on="w1"))),
    Row(rule="uuid-free", legal=False, west=there(twin())),
    Row(rule="uuid-free", legal=False, vm={"version": 2}, west=there(twin(version=2))),
    Row(rule="uuid-free", legal=False, vm={"version": 2}, west=there(twin(power_state=PowerState.SUSPENDED))),
    Row(rule="uuid-free", legal=False, vm={"version": 2}, west=there(pool_vm("web", on="w1"))),
    Row(rule="uuid-free", legal=True, vm={"version": 2}, west=there(twin(version=1))),
    Row(rule="uuid-free", legal=False, vm=BEFORE, east={"vms": (snapshot(),)}, west=there(twin(uuid="before"))),
    Row(rule="replaces-nothing", legal=False, vm={"version": 2}, west=there(twin(version=1))),
    Row(rule="replaces-nothing", legal=True, vm={"version": 2}, west=there(twin(version=2))),
    Row(rule="replaces-nothing", legal=True, vm={"version": 2}, west=there(twin(power_state=PowerState.SUSPENDED))),
    Row(
        rule="replaces-nothing",
        legal=False,
        vm=BEFORE,
        east={"vms": (snapshot(version=1),)},
        west=there(twin(uuid="before")),
    ),
    Row(rule="in-one-pool", legal=False, west=there(twin())),
    Row(rule="in-one-pool", legal=True, west=there(pool_vm("other", on="w1"))),
    Row(rule="mac-seed-free", legal=False, vm=SEED, west=there(pool_vm("other", on="w1", **SEED))),
    Row(rule="mac-seed-free", legal=False, vm=SEED, west=there(pool_vm("gold", on="w1", is_a_template=True, **SEED))),
    Row(rule="mac-seed-free", legal=False, vm=SEED, west=there(snapshot("theirs", snapshot_of="other", **SEED))),
    Row(rule="mac-seed-free", legal=False, vm=SEED, west=there(snapshot("orphan", **SEED))),
    Row(
        rule="mac-seed-free",
        legal=False,
        vm=BEFORE,
        east={"vms": (snapshot(snapshot_of="web", **SEED),)},
        west=there(pool_vm("other", on="w1", **SEED)),
    ),
    Row(
        rule="mac-seed-free",
        legal=False,
        vm=BEFORE,
        east={"vms": (snapshot(**SEED),)},
        west=there(snapshot("orphan", **SEED)),
    ),
    Row(rule="mac-seed-free", legal=True, vm=SEED, west=there(twin(**SEED))),
    Row(rule="mac-seed-free", legal=True, vm=SEED, west=there(snapshot("ours", snapshot_of="web", **SEED))),
    Row(rule="mac-seed-free", legal=True, vm=SEED, east={"vms": (pool_vm("clone", on="e2", **SEED),)}),
    Row(rule="mac-seed-free", legal=True, west=there(pool_vm("other", on="w1", **SEED))),
    Row(
        rule="mac-seed-free",
        legal=True,
        vm=SEED,
        west=there(pool_vm("other", on="w1", other_config={"mac_seed": "another"})),
    ),
    Row(rule="sr-of-one-pool", legal=False, east=TWIN_SR, west=TWIN_SR, target=SEES_BOTH, move=TO_BOTH),
    Row(rule="sr-of-one-pool", legal=True, east=TWIN_SR, west=TWIN_SR, target=SEES_BOTH),
    Row(
        rule="sr-of-one-pool",
        legal=True,
        west=TWIN_SR,
        target=SEES_BOTH,
        move=replace(TO_WEST, disks=(replace(TO_BOTH.disks[0], target="both"),)),
    ),
)
"""`web` goes from e1 to w1; a VM, or an SR `both`, may be in both pools."""
