"""Scripts for the migration of VM b from h1 to h3: every way in which a step can end."""

from __future__ import annotations

from rebalancer.execute.journal.outcome import StepState
from rebalancer.xapi import TaskStatus
from tests.execute.case import DOWN, LOST, refusal
from tests.execute.scripted import Script

OUTCOMES: dict[str, tuple[Script, StepState, str]] = {
    "refused by the call": (Script(send=refusal("VM_LACKS_FEATURE", "b")), StepState.REFUSED, "XAPI refuses it"),
    "refused by the task": (
        Script(status=TaskStatus.FAILURE, error=("HOST_NOT_ENOUGH_FREE_MEMORY", "2", "1"), lands="h1"),
        StepState.REFUSED,
        "HOST_NOT_ENOUGH_FREE_MEMORY 2 1",
    ),
    "failed late": (
        Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "End_of_file"), lands="h1"),
        StepState.STAYED,
        "still runs on h1",
    ),
    "halted": (
        Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "End_of_file"), lands=None),
        StepState.HALTED,
        "the VM is halted",
    ),
    "elsewhere": (Script(lands="h2"), StepState.ELSEWHERE, "runs on host h2"),
    "cancelled by a toolstack restart": (Script(status=TaskStatus.CANCELLED, lands="h1"), StepState.STAYED, "failed"),
    "handshake lost": (
        Script(
            status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "Failed during Synchronisation point 4"), lands="h1"
        ),
        StepState.UNKNOWN,
        "does not tell",
    ),
    "never ends": (Script(polls=10**6, uncancellable=True), StepState.UNKNOWN, "does not tell"),
    "hangs, then cancelled": (Script(polls=10**6), StepState.STAYED, "failed"),
}

MOVED_ALL_THE_SAME = {
    "no answer, but taken": Script(send=LOST, taken=True, polls=20),
    "task failed after the switch-over": Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "handshake")),
    "task cancelled by a toolstack restart": Script(status=TaskStatus.CANCELLED),
    "task vanished": Script(status=TaskStatus.VANISHED),
}

PASSING = {
    "busy": Script(send=refusal("OTHER_OPERATION_IN_PROGRESS", "VM", "b")),
    "host is busy says the dry run": Script(refused=refusal("OTHER_OPERATION_IN_PROGRESS", "host", "h3")),
    "host boots": Script(status=TaskStatus.FAILURE, error=("HOST_STILL_BOOTING",), lands="h1"),
    "too many": Script(status=TaskStatus.FAILURE, error=("TOO_MANY_PENDING_TASKS",), lands="h1"),
    "does not balloon": Script(status=TaskStatus.FAILURE, error=("VMS_FAILED_TO_COOPERATE", "b"), lands="h1"),
    "never sent": Script(send=DOWN),
}

LAGGING = {
    "no answer": Script(send=LOST),
    "task cancelled": Script(status=TaskStatus.CANCELLED, lands="h1"),
    "task failed late": Script(status=TaskStatus.FAILURE, error=("INTERNAL_ERROR", "handshake"), lands="h1"),
}
