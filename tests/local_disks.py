"""Small pools with disks on local SRs: what Storage XenMotion is tried on.

Host h1 sees the shared SR and `l1`, h2 the shared SR and `l2`, and so on; a local SR has 1 TiB, of which only the
disks of VMs are used. Every VM has one disk of 20 GiB, all of it full.
"""

# ruff: noqa: ANN401 - a builder takes any field of the value that it makes

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rebalancer.inventory import SR, VDI, VM, Host, Pool
from rebalancer.placement import DiskMove, Migration
from rebalancer.policy import Policy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.routes import Routes
from rebalancer.units import GIB
from tests.pools import make_disk, make_driver, make_host, make_pool, make_sr, make_vdi, make_vm, policy_of, problem_of

LICENSED = {"restrict_xen_motion": "false", "restrict_storage_xen_motion": "false"}
DRIVERS = {"nfs": make_driver("nfs"), "ext": make_driver("ext"), "iso": make_driver("iso", features=())}


def local_sr(name: str, **changes: Any) -> SR:
    """An empty local SR of 1 TiB."""
    empty = {"type": "ext", "shared": False, "physical_size_bytes": 1024 * GIB, "physical_utilisation_bytes": 0}
    return make_sr(name, **empty | changes)


def local_host(number: int, *srs: str, **changes: Any) -> Host:
    """Host `hN`, which sees the shared SR, its own `lN` and *srs*."""
    return make_host(f"h{number}", srs=("shared", f"l{number}", *srs), **changes)


def local_vm(name: str, *, on: int = 1, **changes: Any) -> VM:
    """A VM on host `hN`."""
    return make_vm(name, on=f"h{on}", **changes)


def full_disk(vdi: str, sr: str, *, gib: float = 20, **changes: Any) -> VDI:
    """A disk that is all used."""
    size = int(gib * GIB)
    return make_vdi(vdi, sr, **{"virtual_size_bytes": size, "physical_utilisation_bytes": size, **changes})


def local_pool(*vms: VM, count: int = 2, **changes: Any) -> Pool:
    """Hosts h1 to h*count*, and *vms*, with their first disks on local SRs; *changes* are those of `make_pool`."""
    numbers = range(1, count + 1)
    srs = _filled([local_sr(f"l{number}") for number in numbers], vms)
    disks = [full_disk(f"{vm.uuid}-disk0", f"l{str(vm.resident_on)[1:]}") for vm in vms]
    parts: dict[str, Any] = {
        "hosts": [local_host(number) for number in numbers],
        "vms": vms,
        "srs": (*srs, *changes.pop("srs", ())),
        "vdis": (*disks, *changes.pop("vdis", ())),
        "restrictions": LICENSED,
        "storage_drivers": DRIVERS,
    }
    return make_pool(**parts | changes)


def _filled(srs: Iterable[SR], vms: Iterable[VM]) -> list[SR]:
    """*srs* with what the disks of *vms* take."""
    counts = [str(vm.resident_on)[1:] for vm in vms]
    return [local_sr(sr.uuid, physical_utilisation_bytes=counts.count(sr.uuid[1:]) * 20 * GIB) for sr in srs]


def with_disks(**keys: Any) -> Policy:
    """The default policy with Storage XenMotion and *keys* of its section."""
    return policy_of(storage_motion={"enabled": True, **keys})


def local_problem(*vms: VM, policy: Policy | None = None, **changes: Any) -> Problem:
    """The problem of `local_pool`, with Storage XenMotion unless *policy* says otherwise."""
    return problem_of(local_pool(*vms, **changes), policy=policy or with_disks())


def ways_of(problem: Problem) -> Routes:
    """The ways of *problem* by the rules that bind it."""
    return Rulebook.of(problem).routes


def carried(vm: str, *, source: int = 1, target: int = 2, sr: str | None = None) -> Migration:
    """The move of *vm* with its one disk from one host to another, and from local SR to local SR or to *sr*."""
    disk = DiskMove(drive=f"{vm}-xvd0", source=f"l{source}", target=sr or f"l{target}")
    return Migration(vm=vm, source=f"h{source}", target=f"h{target}", disks=(disk,))


def two_disks(vm: str) -> tuple[Any, ...]:
    """Drives with `VM-disk0` and `VM-disk1`."""
    return (make_disk(vm, 0), make_disk(vm, 1))
