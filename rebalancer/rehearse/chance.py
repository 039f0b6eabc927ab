"""What chance decides in a rehearsal: how long each step takes, and what goes wrong; the same seed decides the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step
from rebalancer.simulator import FAULTS, Fault, SimulatedPool, draw

OF_ALL: Final = 0.5
"""How much of a step's luck it shares with all others of its run: they go over the same network."""

CALLS_A_STEP: Final = 50
"""How many calls a step takes at least; a run reads the whole pool before each."""


def lengths(plan: Plan, random: Random) -> Mapping[tuple[Uuid, Uuid], float]:
    """{(VM, target): seconds} of every step, between the least and the most that the plan expects of it."""
    common = random.random()
    return {
        (step.vm, step.target): _seconds(step, OF_ALL * common + (1.0 - OF_ALL) * random.random())
        for step in plan.steps
    }


def _seconds(step: Step, luck: float) -> float:
    """Seconds of *step* at a luck of 0 to 1: half of all are shorter than it likely takes, half are longer."""
    low, likely, high = step.seconds_low, step.seconds, step.seconds_high
    if luck < 0.5:  # noqa: PLR2004 - the middle
        return low + (likely - low) * luck * 2
    return likely + (high - likely) * (luck - 0.5) * 2


def fault_for(plan: Plan, kind: str, pool: SimulatedPool, random: Random) -> Fault:
    """A fault of a kind that has an occasion while *plan* is carried out: its VMs, its steps, its calls, its time."""
    moving = {step.vm for step in plan.steps}
    rows = pool.records["VM"].items()
    vms = {ref: each for ref, each in rows if each["uuid"] in moving or each["power_state"] != "Running"}
    fault = draw(random, {**pool.records, "VM": vms}, [kind])
    steps = len(plan.steps)
    skip = 0 if "vm" in fault.about else fault.skip % (steps if fault.lasts == 0.0 else CALLS_A_STEP * steps)
    after = round(random.uniform(0.0, plan.schedule.seconds), 1) if fault.after > 0.0 else 0.0
    return replace(fault, skip=skip, after=after)


def kinds_for(plan: Plan, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the *wanted* kinds of faults that can befall *plan*: disks fail where disks move."""
    operations = {"migrate_send" if step.disks else "pool_migrate" for step in plan.steps}
    return tuple(name for name in wanted if FAULTS[name].operation in {None, *operations})
