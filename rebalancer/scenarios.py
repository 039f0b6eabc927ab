"""Scenarios: what if a host dies, if demand grows, if there were two more hosts; as edits of a model.

    import rebalancer as rb

    model = rb.Model(rb.read("pool.json.gz"))
    later = model.what_if(rb.scenarios.lose("xen3"), rb.scenarios.grow("tag:db", cpu=1.2))
    rb.scenarios.compare(model, {"one fewer": rb.scenarios.retire("xen3"), "one more": rb.scenarios.add_hosts(1)})

Edits are values, are made in order, and change nothing but a copy. `read` takes them from a TOML file.
"""

from __future__ import annotations

from pathlib import Path

from rebalancer.face.scenarios import compare, outcomes
from rebalancer.whatif.newcomers.shape import Shape
from rebalancer.whatif.scenarios.document import read_scenarios as read
from rebalancer.whatif.scenarios.edit import Edit
from rebalancer.whatif.scenarios.hosts import AddHosts, Lose, Refit, Retire, Update
from rebalancer.whatif.scenarios.merge import Merge
from rebalancer.whatif.scenarios.outcome import Outcome
from rebalancer.whatif.scenarios.vms import AddVMs, AddVMsFrom, Grow, Resize, RetireVMs
from rebalancer.whatif.scenarios.wishes import AddGroup, DropGroup, Relax, SetPolicy

__all__ = [
    "Edit",
    "Outcome",
    "add_group",
    "add_hosts",
    "add_vms",
    "add_vms_from",
    "compare",
    "drop_group",
    "grow",
    "lose",
    "merge",
    "outcomes",
    "policy",
    "read",
    "refit",
    "relax",
    "resize",
    "retire",
    "retire_vms",
    "update",
]


def lose(*hosts: str) -> Edit:
    """Hosts die: their VMs restart on the others as far as they can, and the hosts do not come back."""
    return Lose(hosts=hosts)


def retire(*hosts: str) -> Edit:
    """Hosts are emptied, and take nobody any more."""
    return Retire(hosts=hosts)


def add_hosts(count: int, like: str | None = None, *, cpus: int | None = None, memory_gib: float | None = None) -> Edit:
    """*count* new hosts like one, by default the coordinator, with other CPUs and memory where these are given."""
    return AddHosts(count=count, like=like, cpus=cpus, memory_gib=memory_gib)


def refit(
    *hosts: str,
    like: str | None = None,
    cpus: int | None = None,
    mhz: float | None = None,
    features: str | None = None,
    memory_gib: float | None = None,
) -> Edit:
    """Hosts get other hardware: the CPUs of the host that they are *like*, or so many, so fast, with such features."""
    return Refit(hosts=hosts, like=like, cpus=cpus, mhz=mhz, features=features, memory_gib=memory_gib)


def update(version: str, *hosts: str) -> Edit:
    """Hosts, all of them by default, run platform *version*."""
    return Update(version=version, hosts=hosts)


def resize(*vms: str, vcpus: int | None = None, memory_gib: float | None = None) -> Edit:
    """VMs get another size; their load stays what it is."""
    return Resize(vms=vms, vcpus=vcpus, memory_gib=memory_gib)


def retire_vms(*vms: str) -> Edit:
    """VMs go for good, with their disks and snapshots."""
    return RetireVMs(vms=vms)


def grow(*vms: str, cpu: float = 1.0, memory: float = 1.0) -> Edit:
    """VMs, `"*"` for all, want *cpu* times the pCPUs in every hour and *memory* times the memory."""
    return Grow(vms=vms, cpu=cpu, memory=memory)


def add_vms(count: int, like: str | Shape) -> Edit:
    """*count* new VMs like one or by size, each started where it costs least."""
    if isinstance(like, str):
        return AddVMs(count=count, like=like)
    load = None if like.load is None else max(like.hourly)
    return AddVMs(
        count=count,
        vcpus=like.vcpus,
        memory_gib=like.memory_gib,
        load=load,
        disk_gib=like.disk_gib,
        sr=like.sr,
        networks=like.networks,
        tags=like.tags,
        name=like.name,
    )


def add_vms_from(file: Path | str) -> Edit:
    """New VMs by the rows of a CSV file: `vcpus`, `memory_gib`, and as wanted other fields of a size, and `count`."""
    return AddVMsFrom(file=str(file))


def relax(*rules: str) -> Edit:
    """Documented rules do not bind."""
    return Relax(rules=rules)


def drop_group(name: str) -> Edit:
    """A group of the policy file is no more."""
    return DropGroup(name=name)


def add_group(
    kind: str,
    name: str,
    *vms: str,
    hosts: tuple[str, ...] = (),
    at_most: int | None = None,
    domain: str | None = None,
    hard: bool = True,
) -> Edit:
    """VMs are kept `together`, `apart`, `spread` or `run_on`, as the policy file has it."""
    return AddGroup(kind=kind, name=name, vms=vms, hosts=hosts, at_most=at_most, domain=domain, hard=hard)


def policy(changes: dict[str, object]) -> Edit:
    """Keys of the policy have other values: `{"objective.threshold": 0.6}`."""
    return SetPolicy.of(changes)


def merge(file: Path | str) -> Edit:
    """The pool in a snapshot file joins this one, by XAPI's rules for joins."""
    return Merge(file=str(file))
