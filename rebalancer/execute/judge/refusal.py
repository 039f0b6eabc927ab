"""What XAPI's error codes say about the VM after a migration that failed (XAPI.md 4.6)."""

from __future__ import annotations

from collections.abc import Sequence

_PASSING = (
    "CANNOT_CONTACT_HOST",
    "HOST_STILL_BOOTING",
    "OTHER_OPERATION_IN_PROGRESS",
    "TOO_MANY_",
    "VMS_FAILED_TO_COOPERATE",
)
_LATE = (
    "BALLOONING_TIMEOUT_BEFORE_MIGRATION",
    "INTERNAL_ERROR",
    "MIRROR_FAILED",
    "SR_BACKEND_FAILURE",
    "TASK_CANCELLED",
    "VDI_COPY_FAILED",
    "VMS_FAILED_TO_COOPERATE",
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT",
    "VM_MIGRATE_",
    "VM_SUSPEND_TIMEOUT",
    "XAPI_HOOK_FAILED",
)
_LOST_AT_THE_END = "Synchronisation point 4"


def is_passing(error: Sequence[str]) -> bool:
    """Whether the reason may be gone in a moment, so that one retry is worth it."""
    return bool(error) and error[0].startswith(_PASSING)


def is_starting(error: Sequence[str]) -> bool:
    """Whether XAPI is there and not ready to answer anything yet, as after a restart (XAPI.md 4.1)."""
    return bool(error) and error[0] == "HOST_STILL_BOOTING"


def is_late(error: Sequence[str]) -> bool:
    """Whether the migration had begun when it failed, so that the database may lag behind the VM."""
    return not error or error[0].startswith(_LATE)


def is_lost_at_the_end(error: Sequence[str]) -> bool:
    """Whether the VM probably runs on its target although the migration failed: the last handshake was lost."""
    return any(_LOST_AT_THE_END in each for each in error)
