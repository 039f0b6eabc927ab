"""Instances of the format `xs-neutral/1` from a seed: `python -m benchmarks.generate 64x3000 --seed 1 --out FILE`.

A name says hosts and VMs, and how hard it is: nothing for room on receivers, `-c` for that with rules, `-h` for little
room, with rules of which one in three is broken. More hosts than a XenServer pool may have make several pools.
The figures of this file were read off the shared instances; `python -m benchmarks.shapes` compares.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rules import drawn_rules, tags_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOTS = 24
GIB = 1024**3
POOL_HOSTS = 64
"""Hosts of a XenServer pool at most (configuration limits of XenServer 8)."""

HOSTS = ((32, 256, 0.2), (48, 384, 0.2), (64, 512, 0.25), (32, 384, 0.1), (64, 768, 0.15), (96, 1024, 0.1))
"""Kinds of host: pCPUs, GiB, how often."""
VMS = (
    *((1, 2, 0.16), (2, 4, 0.22), (2, 8, 0.16), (4, 8, 0.15)),
    *((4, 16, 0.15), (8, 16, 0.06), (8, 32, 0.06), (16, 64, 0.04)),
)
"""Kinds of VM before all are scaled to fill the pool: vCPUs, GiB, how often."""
RESERVED_GIB, RESERVED_SHARE = 8, 0.01
BASE_SHARE, BASE_MORE = 0.03, 0.2
"""pCPUs that dom0 takes: a share of the host's, and up to so many more."""
OVERCOMMIT, MOST_VCPUS, BUSIEST = 2.2, 24, 0.98
"""vCPUs for a pCPU; vCPUs of a VM at most; share of its vCPUs that a VM uses at most."""

RHYTHMS = ((0.66, 13.5, 1.3), (0.19, 2.8, 1.3), (0.12, 20.0, 1.2), (0.03, 8.0, 6.0))
"""When VMs are busiest: share of VMs, hour, deviation in hours (the working day, nightly jobs, evenings, any time)."""
LEVEL_FLOOR, LEVEL_SIGMA = 0.28, 1.1
"""How busy VMs are beside each other: a constant and a log-normal part."""
RISE, WIDTH_HOURS, JITTER = 1.75, 2.4, 0.15
"""How much busier the busiest hour is, how long that lasts, and noise."""

MOST_MEMORY, MOST_CPU = 0.97, 0.995
"""Shares of a host's memory and of its pCPUs in any slot that the first placement fills at most."""
LOPSIDED, ATTRACTION = 0.4, 1.0
"""How unevenly hosts are filled, and how much busy VMs crowd on some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a name says: sizes; share of memory in use, of pCPUs in the busiest slot; with rules or without."""

    hosts: int
    vms: int
    memory: float
    cpu: float
    rules: bool

    @property
    def pools(self) -> int:
        """Pools, none larger than XenServer allows."""
        return -(-self.hosts // POOL_HOSTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Hosts of a pool; arrays by host, base load in pCPU."""

    cpus: Ints
    memory_bytes: Ints
    reserved_bytes: Ints
    base: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """VMs of a pool; arrays by VM, load in pCPU as vm x slot."""

    vcpus: Ints
    memory_bytes: Ints
    load: Floats


def shape_of(name: str) -> Shape:
    """The shape that *name* says, such as 64x3000 or 64x3000-h.

    Raises:
        ValueError: the name is none.
    """
    found = re.fullmatch(r"(\d+)x(\d+)(-[ch])?", name)
    if not found:
        raise ValueError(f"{name} is no shape: write hosts x VMs such as 64x3000, and -c or -h for rules")
    memory, cpu = (0.87, 0.72) if found[3] == "-h" else (0.75, 0.58)
    return Shape(hosts=int(found[1]), vms=int(found[2]), memory=memory, cpu=cpu, rules=found[3] is not None)


def generate(name: str, seed: int) -> dict[str, Any]:
    """The instance with this name and seed: same name and seed, same instance."""
    shape = shape_of(name)
    made: dict[str, Any] = {"format": "xs-neutral/1", "name": name, "seed": seed, "slots": SLOTS, "slot_minutes": 60}
    made |= {"hosts": [], "vms": [], "constraints": {"anti_affinity": [], "affinity": [], "pinned": []}}
    for pool in range(shape.pools):
        _add_pool(made, shape, pool, np.random.default_rng((seed, pool)))
    return made


def _add_pool(made: dict[str, Any], shape: Shape, pool: int, rng: np.random.Generator) -> None:
    """Draw one pool and append it to the instance."""
    machines = _machines(rng, _part(shape.hosts, shape.pools, pool))
    guests = _guests(rng, machines, shape, _part(shape.vms, shape.pools, pool))
    at = _placed(rng, machines, guests)
    hosts = [f"h{len(made['hosts']) + host:03}" for host in range(len(machines.cpus))]
    vms = [f"v{len(made['vms']) + vm:04}" for vm in range(len(at))]
    rules = drawn_rules(rng, dict(zip(vms, (hosts[host] for host in at), strict=True)), made["constraints"])
    tags = tags_of(rules if shape.rules else {})
    for index, host in enumerate(hosts):
        made["hosts"].append(_host(machines, index, host, pool))
    for index, vm in enumerate(vms):
        made["vms"].append(_vm(guests, index, vm, hosts[at[index]]) | {"tags": tags.get(vm, [])})
    for kind, found in rules.items() if shape.rules else ():
        made["constraints"][kind] += found


def _part(whole: int, parts: int, index: int) -> int:
    """The size of one of *parts* nearly equal parts of *whole*."""
    return whole * (index + 1) // parts - whole * index // parts


def _machines(rng: np.random.Generator, count: int) -> Machines:
    """Hosts of the usual kinds."""
    kinds = rng.choice(len(HOSTS), count, p=[kind[2] for kind in HOSTS])
    cpus = np.array([HOSTS[kind][0] for kind in kinds], dtype=np.int64)
    gib = np.array([HOSTS[kind][1] for kind in kinds], dtype=np.int64)
    return Machines(
        cpus=cpus,
        memory_bytes=gib * GIB,
        reserved_bytes=((RESERVED_GIB + RESERVED_SHARE * gib) * GIB).astype(np.int64),
        base=np.round(BASE_SHARE * cpus + rng.uniform(0.0, BASE_MORE, count), 3),
    )


def _guests(rng: np.random.Generator, machines: Machines, shape: Shape, count: int) -> Guests:
    """VMs of the usual kinds, scaled to the memory and the busiest slot that *shape* asks for."""
    kinds = rng.choice(len(VMS), count, p=[kind[2] for kind in VMS])
    vcpus = np.array([VMS[kind][0] for kind in kinds], dtype=np.float64)
    gib = np.array([VMS[kind][1] for kind in kinds], dtype=np.float64)
    room_gib = (machines.memory_bytes - machines.reserved_bytes).sum() / GIB
    vcpus = np.clip(np.round(vcpus * OVERCOMMIT * machines.cpus.sum() / vcpus.sum()), 1, MOST_VCPUS)
    quarters = np.maximum(1, np.round(gib * shape.memory * room_gib / gib.sum() * 4)).astype(np.int64)
    aim = shape.cpu * machines.cpus.sum() - machines.base.sum()
    return Guests(
        vcpus=vcpus.astype(np.int64),
        memory_bytes=quarters * (GIB // 4),
        load=_scaled(_days(rng, count), vcpus, aim),
    )


def _days(rng: np.random.Generator, count: int) -> Floats:
    """How busy VMs are, vm x slot, in no unit yet."""
    rhythm = rng.choice(len(RHYTHMS), count, p=[each[0] for each in RHYTHMS])
    hour = np.array([RHYTHMS[each][1] for each in rhythm]) + rng.standard_normal(count) * [
        RHYTHMS[each][2] for each in rhythm
    ]
    away = (np.arange(SLOTS) - hour[:, None] + SLOTS / 2) % SLOTS - SLOTS / 2
    level = LEVEL_FLOOR + rng.lognormal(0.0, LEVEL_SIGMA, count)
    rise = 1.0 + RISE * np.exp(-(away**2) / (2 * WIDTH_HOURS**2))
    return np.asarray(level[:, None] * rise * rng.lognormal(0.0, JITTER, rise.shape), dtype=np.float64)


def _scaled(days: Floats, vcpus: Floats, aim: float) -> Floats:
    """Load in pCPU, no VM above its vCPUs, that together reaches *aim* pCPUs in the busiest slot."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        above = _load(days, vcpus, middle).sum(axis=0).max() > aim
        low, high = (low, middle) if above else (middle, high)
    return _load(days, vcpus, low)


def _load(days: Floats, vcpus: Floats, factor: float) -> Floats:
    """pCPUs, to a thousandth."""
    return np.asarray(np.round(np.minimum(days * factor, BUSIEST) * vcpus[:, None], 3))


def _placed(rng: np.random.Generator, machines: Machines, guests: Guests) -> Ints:
    """A lopsided first placement: the host of each VM, large VMs first.

    Raises:
        ValueError: a VM fits nowhere; another seed may help.
    """
    count = len(machines.cpus)
    weight = machines.cpus * rng.lognormal(0.0, LOPSIDED, count)
    heat = rng.standard_normal(count)
    share = np.log(guests.load.max(axis=1) / guests.vcpus + 0.02)
    room = MOST_MEMORY * (machines.memory_bytes - machines.reserved_bytes)
    spare = (MOST_CPU * machines.cpus - machines.base)[:, None].repeat(SLOTS, axis=1)
    at = np.full(len(guests.vcpus), -1, dtype=np.int64)
    for vm in np.argsort(-guests.memory_bytes * rng.uniform(0.0, 2.0, len(at)), kind="stable"):
        fits = (guests.memory_bytes[vm] <= room) & (guests.load[vm] <= spare).all(axis=1)
        if not fits.any():
            raise ValueError(f"VM {vm} fits on no host")
        odds = weight * np.exp(ATTRACTION * heat * (share[vm] - share.mean())) * fits
        at[vm] = rng.choice(count, p=odds / odds.sum())
        room[at[vm]] -= guests.memory_bytes[vm]
        spare[at[vm]] -= guests.load[vm]
    return at


def _host(machines: Machines, index: int, name: str, pool: int) -> dict[str, Any]:
    """One host as the format writes it."""
    return {
        "id": name,
        "pool": f"pool{pool}",
        "cpus": int(machines.cpus[index]),
        "memory_bytes": int(machines.memory_bytes[index]),
        "memory_reserved_bytes": int(machines.reserved_bytes[index]),
        "master": index == 0,
        "base_cpu_profile": [float(machines.base[index])] * SLOTS,
    }


def _vm(guests: Guests, index: int, name: str, host: str) -> dict[str, Any]:
    """One VM as the format writes it, without tags."""
    return {
        "id": name,
        "host": host,
        "vcpus": int(guests.vcpus[index]),
        "memory_bytes": int(guests.memory_bytes[index]),
        "cpu_profile": guests.load[index].tolist(),
    }


def write_instance(instance: dict[str, Any], path: Path) -> None:
    """Write an instance, compressed where the name ends in .gz; same instance, same bytes."""
    body = json.dumps(instance, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(body, mtime=0) if path.suffix == ".gz" else body)


def main(arguments: list[str] | None = None) -> int:
    """Draw and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("shape", help="hosts x VMs, such as 64x3000, 64x3000-c with rules, 64x3000-h with little room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the file to write; compressed if it ends in .gz")
    chosen = parser.parse_args(arguments)
    write_instance(generate(chosen.shape, chosen.seed), chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
