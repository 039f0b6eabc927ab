"""Scenarios: what if a host dies, if demand grows, if there were two more hosts; as edits of a model.

    import rebalancer as rb

    model = rb.Model(rb.read("pool.json.gz"))
    later = model.what_if(rb.scenarios.lose("xen3"), rb.scenarios.grow("tag:db", cpu=1.2))
    rb.scenarios.compare(model, {"one fewer": rb.scenarios.retire("xen3"), "one more": rb.scenarios.add_hosts(1)})

Edits are values, are made in order, and change nothing but a copy. `read` takes them from a TOML file.
"""

from __future__ import annotations

from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.face.whatif.scenarios import compare, outcomes
from rebalancer.whatif.newcomers.shape import Shape
from rebalancer.whatif.scenarios.document import read_scenarios as read
from rebalancer.whatif.scenarios.edit import Edit
from rebalancer.whatif.scenarios.hosts import AddHosts, Lose, Refit, Retire, Update
from rebalancer.whatif.scenarios.made import made
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
    """Hosts die: their VMs restart on the others as far as they can, and the hosts do not come back.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.lose("ash")
        >>> str(edit), len(model.what_if(edit).state.pool.hosts)
        ('lose ash', 4)
    """
    return made(Lose, hosts=hosts)


def retire(*hosts: str) -> Edit:
    """Hosts are emptied, and take nobody any more.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.retire("beech")
        >>> str(edit), model.what_if(edit).first
        ('retire beech', ("eject the CD from drive xvdd (VM 'app-041' on 'beech')",))
    """
    return made(Retire, hosts=hosts)


def add_hosts(count: int, like: str | None = None, *, cpus: int | None = None, memory_gib: float | None = None) -> Edit:
    """*count* new hosts like one, by default the coordinator, with other CPUs and memory where these are given.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.add_hosts(2, "ash", cpus=64, memory_gib=512)
        >>> str(edit), len(model.what_if(edit).state.pool.hosts)
        ('add 2 hosts like ash with 64 CPUs and 512 GiB', 7)
    """
    return made(AddHosts, count=count, like=like, cpus=cpus, memory_gib=memory_gib)


def refit(
    *hosts: str,
    like: str | None = None,
    cpus: int | None = None,
    mhz: float | None = None,
    features: str | None = None,
    memory_gib: float | None = None,
) -> Edit:
    """Hosts get other hardware: the CPUs of the host that they are *like*, or so many, so fast, with such features.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.refit("ash", cpus=64)
        >>> str(edit), model.what_if(edit).host("ash").pcpus
        ('refit ash with 64 CPUs', 64)
    """
    return made(Refit, hosts=hosts, like=like, cpus=cpus, mhz=mhz, features=features, memory_gib=memory_gib)


def update(version: str, *hosts: str) -> Edit:
    """Hosts, all of them by default, run platform *version*.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.update("3.5.0")
        >>> str(edit), model.what_if(edit).host("ash").software_version["platform_version"]
        ('update all hosts to 3.5.0', '3.5.0')
    """
    return made(Update, version=version, hosts=hosts)


def resize(*vms: str, vcpus: int | None = None, memory_gib: float | None = None) -> Edit:
    """VMs get another size; their load stays what it is.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.resize("web-000", vcpus=8, memory_gib=16)
        >>> str(edit), model.what_if(edit).vm("web-000").vcpus_at_startup
        ('resize web-000 to 8 vCPUs and 16 GiB', 8)
    """
    return made(Resize, vms=vms, vcpus=vcpus, memory_gib=memory_gib)


def retire_vms(*vms: str) -> Edit:
    """VMs go for good, with their disks and snapshots.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.retire_vms("web-000")
        >>> str(edit), len(model.what_if(edit).problem.initial.host_of)
        ('retire VMs web-000', 44)
    """
    return made(RetireVMs, vms=vms)


def grow(*vms: str, cpu: float = 1.0, memory: float = 1.0) -> Edit:
    """VMs, `"*"` for all, want *cpu* times the pCPUs in every hour and *memory* times the memory.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> later = model.what_if(rb.scenarios.grow("*", cpu=1.2))
        >>> f"{later.demand().pcpu.sum() / model.demand().pcpu.sum():.2f}"
        '1.20'
    """
    return made(Grow, vms=vms, cpu=cpu, memory=memory)


def add_vms(count: int, like: str | Shape) -> Edit:
    """*count* new VMs like one or by size, each started where it costs least.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.add_vms(3, rb.Shape(vcpus=2, memory_gib=4, load=0.5))
        >>> str(edit), len(model.what_if(edit).problem.initial.host_of)
        ('add 3 VMs of 2 vCPUs and 4 GiB', 48)
    """
    if not isinstance(like, str | Shape):
        raise InputError(
            "rb.scenarios.add_vms", f"{like!r} is no VM", "Name one, or give rb.Shape(vcpus=2, memory_gib=4)"
        )
    if isinstance(like, str):
        return made(AddVMs, count=count, like=like)
    load = None if like.load is None else like.hourly
    return made(
        AddVMs,
        count=count,
        vcpus=like.vcpus,
        memory_gib=like.memory_gib,
        load=load[0] if load and len(load) == 1 else load,
        disk_gib=like.disk_gib,
        sr=like.sr,
        networks=like.networks,
        tags=like.tags,
        name=like.name,
    )


def add_vms_from(file: Path | str) -> Edit:
    """New VMs by the rows of a CSV file: `vcpus`, `memory_gib`, and as wanted other fields of a size, and `count`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> import pandas as pd
        >>> rows = [{"name": "ci", "count": 2, "vcpus": 2, "memory_gib": 4, "load": 0.5}]
        >>> pd.DataFrame(rows).to_csv("new.csv", index=False)
        >>> edit = rb.scenarios.add_vms_from("new.csv")
        >>> str(edit), len(model.what_if(edit).problem.initial.host_of)
        ('add the VMs of new.csv', 47)
    """
    return made(AddVMsFrom, file=str(file))


def relax(*rules: str) -> Edit:
    """Documented rules do not bind.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.relax("guest-tools-installed")
        >>> str(edit), model.what_if(edit).policy.rules.relax
        ('relax guest-tools-installed', ('guest-tools-installed',))
    """
    return made(Relax, rules=rules)


def drop_group(name: str) -> Edit:
    """A group of the policy file is no more.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> apart = rb.scenarios.add_group("apart", "web", "web-000", "web-010")
        >>> later = model.what_if(apart, rb.scenarios.drop_group("web"))
        >>> later.policy.apart
        ()
    """
    return made(DropGroup, name=name)


def add_group(
    kind: str,
    name: str,
    *vms: str,
    hosts: tuple[str, ...] = (),
    at_most: int | None = None,
    domain: str | None = None,
    hard: bool = True,
) -> Edit:
    """VMs are kept `together`, `apart`, `spread` or `run_on`, as the policy file has it.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.add_group("apart", "web", "web-000", "web-010")
        >>> str(edit), model.what_if(edit).policy.apart[0].name
        ('add group web (apart): web-000, web-010', 'web')
    """
    return made(AddGroup, kind=kind, name=name, vms=vms, hosts=hosts, at_most=at_most, domain=domain, hard=hard)


def policy(changes: dict[str, object]) -> Edit:
    """Keys of the policy have other values: `{"objective.threshold": 0.6}`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> edit = rb.scenarios.policy({"objective.threshold": 0.6})
        >>> str(edit), model.what_if(edit).policy.objective.threshold
        ('set objective.threshold = 0.6', 0.6)
    """
    return SetPolicy.of(changes)


def merge(file: Path | str) -> Edit:
    """The pool in a snapshot file joins this one, by XAPI's rules for joins.

    Example:
        >>> import rebalancer as rb
        >>> str(rb.scenarios.merge("other.json.gz"))
        'merge the pool of other.json.gz'
    """
    return made(Merge, file=str(file))
