"""proxlb-solver (credativ, GPL-3.0, which only the extra `bench` brings): CP-SAT for Proxmox, called as users call it.

It knows one moment: it gets the slot with most overload. Its limit on vCPUs is opened, because the instances have none.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np
from proxlb_solver.models import VM, Balancing, Cluster, Constraints, Expect, Node
from proxlb_solver.solver import solve_reachable

from benchmarks.migrations import Migration
from benchmarks.neutral import AREA_ABOVE, Json

NO_VCPU_LIMIT = 100.0


def proxlb(instance: Json, *, level: int, seconds: float) -> tuple[dict[str, str], list[Migration]]:
    """Its placement, and the migrations of its plan as it would make them; level 1 (calm) to 5 (eager)."""
    cluster = _cluster(instance, level, _hottest_slot(instance))
    with contextlib.redirect_stdout(io.StringIO()):
        solution, plan = solve_reachable(cluster, total_time_limit_s=seconds)
    migrations = [each for step in plan.steps for each in step.migrations]
    moves = [Migration(vm=each.vm, source=each.source, target=each.target) for each in migrations]
    return dict(solution.placements), moves


def _hottest_slot(instance: Json) -> int:
    """The slot with most overload at the start."""
    number = {host["id"]: index for index, host in enumerate(instance["hosts"])}
    used = np.array([host["base_cpu_profile"] for host in instance["hosts"]])
    for vm in instance["vms"]:
        used[number[vm["host"]]] += vm["cpu_profile"]
    cpus = np.array([host["cpus"] for host in instance["hosts"]])
    return int(np.maximum(used / cpus[:, None] - AREA_ABOVE, 0.0).sum(axis=0).argmax())


def _cluster(instance: Json, level: int, slot: int) -> Cluster:
    """The instance in *slot*, in the words of Proxmox."""
    rules = instance["constraints"]
    return Cluster(
        name=instance["name"],
        description="",
        balancing=Balancing(method="cpu", mode="used", balanciness=level, cpu_overcommit=NO_VCPU_LIMIT),
        nodes=[
            Node(
                name=host["id"],
                cpu_total=host["cpus"],
                memory_total=host["memory_bytes"],
                memory_reserve=host["memory_reserved_bytes"],
            )
            for host in instance["hosts"]
        ],
        vms=[
            VM(
                name=vm["id"],
                node=vm["host"],
                cpu=vm["vcpus"],
                memory=vm["memory_bytes"],
                cpu_usage=vm["cpu_profile"][slot],
            )
            for vm in instance["vms"]
        ],
        constraints=Constraints(
            affinity=[{**group, "hard": True} for group in rules["affinity"]],
            anti_affinity=[{**group, "hard": True} for group in rules["anti_affinity"]],
            pin=[{"vm": pin["vm"], "nodes": pin["hosts"]} for pin in rules["pinned"]],
        ),
        expect=Expect(),
    )
