"""Generated instances beside the shared ones, figure by figure: `python -m benchmarks.shapes`.

Each figure of a shared instance must lie within the range of the same figure over generated ones, widened by a third of
its width and the tolerance in FIGURES; prints a table and ends with 1 where one does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.generate import generate
from benchmarks.judge import broken_groups
from benchmarks.neutral import AREA_ABOVE, INSTANCES, Json, read_instance

SEEDS = range(1, 9)
GIB = 1024**3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """An instance as arrays: memory in GiB, load in pCPU by slot, host of each VM."""

    at: NDArray[np.int64]
    memory: Floats
    vcpus: Floats
    load: Floats
    cpus: Floats
    usable: Floats
    base: Floats

    def share(self) -> Floats:
        """How much of its pCPUs a host uses, host x slot."""
        used = self.base.copy()
        np.add.at(used, self.at, self.load)
        return np.asarray(used / self.cpus[:, None])

    def fill(self) -> Floats:
        """How much of its usable memory a host's VMs take."""
        return np.asarray(np.bincount(self.at, self.memory, len(self.cpus)) / self.usable)

    def busy(self) -> Floats:
        """The mean share of its vCPUs that a VM uses."""
        return np.asarray(self.load.mean(axis=1) / self.vcpus)

    def swing(self) -> Floats:
        """The busiest slot of each VM against its mean."""
        return np.asarray(self.load.max(axis=1) / self.load.mean(axis=1))


def arrays_of(instance: Json) -> Arrays:
    """The figures of an instance."""
    hosts, vms = instance["hosts"], instance["vms"]
    number = {host["id"]: index for index, host in enumerate(hosts)}
    return Arrays(
        at=np.array([number[vm["host"]] for vm in vms]),
        memory=np.array([vm["memory_bytes"] for vm in vms]) / GIB,
        vcpus=np.array([vm["vcpus"] for vm in vms], dtype=np.float64),
        load=np.array([vm["cpu_profile"] for vm in vms]),
        cpus=np.array([host["cpus"] for host in hosts], dtype=np.float64),
        usable=np.array([host["memory_bytes"] - host["memory_reserved_bytes"] for host in hosts]) / GIB,
        base=np.array([host["base_cpu_profile"] for host in hosts]),
    )


def _together_in_time(a: Arrays) -> float:
    """How alike one hour is to the next: the median over VMs of the correlation at a lag of one slot."""
    day = a.load - a.load.mean(axis=1, keepdims=True)
    return float(np.median((day[:, 1:] * day[:, :-1]).sum(axis=1) / np.maximum((day**2).sum(axis=1), 1e-9)))


FIGURES: dict[str, tuple[Callable[[Arrays], float], float]] = {
    "pool memory in use": (lambda a: float(a.memory.sum() / a.usable.sum()), 0.01),
    "pool CPU, busiest slot": (lambda a: float((a.share() * a.cpus[:, None]).sum(axis=0).max() / a.cpus.sum()), 0.01),
    "pool CPU, mean": (lambda a: float((a.share() * a.cpus[:, None]).mean(axis=1).sum() / a.cpus.sum()), 0.02),
    "vCPUs for a pCPU": (lambda a: float(a.vcpus.sum() / a.cpus.sum()), 0.15),
    "area per host": (lambda a: float(np.maximum(a.share() - AREA_ABOVE, 0).sum() / len(a.cpus)), 0.05),
    "hot hosts": (lambda a: float((a.share().max(axis=1) > AREA_ABOVE).mean()), 0.05),
    "host CPU, busiest slot, median": (lambda a: float(np.median(a.share().max(axis=1))), 0.05),
    "host memory in use, lowest quarter": (lambda a: float(np.quantile(a.fill(), 0.25)), 0.05),
    "host memory in use, median": (lambda a: float(np.median(a.fill())), 0.05),
    "host memory in use, most": (lambda a: float(a.fill().max()), 0.005),
    "VM GiB, median to mean": (lambda a: float(np.median(a.memory) / a.memory.mean()), 0.05),
    "VM GiB, largest to mean": (lambda a: float(a.memory.max() / a.memory.mean()), 0.3),
    "VM busy, lowest 5 %": (lambda a: float(np.quantile(a.busy(), 0.05)), 0.01),
    "VM busy, median": (lambda a: float(np.median(a.busy())), 0.02),
    "VM busy, highest 5 %": (lambda a: float(np.quantile(a.busy(), 0.95)), 0.1),
    "VM peak to mean, median": (lambda a: float(np.median(a.swing())), 0.1),
    "VM hour like the next": (_together_in_time, 0.05),
}
"""What is compared, and by how much it may differ."""


def rules_of(instance: Json) -> tuple[int, ...]:
    """Groups apart, how many of them are broken, groups together, pinned VMs."""
    rules = instance["constraints"]
    broken = broken_groups(instance, {vm["id"]: vm["host"] for vm in instance["vms"]})
    return len(rules["anti_affinity"]), broken, len(rules["affinity"]), len(rules["pinned"])


def main() -> int:
    """Print the table; 1 where a shared figure lies outside."""
    paths = sorted(INSTANCES.glob("*.json.gz"))
    if not paths:
        print(f"no instances in {INSTANCES}; set REBALANCER_SHARED_DATA")
    results = [compared(read_instance(path)) for path in paths]
    return int(not all(results))


def compared(shared: Json) -> bool:
    """One shared instance beside generated ones of its name; whether all figures fit."""
    twins = [generate(shared["name"], seed) for seed in SEEDS]
    print(f"\n{shared['name']:36} {'shared':>8} {'generated':>18}")
    own, others = arrays_of(shared), [arrays_of(twin) for twin in twins]
    results = [_figure(name, own, others) for name in FIGURES]
    print(f"  {'rules: apart, broken, together, pinned':36} {rules_of(shared)} {rules_of(twins[0])}")
    return all(results)


def _figure(name: str, own: Arrays, others: list[Arrays]) -> bool:
    """One row of the table; whether the figure fits."""
    of, tolerance = FIGURES[name]
    value, found = of(own), [of(other) for other in others]
    slack = tolerance + (max(found) - min(found)) / 3
    fits = min(found) - slack <= value <= max(found) + slack
    print(f"  {name:34} {value:8.3f} {min(found):8.3f} to {max(found):6.3f}  {'' if fits else 'DIFFERS'}")
    return fits


if __name__ == "__main__":
    sys.exit(main())
