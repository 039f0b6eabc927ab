"""How many more VMs fit, beside a greedy of the kind of Ganeti's hspace: `python -m benchmarks.fit [INSTANCE ...]`.

The greedy starts VMs one after another, moves nobody, and takes each time the host on which the load and the memory of
all hosts then differ least, as hspace's cluster score does; a host that would leave too little for a failure is none.
Both count by the same rules. Prints a row for each instance, with hosts to spare and without, and ends with 1 where the
greedy fits more, or where the gap is above 5 % and not known to be: docs/benchmarks.md says where it is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.neutral import INSTANCES, pools, problem_of, read_instance
from rebalancer.inventory import VM, DomainType, GuestMetrics, Uuid
from rebalancer.objectives import host_load
from rebalancer.problem import Problem, make_problem
from rebalancer.whatif import Shape
from rebalancer.whatif.fit.fit import fit
from rebalancer.whatif.fit.question import limited, spared
from rebalancer.whatif.newcomers.newcomer import newcomers
from rebalancer.whatif.newcomers.starts import Starts

NAMES = ("16x250", "16x250-c", "16x250-h")
SHAPE = Shape(vcpus=4, memory_gib=8, load=1.5)
SECONDS = 10.0
GAP = 0.05
WIDE = {("16x250-h", 1)}
"""Instances, and hosts to spare, of which the gap is known to be above that."""


def usual(problem: Problem) -> Problem:
    """The problem of an instance, with what the format leaves out and a start asks for: virtualisation, guest tools."""
    pool = problem.pool
    hosts = {uuid: replace(host, capabilities=("hvm-3.0-x86_64",)) for uuid, host in pool.hosts.items()}
    vms: Mapping[Uuid, VM] = {
        uuid: replace(vm, domain_type=DomainType.HVM, guest_metrics=TOOLS) for uuid, vm in pool.vms.items()
    }
    return make_problem(replace(pool, hosts=hosts, vms=vms), problem.demand, problem.policy)


TOOLS = GuestMetrics(
    pv_drivers_version={"major": "9", "minor": "3"},
    pv_drivers_detected=True,
    other={"feature-suspend": "1"},
    os_version={},
    networks={},
)


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """What hosts hold, as shares of what they have: pCPUs in the busiest slot, and bytes."""

    load: NDArray[np.float64]
    memory: NDArray[np.float64]

    def order(self, pcpus: NDArray[np.float64], size: NDArray[np.float64]) -> list[int]:
        """Hosts in the order of how unlike all are with one more there; what it takes of each host is given."""
        added = np.eye(len(self.load))
        loads, held = self.load + added * pcpus, self.memory + added * size
        return [int(host) for host in np.argsort(loads.std(axis=1) + held.std(axis=1), kind="stable")]

    def add(self, host: int, pcpus: NDArray[np.float64], size: NDArray[np.float64]) -> None:
        """One more is on a host."""
        self.load[host] += pcpus[host]
        self.memory[host] += size[host]


def greedy(problem: Problem, shape: Shape, most: int) -> int:
    """How many of *shape* start one after another, nobody being moved, *most* at most."""
    coming = newcomers(shape, most, problem.pool)
    starts, hosts = Starts(problem, coming), list(problem.pool.hosts)
    capacities = np.array([problem.cpu_capacity(host) or 1.0 for host in problem.pool.hosts.values()])
    memory = np.array([float(host.memory_total_bytes or 1) for host in problem.pool.hosts.values()])
    held = np.zeros(len(hosts))
    for vm, host in problem.initial.host_of.items():
        held[hosts.index(host)] += problem.pool.vms[vm].migration_memory_bytes
    cluster = Cluster(load=host_load(problem.initial, problem).max(axis=1) / capacities, memory=held / memory)
    pcpus = max(shape.hourly) / capacities
    for count, newcomer in enumerate(coming):
        size, vm = newcomer.vm.memory.static_max_bytes / memory, newcomer.vm.uuid
        chosen = next((host for host in cluster.order(pcpus, size) if not starts.against(vm, hosts[host])), None)
        if chosen is None:
            return count
        starts.joined(vm, hosts[chosen])
        cluster.add(chosen, pcpus, size)
    return most


def main(names: list[str] | None = None) -> int:
    """One row for each instance, and with a host to spare another."""
    missed = 0
    for name in (sys.argv[1:] if names is None else names) or NAMES:
        for part in pools(read_instance(INSTANCES / f"{name}.json.gz")):
            for spare in (0, 1):
                missed += _row(name, usual(problem_of(part, seconds=SECONDS, seed=1)), spare)
    return int(missed > 0)


def _row(name: str, problem: Problem, spare: int) -> int:
    started = time.perf_counter()
    found = fit(problem, [SHAPE], spare=spare, seconds=SECONDS)
    took = time.perf_counter() - started
    still = fit(problem, [SHAPE], spare=spare, rearrange=False, seconds=SECONDS)
    other = greedy(limited(spared(problem, spare)), SHAPE, found.bound)
    wide = found.gap > GAP
    missed = other > found.count or (wide and (name, spare) not in WIDE)
    moved = f"moved {found.count:4} ({len(found.moves)} moves)   bound {found.bound:4}   gap {found.gap:6.1%}"
    row = f"{name:10} spare {spare}   greedy {other:4}   nobody moved {still.count:4}   {moved}   {took:5.1f} s"
    print(f"{row}{'   MISSED' if missed else '   wide' if wide else ''}", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
