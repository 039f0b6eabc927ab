"""XAPI's error codes in words: what happened, and what to do, at login, when reading, when a VM is to move or start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rebalancer.units import MIB, size_in_words
from rebalancer.xapi.roles import READER, ROLES

LATER: Final = "Try again in some minutes"
AGAIN: Final = "Try again; if it persists, look at the coordinator's /var/log/xensource.log"
LOG: Final = "Look at the coordinator's /var/log/xensource.log"
READ_AGAIN: Final = "Read the pool again"
NEW_PLAN: Final = "Make a new plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a code means, with {0}, {1} for its parameters, and what to do about it."""

    problem: str
    remedy: str


def _said(problem: str, remedy: str) -> Words:
    return Words(problem=problem, remedy=remedy)


GETTING_IN: Final[Mapping[str, Words]] = {
    "AUTH_SERVICE_ERROR": _said("the pool cannot ask its directory who logs in: {0}", "Try a local user such as root"),
    "CHANGE_PASSWORD_REJECTED": _said("the password has to be changed first: {0}", "Change it on the host's console"),
    "HOST_IS_SLAVE": _said("it is a member, and names {0} as coordinator", "Give the coordinator's address"),
    "HOST_STILL_BOOTING": _said("the host is still booting", LATER),
    "HOST_UNKNOWN_TO_MASTER": _said("the coordinator does not know this host", "Give the coordinator's address"),
    "HOST_HAS_NO_MANAGEMENT_IP": _said("the host has no address of its own yet", LATER),
    "LICENCE_RESTRICTION": _said("the pool's licence does not cover {0}", "Look at the licence of the hosts"),
    "WLB_AUTHENTICATION_FAILED": _said("the server does not take this account", "Look at its accounts file"),
    "WLB_CONNECTION_REFUSED": _said("nothing listens at the server's address", "Start the server, or name its address"),
    "WLB_CONNECTION_RESET": _said("the server broke off, or is none for Workload Balancing", "Look at its log"),
    "WLB_INTERNAL_ERROR": _said("the server refused: {1}", "Look at its log"),
    "WLB_MALFORMED_RESPONSE": _said("the server's answer is none that the pool takes", "Look at its log"),
    "WLB_NOT_INITIALIZED": _said(
        "the pool asks no Workload Balancing server", "Connect one with `rebalancer wlb init`"
    ),
    "WLB_TIMEOUT": _said("the server did not answer within {0} s", "Look at its log"),
    "WLB_UNKNOWN_HOST": _said("the pool does not find the server's name", "Name an address that the pool can reach"),
    "WLB_URL_INVALID": _said("{0} is no address of a server", "Write HOST:PORT"),
    "LICENSE_EXPIRED": _said("the licence of a host has expired", "Renew it"),
    "PERMISSION_DENIED": _said("the pool lets nobody in here ({0})", "Log in as another user"),
    "RBAC_PERMISSION_DENIED": _said("this user may not call {0}", "Log in as another user, or give it that role"),
    "SLAVE_REQUIRES_MANAGEMENT_INTERFACE": _said("the host has no management interface", "Give it one on its console"),
    "TOO_MANY_PENDING_TASKS": _said("the pool has too many tasks waiting", LATER),
    "USER_IS_NOT_LOCAL_SUPERUSER": _said("only a local superuser may log in here ({0})", "Log in as root"),
}
"""What may come before anything is read."""

READING: Final[Mapping[str, Words]] = {
    "CANNOT_CONTACT_HOST": _said("the coordinator cannot reach host {0}", "Look at that host"),
    "DB_UNIQUENESS_CONSTRAINT_VIOLATION": _said("the pool's database has two of {0} {2}", LOG),
    "EVENTS_LOST": _said("more changed than the pool keeps in mind", READ_AGAIN),
    "EVENT_FROM_TOKEN_PARSE_FAILURE": _said("the pool does not know its own word for a moment, {0}", READ_AGAIN),
    "EVENT_SUBSCRIPTION_PARSE_FAILURE": _said("the pool does not tell of changes in {0}", LOG),
    "Fault": _said("the pool does not answer: {0}", LOG),
    "HANDLE_INVALID": _said("there is no {0} {1} any more", READ_AGAIN),
    "HOST_NOT_LIVE": _said("host {0} is not live", "Look at that host"),
    "HOST_OFFLINE": _said("host {0} is offline", "Look at that host"),
    "INTERNAL_ERROR": _said("the pool met an error inside: {0}", LOG),
    "MESSAGE_METHOD_UNKNOWN": _said("this version of the pool has no call {0}", "Update the pool, or report it"),
    "MESSAGE_PARAMETER_COUNT_MISMATCH": _said("{0} takes {1} parameters and got {2}", "Update the pool, or report it"),
    "MESSAGE_REMOVED": _said("this version of the pool has taken the call away", "Update the rebalancer, or report it"),
    "NOT_IMPLEMENTED": _said("this version of the pool does not do {0}", "Update the pool, or report it"),
    "NOT_SUPPORTED_DURING_UPGRADE": _said("the pool is being upgraded", "Finish the upgrade first"),
    "SESSION_INVALID": _said("the pool has ended the session", "Try again"),
    "SESSION_NOT_REGISTERED": _said("the pool does not tell this session of changes", READ_AGAIN),
    "SSL_VERIFY_ERROR": _said("hosts of the pool do not trust each other's certificates ({0})", LOG),
    "TASK_CANCELLED": _said("somebody cancelled it, or the toolstack restarted", "Try again"),
    "TLS_CONNECTION_FAILED": _said("hosts of the pool do not reach each other by TLS ({0})", LOG),
    "UUID_INVALID": _said("there is no {0} {1} any more", READ_AGAIN),
}
"""What may come when the pool is read."""

MOVING: Final[Mapping[str, Words]] = {
    "HOST_CANNOT_ATTACH_NETWORK": _said("host {0} cannot attach network {1}", NEW_PLAN),
    "HOST_DISABLED": _said("host {0} is disabled", NEW_PLAN),
    "HOST_NOT_ENOUGH_FREE_MEMORY": _said("the host has not enough free memory: {0} needed, {1} free", NEW_PLAN),
    "HOST_NOT_ENOUGH_PCPUS": _said("the host has too few physical CPUs: {0} needed, {1} there", NEW_PLAN),
    "INVALID_VALUE": _said("the pool does not take {1} for {0}", NEW_PLAN),
    "MEMORY_CONSTRAINT_VIOLATION": _said("the VM's memory settings contradict each other ({0})", "Mend them"),
    "NETWORK_SRIOV_INSUFFICIENT_CAPACITY": _said("network {0} has no virtual function left", NEW_PLAN),
    "OPERATION_NOT_ALLOWED": _said("the pool does not allow it: {0}", NEW_PLAN),
    "OTHER_OPERATION_IN_PROGRESS": _said("another operation is in progress on {0} {1}: {2}", LATER),
    "VALUE_NOT_SUPPORTED": _said("the pool does not support {1} for {0}: {2}", NEW_PLAN),
    "VM_BAD_POWER_STATE": _said("{0} is {2}, and would have to be {1}", NEW_PLAN),
    "VM_HOST_INCOMPATIBLE_VERSION": _said("{1} runs another version than host {0} takes", NEW_PLAN),
    "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION": _said(
        "{0} was made for a later virtual hardware than host {1} has", NEW_PLAN
    ),
    "VM_HVM_REQUIRED": _said("{0} needs a host with hardware virtualisation", NEW_PLAN),
    "VM_INCOMPATIBLE_WITH_THIS_HOST": _said("{0} cannot run on host {1}: {2}", NEW_PLAN),
    "VM_IS_TEMPLATE": _said("{0} is a template", NEW_PLAN),
    "VM_REQUIRES_GPU": _said("{0} needs a GPU of {1}, which the host does not have free", NEW_PLAN),
    "VM_REQUIRES_IOMMU": _said("the host has no IOMMU, which the VM needs ({0})", NEW_PLAN),
    "VM_REQUIRES_NETWORK": _said("{0} needs network {1}, which the host does not have", NEW_PLAN),
    "VM_REQUIRES_SR": _said("{0} needs storage {1}, which the host does not see", NEW_PLAN),
    "VM_REQUIRES_VGPU": _said("{0} needs a virtual GPU, which the host does not have free", NEW_PLAN),
}
"""What may come when a VM is to move."""

STARTING: Final[Mapping[str, Words]] = {
    "BOOTLOADER_FAILED": _said("the bootloader of {0} failed: {1}", "Start the VM yourself, and look at its console"),
    "UNKNOWN_BOOTLOADER": _said("the host does not know bootloader {1} of {0}", "Mend PV_bootloader of the VM"),
}
"""What may come besides when a VM is started."""

WORDS: Final[Mapping[str, Words]] = {**GETTING_IN, **READING, **MOVING, **STARTING}

SIZES: Final = frozenset({"HOST_NOT_ENOUGH_FREE_MEMORY"})
"""Codes whose parameters are bytes."""

PASSING: Final = frozenset({"HOST_STILL_BOOTING", "HOST_HAS_NO_MANAGEMENT_IP", "TOO_MANY_PENDING_TASKS"})
"""Codes of a pool that is there and not ready yet: what was asked was not done, and may be asked again."""


def told(code: str, params: Sequence[str]) -> Words | None:
    """What *code* means with its parameters; None for a code that the table does not know."""
    words = WORDS.get(code)
    if words is None:
        return None
    filled = [*map(_size if code in SIZES else str, params), *["?"] * 4]
    problem = words.problem.format(*filled) + (_role(params) if code == "RBAC_PERMISSION_DENIED" else "")
    return Words(problem=problem, remedy=words.remedy)


def _size(param: str) -> str:
    """A number of bytes in words, and anything else as it is."""
    if not (param.isascii() and param.isdecimal()):
        return param
    return size_in_words(int(param)) if int(param) >= MIB else f"{int(param)} bytes"


def _role(params: Sequence[str]) -> str:
    """Which role it takes, and the pool's own reason."""
    call = (params[0] if params else "").lower().removeprefix("async.")
    said = f" (the pool says: {params[1]})" if len(params) > 1 and params[1] else ""
    return f": it takes the role {ROLES.get(call, READER)} or more{said}"
