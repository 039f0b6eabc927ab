"""What XAPI's error codes say about the VM after a migration that failed (XAPI.md 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rebalancer.errors import CertificateMismatch, LoginRefused, RefusedByXapi, Unreachable, XapiError

_PASSING = (
    "CANNOT_CONTACT_HOST",
    "HOST_STILL_BOOTING",
    "OTHER_OPERATION_IN_PROGRESS",
    "TOO_MANY_",
    "VMS_FAILED_TO_COOPERATE",
)
_STARTING = frozenset({"HOST_HAS_NO_MANAGEMENT_IP", "HOST_STILL_BOOTING", "TOO_MANY_PENDING_TASKS"})
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


GONE: Final = frozenset({"HANDLE_INVALID", "UUID_INVALID"})
"""Codes that answer a look: the pool does not have the object."""

NOT_PERMITTED: Final = "RBAC_PERMISSION_DENIED"


def is_of_the_way(error: XapiError) -> bool:
    """Whether *error* is no answer to what was asked: the pool was not reached, or who answers is not to be trusted.

    A certificate that has changed, an address that leads elsewhere, and a login that is refused while a directory is
    away, may pass like a silence, and the migrations that run go on meanwhile.
    """
    if isinstance(error, RefusedByXapi):
        return is_starting((error.code, *error.params))
    return isinstance(error, Unreachable | CertificateMismatch | LoginRefused)


def is_passing(error: Sequence[str]) -> bool:
    """Whether the reason may be gone in a moment, so that one retry is worth it."""
    return bool(error) and error[0].startswith(_PASSING)


def is_starting(error: Sequence[str]) -> bool:
    """Whether XAPI is there and not ready to answer anything yet, as after a restart (XAPI.md 4.1)."""
    return bool(error) and error[0] in _STARTING


def is_late(error: Sequence[str]) -> bool:
    """Whether the migration had begun when it failed, so that the database may lag behind the VM."""
    return not error or error[0].startswith(_LATE)


def is_lost_at_the_end(error: Sequence[str]) -> bool:
    """Whether the VM probably runs on its target although the migration failed: the last handshake was lost."""
    return any(_LOST_AT_THE_END in each for each in error)
