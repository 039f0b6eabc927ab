"""Pools made up from a seed: realistic records of any size, with load that makes some hosts hot.

The same arguments give the same bytes, on every machine and in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from rebalancer.simulator.generate import guests, loads, traits
from rebalancer.simulator.generate.builder import GIB, Builder
from rebalancer.simulator.generate.fabric import Fabric, build_fabric
from rebalancer.simulator.state.pool import SimulatedPool

DOM0_AND_XEN = 5 * GIB


def generate_pool(
    *,
    hosts: int = 16,
    vms: int = 250,
    seed: int = 1,
    fill: float = 0.75,
    hot: float = 0.25,
    pinned: float = 0.08,
    local: float = 0.0,
    cpus: int = 32,
    largest_gib: int = 64,
    days: int = 7,
    restless: bool = False,
) -> SimulatedPool:
    """A pool of equal hosts with guests, templates, snapshots, switched-off VMs and a load.

    Example:
        >>> import rebalancer as rb
        >>> pool = rb.simulator.generate_pool(hosts=4, vms=20, seed=7)
        >>> len(pool.records["host"])
        4

    Args:
        hosts: how many hosts; the first is the coordinator.
        vms: how many running guests.
        seed: the same arguments give the same pool.
        fill: share of the hosts' memory for guests that the running guests take, 0 to 0.95.
        hot: share of the hosts, from the first on, that come near all their pCPUs at some hour of the day.
        pinned: share of the guests that may not move, for reasons that take turns.
        local: share of the guests whose disk is on the local storage of their host.
        cpus: logical CPUs of each host.
        largest_gib: memory of the largest guests, GiB.
        days: length of the load, which then repeats.
        restless: whether guests are busier on some days than on others, so that other hosts become hot.

    Raises:
        ValueError: sizes that make no pool.
    """
    if hosts < 1 or vms < 1 or not 0.0 < fill <= 0.95:  # noqa: PLR2004 - stated above
        raise ValueError("a pool needs hosts, VMs and a fill up to 0.95")
    builder = Builder(seed)
    sizes = guests.draw_sizes(builder, vms, largest_gib)
    needed = sum(size.memory_bytes + guests.overhead(size) for size in sizes)
    room = max(needed / (hosts * fill), max(size.memory_bytes for size in sizes) * 1.2)
    memory = -(-int(room + DOM0_AND_XEN) // (4 * GIB)) * 4 * GIB
    disks = sum(size.disk_bytes for size in sizes)
    fabric = build_fabric(builder, hosts=hosts, cpus=cpus, memory_bytes=memory, disk_bytes=disks)
    homes = guests.place(builder, sizes, fabric.hosts, memory - DOM0_AND_XEN)
    at_home = set(Random(seed).sample(range(vms), round(local * vms)))
    running = [
        guests.running_guest(builder, fabric, number, size, host, local=number in at_home)
        for number, (size, host) in enumerate(zip(sizes, homes, strict=True))
    ]
    _tie(builder, fabric, running, pinned)
    _add_sleepers(builder, fabric, running, largest_gib)
    _settle_memory(builder)
    load, base = _load(
        builder, fabric, running, days=days, seed=seed, hot=round(hot * hosts), cpus=cpus, restless=restless
    )
    return SimulatedPool(records=builder.link(), load=load, host_load=base, load_step_seconds=loads.STEP_SECONDS)


def practice_pool(*, hosts: int = 16, vms: int = 250, seed: int = 1, days: int = 14) -> SimulatedPool:
    """A pool to rehearse nights on: guests are busier on some days than on others.

    Example:
        >>> import rebalancer as rb
        >>> pool = rb.simulator.practice_pool(hosts=4, vms=20, days=3)
        >>> len(pool.records["host"])
        4

    Raises:
        ValueError: sizes that make no pool.
    """
    return generate_pool(hosts=hosts, vms=vms, seed=seed, days=days, restless=True)


def demo_pool() -> SimulatedPool:
    """The pool of the demo: five hosts, three of them hot at different hours, some guests held in place.

    Example:
        >>> import rebalancer as rb
        >>> pool = rb.simulator.demo_pool()
        >>> sorted(host["name_label"] for host in pool.records["host"].values())
        ['alder', 'ash', 'aspen', 'beech', 'birch']
    """
    return generate_pool(hosts=5, vms=45, seed=7, fill=0.65, hot=0.6, pinned=0.16, cpus=16, largest_gib=16)


def local_pool() -> SimulatedPool:
    """A pool like the demo's whose guests have their disks on local storage, but for every fifth.

    Example:
        >>> import rebalancer as rb
        >>> pool = rb.simulator.local_pool()
        >>> sum(not sr["shared"] and sr["content_type"] == "user" for sr in pool.records["SR"].values())
        5
    """
    return generate_pool(hosts=5, vms=45, seed=7, fill=0.65, hot=0.6, local=0.8, cpus=16, largest_gib=16)


def annex_pool() -> SimulatedPool:
    """A pool to stand beside the demo's: three hosts with room, their names and those of the guests its own.

    Example:
        >>> import rebalancer as rb
        >>> len(rb.simulator.annex_pool().records["host"])
        3
    """
    pool = generate_pool(hosts=3, vms=9, seed=11, fill=0.3, hot=0.0, pinned=0.0, cpus=16, largest_gib=16)
    for cls in ("pool", "host", "VM"):
        for record in pool.records[cls].values():
            record["name_label"] = "annex" if cls == "pool" else f"annex-{record['name_label']}"
    return pool


def _tie(builder: Builder, fabric: Fabric, running: Sequence[str], pinned: float) -> None:
    count = round(pinned * len(running))
    for turn, vm in enumerate(sorted(builder.random.sample(list(running), count))):
        traits.PINNING[turn % len(traits.PINNING)](builder, fabric, vm)
    for vm in builder.random.sample(list(running), len(running) // 20):
        if not any(v["VM"] == vm and not v["empty"] and v["type"] == "CD" for v in builder.records["VBD"].values()):
            traits.inserted_iso(builder, fabric, vm)
    for name, role in (("web servers", "web"), ("databases", "db")):
        members = [vm for vm in running if builder.get("VM", vm)["name_label"].startswith(role)]
        if len(members) > 1:
            traits.keep_apart(builder, name, members[: max(2, len(fabric.hosts) - 2)])
    caches = [vm for vm in running if builder.get("VM", vm)["name_label"].startswith("cache")]
    traits.tag(builder, "xo:load:balancer:anti-affinity=cache", caches[: max(2, len(fabric.hosts) // 2)])
    traits.tag(builder, "xo:load:balancer:ignore", running[-1:])


def _add_sleepers(builder: Builder, fabric: Fabric, running: Sequence[str], largest_gib: int) -> None:
    for name in guests.TEMPLATES:
        guests.template(builder, name)
    for vm in builder.random.sample(list(running), max(1, len(running) // 20)):
        guests.snapshot(builder, vm)
    count = max(1, len(running) // 15)
    for number, size in enumerate(guests.draw_sizes(builder, count, largest_gib), start=len(running)):
        guests.halted_guest(builder, fabric, number, size)


def _settle_memory(builder: Builder) -> None:
    for ref, host in builder.records["host"].items():
        metrics = builder.get("host_metrics", host["metrics"])
        here = [vm for vm in builder.records["VM"].values() if vm["resident_on"] == ref]
        used = sum(int(vm["memory_dynamic_min"]) + int(vm["memory_overhead"]) for vm in here)
        metrics["memory_free"] = str(int(metrics["memory_total"]) - int(host["memory_overhead"]) - used)


def _load(
    builder: Builder,
    fabric: Fabric,
    running: Sequence[str],
    *,
    days: int,
    seed: int,
    hot: int,
    cpus: int,
    restless: bool,
) -> tuple[dict[str, list[float | None]], dict[str, list[float | None]]]:
    rng = np.random.default_rng(seed)
    records = [builder.get("VM", vm) for vm in running]
    homes = np.array([fabric.hosts.index(record["resident_on"]) for record in records])
    shares = loads.model_shares(rng, loads.peak_hours(rng, homes, hot), days)
    base = loads.base_loads(rng, len(fabric.hosts), days)
    vcpus = np.array([float(record["VCPUs_max"]) for record in records])
    used = loads.heated(rng, shares=shares, vcpus=vcpus, guest_hosts=homes, base=base, cpus=cpus, hot=hot)
    if restless:
        used = np.minimum(used * loads.restless(rng, len(used), days), loads.CEILING * vcpus[:, None])
    return _rounded(records, used), _rounded([builder.get("host", ref) for ref in fabric.hosts], base)


def _rounded(records: Sequence[dict[str, Any]], values: loads.Array) -> dict[str, list[float | None]]:
    rows = values.tolist()
    return {record["uuid"]: [round(value, 4) for value in row] for record, row in zip(records, rows, strict=True)}
