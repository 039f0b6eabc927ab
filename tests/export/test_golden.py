"""A plan as it is written, byte for byte. `python -m tests.export.test_golden` writes plan and schema anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.export import plan_schema
from rebalancer.export.manifest import WRITERS
from rebalancer.plan import Plan, sealed
from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, MADE_AT, demand_of, pool_with
from tests.pools import policy_of, problem_of

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(__file__).resolve().parents[2] / "rebalancer" / "export" / "plan.schema.json"


def golden_plan() -> Plan:
    """Something of everything: a hot host, a pair to part, a VM that stays; solved with the default seed."""
    pool = pool_with(
        {"h1": 40, "h2": 30, "h3": 30},
        {
            "app|1": ("h1", 8),
            "batch": ("h1", 12),
            "pinned": ("h1", 4),
            "web-1": ("h2", 6),
            "web-2": ("h2", 4),
            "mail": ("h3", 10),
        },
    )
    demand = demand_of(pool, {"app|1": 6.0, "batch": 5.0, "pinned": 14.0, "web-1": 2.0, "web-2": 2.0, "mail": 3.0})
    policy = policy_of(
        name="nightly", apart=[{"name": "web", "vms": ["web-1", "web-2"]}], never_move=["pinned"], rules={"relax": []}
    )
    plan = rebalance(Rulebook.of(problem_of(pool, demand=demand, policy=policy)), made_at=MADE_AT)
    assert verify_plan(plan, pool, demand, now=LATER) == ()
    versions = dict.fromkeys(plan.made_from.versions, "0")
    return sealed(replace(plan, made_from=replace(plan.made_from, versions=versions)))


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_plan_is_written_byte_for_byte(name: str) -> None:
    """The same input gives what is kept here, up to the versions of the packages that made it."""
    assert WRITERS[name](golden_plan()).encode() == (GOLDEN / name).read_bytes()


def write_golden() -> None:
    """Write the files that the test compares with."""
    GOLDEN.mkdir(exist_ok=True)
    for name, text in WRITERS.items():
        (GOLDEN / name).write_bytes(text(golden_plan()).encode())
    SCHEMA.write_text(json.dumps(plan_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
