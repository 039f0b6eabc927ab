"""What people are told about a step that did not end well, and what to do next (XAPI.md 4.6)."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.plan import Step
from rebalancer.xapi.words import told

NEXT_STEPS = {
    StepState.UNSENT: "The VM is where it was. Look at the reason, then resume",
    StepState.REFUSED: "The VM is where it was. Mend the cause and resume, or make a new plan",
    StepState.STAYED: "The VM runs where it was. Look at xensource.log of both hosts before you resume",
    StepState.HALTED: "Nothing is started again by itself: find out why it stopped, then start it with xe vm-start",
    StepState.ELSEWHERE: "Find out who moves VMs or disks (HA, Workload Balancing, people), then make a new plan",
    StepState.UNKNOWN: "Do not start or move the VM; look at xe task-list and at the VM on both hosts, then resume. "
    "Where that does not settle it, say what you saw: rebalancer resolve PLAN {step} URL --not-sent (or --moved)",
}
"""The next step after each outcome that ends a run; `{step}` is the id of the step."""


def what_happened(step: Step, looked: Looked) -> str:
    """One sentence about *step*."""
    return f"{named(step)}: {outcome_of(step, looked)}"


def outcome_of(step: Step, looked: Looked) -> str:
    """What became of *step*, which goes without saying."""
    noted = [_in_words(looked.error), looked.words]
    return _fact(step, looked) + "".join(f" ({each})" for each in noted if each)


def _in_words(error: Sequence[str]) -> str:
    """What XAPI's error means, with its code and what came with it, to be looked for in logs."""
    words = told(error[0], error[1:]) if error else None
    is_whole = words is not None and "?" not in words.problem  # XAPI sent all that the words name
    return f"{words.problem}: {' '.join(error)}" if words and is_whole else " ".join(error)


def named(step: Step) -> str:
    """A step as people find it in the plan."""
    there = f" of pool {step.crossing.pool_name}" if step.crossing else ""
    return f"step {step.id}, {step.vm_name} from {step.source_name} to {step.target_name}{there}"


def _fact(step: Step, looked: Looked) -> str:
    facts = {
        StepState.UNSENT: "nothing was sent",
        StepState.REFUSED: "XAPI refuses it",
        StepState.STAYED: f"the migration failed and the VM still runs on {step.source_name}{_remains(step)}",
        StepState.HALTED: f"the VM is {(looked.power_state or 'halted').lower()}",
        StepState.ELSEWHERE: _elsewhere(step, looked),
        StepState.UNKNOWN: "the pool does not tell where the VM ends up",
    }
    return facts[looked.state]


def _elsewhere(step: Step, looked: Looked) -> str:
    if looked.resident_on == step.target:
        return "the VM has arrived, and not all of its disks have"
    return f"the VM runs on host {looked.resident_on}, where this plan did not send it"


def _remains(step: Step) -> str:
    """What a Storage XenMotion that failed may leave behind (XAPI.md 4.6)."""
    srs = ", ".join(sorted({disk.target_name for disk in step.disks}))
    where = f"{srs} of {step.target_name}"
    return f"; copies of its disks may be left on {where}, and its CDs may be ejected" if srs else ""
