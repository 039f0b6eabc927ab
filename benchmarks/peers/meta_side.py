"""Meta's Rebalancer on one pool, JSON in and JSON out, in an environment of its own: its package is called like ours.

    python benchmarks/peers/meta_side.py < pool.json > assignment.json

Local search with single moves and swaps. First comes load above the limits, all slots summed, then GiB moved; what
hosts may hold and where VMs may go are constraints.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

MOVES: tuple[dict[str, Any], ...] = ({"singleMoveTypeSpec": {}}, {"swapMoveTypeSpec": {}})


def solved(pool: dict[str, Any]) -> dict[str, str]:
    """The host of every unit."""
    solver = import_module("rebalancer").ProblemSolver(service_name="rebalancer", service_scope="benchmark")
    solver.set_object_name("vm").set_container_name("host").set_assignment(pool["assignment"])
    for number, family in enumerate(pool["families"]):
        name = f"family{number}"
        solver.add_object_dimension(name, family["weights"]).add_container_dimension(name, family["room"])
        capacity = {"name": name, "scope": "host", "dimension": name}
        solver.add_constraint({"capacitySpec": capacity})
    if pool["avoid"]:
        avoided = [{"object": vm, "scopeItems": hosts} for vm, hosts in pool["avoid"].items()]
        solver.add_constraint({"avoidAssignmentsSpec": {"name": "rules", "scope": "host", "assignments": avoided}})
    for number, slot in enumerate(pool["slots"]):
        name = f"slot{number}"
        solver.add_object_dimension(name, slot["load"]).add_container_dimension(name, slot["room"])
        solver.add_goal({"capacitySpec": {"name": name, "scope": "host", "dimension": name}}, weight=1.0, tuple_pos=0)
    solver.add_object_dimension("gib", pool["gib"])
    movement = {"name": "gib", "scope": "host", "dimension": "gib"}
    solver.add_goal({"minimizeMovementSpec": movement}, weight=1.0, tuple_pos=1)
    solver.add_solver({"localSearchSolverSpec": {"solveTime": pool["seconds"], "moveTypeList": [*MOVES]}})
    assignment: dict[str, str] = solver.solve()["assignment"]
    return assignment


if __name__ == "__main__":
    json.dump(solved(json.load(sys.stdin)), sys.stdout)
