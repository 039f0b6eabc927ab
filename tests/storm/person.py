"""A person after a storm, who does what the messages say until a plan is at an end that the docs know."""

from __future__ import annotations

from itertools import permutations

from rebalancer.execute import Seen
from rebalancer.plan import Plan
from tests.storm.conduct import step_of
from tests.storm.record import Run
from tests.storm.stage import Stage

ROUNDS = 6
"""How often a person tries."""
UNSETTLED = {"intended", "sent", "unknown"}
LONG_SECONDS = 900.0
"""How long a person waits before trying again what somebody else hinders."""

COMPLETE, NEW_PLAN, DEAD_END = "complete", "a new plan is needed", "dead end"


def look_after(stage: Stage, plan: Plan) -> str:
    """Bring *plan* to an end, and return which; a dead end is told to the judge."""
    for number in range(1, ROUNDS + 1):
        run = stage.carry_out(f"person {number}", plan, any_time=True)
        code = run.end[:1]
        if code == "0":
            stage.conduct.at_an_end(run)
            return COMPLETE
        if code == "4" or "make a new plan" in run.end.lower():
            stage.way_back()
            return NEW_PLAN
        if "is in both" in run.end:
            for here, there in permutations(stage.others, 2):
                here.remove_what_was_left(there.running)
        if not _can_start_what_is_off(stage, run):
            return NEW_PLAN
        if number > 1:
            _say_what_is_seen(stage, run)
        stage.time.sleep(LONG_SECONDS)
    stage.judge.blame(f"dead end: {run.end}")
    return DEAD_END


def states(stage: Stage, run: Run) -> dict[str, str]:
    """The last state of each step in the journal of *run*."""
    entries = [line.entry for line in stage.record.lines(run.journal)]
    return {entry["step"]: entry.get("state", entry["event"]) for entry in entries if entry.get("step")}


def _say_what_is_seen(stage: Stage, run: Run) -> None:
    """Look where the VMs are of whose steps nobody knows, and say so by `rebalancer resolve`."""
    for name, state in states(stage, run).items():
        where = stage.judge.places.where(step_of(run, name).vm)
        if state in UNSETTLED and not stage.judge.places.is_moving(step_of(run, name).vm):
            stage.resolve(run, name, Seen.MOVED if where == [step_of(run, name).target] else Seen.NOT_SENT)


def _can_start_what_is_off(stage: Stage, run: Run) -> bool:
    """Start VMs that halted on their way, on the host from which they were to go; whether XAPI starts all of them."""
    found = states(stage, run)
    halted = [step for step in run.plan.steps if found.get(step.id) == "halted"]
    return all(any(other.start(step.vm, step.source) for other in stage.others) for step in halted)
