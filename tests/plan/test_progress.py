"""How far a plan has come, asked of pools as they are between its steps."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.placement import Placement
from rebalancer.plan import StepDisk
from rebalancer.plan.progress import Way, made_already, ways
from rebalancer.problem import pool_at
from tests.plan.made import goal_of, plan_of, pool_with
from tests.pools import problem_of

PROBLEM = problem_of(pool_with({"h1": 16, "h2": 16}, {"a": ("h1", 4), "b": ("h2", 4)}))
PLAN = plan_of(PROBLEM, goal_of(PROBLEM, a="h2", b="h1"))


def test_steps_count_as_made_by_where_vms_are() -> None:
    """Nothing is made at first, then one step, then both."""
    first, second = PLAN.steps
    after_one = pool_at(PROBLEM.pool, Placement({first.vm: first.target}))
    after_both = pool_at(after_one, Placement({second.vm: second.target}))
    assert made_already(PLAN, PROBLEM.pool) == frozenset()
    assert made_already(PLAN, after_one) == {first.id}
    assert made_already(PLAN, after_both) == {first.id, second.id}


def test_a_disk_that_moves_twice_began_where_its_first_step_takes_it_from() -> None:
    """Before the first step it is on the first SR, after one on the second, after both on the third."""
    step = ways(PLAN)[0].steps[0]
    disk = StepDisk(
        drive="d", disk="v", name="", source="s1", source_name="", target="s2", target_name="", size_bytes=1
    )
    way = Way((replace(step, disks=(disk,)), replace(step, disks=(replace(disk, source="s2", target="s3"),))))
    assert [way.place(count).srs_of[way.vm]["d"] for count in range(3)] == ["s1", "s2", "s3"]
