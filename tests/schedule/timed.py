"""Four moves with a timetable, and random jobs as plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from rebalancer.inventory import Pool
from rebalancer.placement import DiskMove, Migration
from rebalancer.plan import Plan, Step, StepDisk, sealed
from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import Job
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, goal_of, plan_of, pool_with
from tests.pools import policy_of, problem_of

DISK = StepDisk(
    drive="xvda", disk="d", name="d", source="l1", source_name="l1", target="l2", target_name="l2", size_bytes=GIB
)
TRIP = DiskMove(drive="xvda", source="l1", target="l2")

WIDE = {"concurrent": 3, "in_per_host": 2, "out_per_host": 2}


def four_moves(**policy: Any) -> Plan:  # noqa: ANN401 - sections of a policy
    """Four VMs of 4 GiB, two on each of two hosts, to two others: they may run side by side."""
    pool = pool_with(
        {"h1": 20, "h2": 20, "h3": 20, "h4": 20},
        {"a": ("h1", 4), "b": ("h1", 4), "c": ("h2", 4), "d": ("h2", 4)},
    )
    problem = problem_of(pool, policy=policy_of(**policy))
    return plan_of(problem, goal_of(problem, a="h3", b="h4", c="h3", d="h4"))


def refused(plan: Plan) -> list[str]:
    """What is said against the plan once its digest fits again."""
    return [finding.rule for finding in verify_plan(sealed(plan), four_moves_pool(), now=LATER)]


def four_moves_pool() -> Pool:
    """The pool of `four_moves`."""
    return pool_with(
        {"h1": 20, "h2": 20, "h3": 20, "h4": 20},
        {"a": ("h1", 4), "b": ("h1", 4), "c": ("h2", 4), "d": ("h2", 4)},
    )


HOSTS = ("h1", "h2", "h3")


def job(ticks: int, source: str, target: str, *, carries: bool, after: tuple[int, ...] = ()) -> Job:
    """A migration over the management interfaces."""
    migration = Migration(vm="vm", source=source, target=target, disks=(TRIP,) if carries else ())
    return Job(migration=migration, ticks=ticks, after=after, network=None)


@st.composite
def jobs(draw: st.DrawFn, most: int = 6) -> tuple[Job, ...]:
    """A few migrations between three hosts with some relations."""
    found: list[Job] = []
    for number in range(draw(st.integers(1, most))):
        source, target = draw(st.sampled_from(list(permutations(HOSTS, 2))))
        after = tuple(sorted(draw(st.sets(st.integers(0, number - 1), max_size=2)))) if number else ()
        ticks, carries = draw(st.integers(1, 60)), draw(st.sampled_from([False, False, True]))
        found.append(job(ticks, source, target, carries=carries, after=after))
    return tuple(found)


limits_of = st.builds(
    LimitsPolicy,
    concurrent=st.integers(1, 3),
    in_per_host=st.integers(1, 2),
    out_per_host=st.integers(1, 2),
    per_link=st.sampled_from([None, 1, 2]),
)


def as_plan(task: Sequence[Job], starts: Sequence[int], limits: LimitsPolicy) -> Plan:
    """A plan with the times of a timetable."""
    base = four_moves()
    order = sorted(range(len(task)), key=lambda each: (starts[each], task[each].carries, each))
    steps = tuple(_step(base.steps[0], task[each], each, starts[each]) for each in order)
    policy = base.policy.model_copy(update={"limits": limits})
    return replace(base, steps=steps, rollback=(), made_from=replace(base.made_from, policy=policy))


def _step(like: Step, job: Job, number: int, start: int) -> Step:
    """A job as a step."""
    seconds = job.ticks / 10
    times: dict[str, Any] = {
        "seconds": seconds,
        "seconds_low": seconds,
        "seconds_high": seconds,
        "start_seconds": start / 10,
    }
    ways: dict[str, Any] = {
        "source": job.migration.source,
        "target": job.migration.target,
        "after": tuple(f"s{each:02}" for each in job.after),
    }
    return replace(like, id=f"s{number:02}", disks=(DISK,) if job.carries else (), **times, **ways)


def step_edited(plan: Plan, number: int, **changes: Any) -> Plan:  # noqa: ANN401 - any field of a step
    """The plan with one step changed."""
    steps = list(plan.steps)
    steps[number] = replace(steps[number], **changes)
    return replace(plan, steps=tuple(steps))


def schedule_edited(plan: Plan, **changes: Any) -> Plan:  # noqa: ANN401 - any field of a schedule
    """The plan with its schedule changed."""
    return replace(plan, schedule=replace(plan.schedule, **changes))
