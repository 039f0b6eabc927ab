"""Roles and what each may call: fixed in XAPI, and kept outside its database (rbac_static.ml, xapi_role.ml).

A permission is a role without subroles, one for each call, in lower case: `vm.pool_migrate`.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import classes

DESCRIPTIONS = {
    "pool-admin": "has full access to everything, subjects and their roles included",
    "pool-operator": "manages hosts and what is of the whole pool",
    "vm-power-admin": "has full access to VMs and templates, and chooses where VMs start",
    "vm-admin": "manages VMs and templates",
    "vm-operator": "uses VMs and their consoles",
    "client-cert": "is whoever shows a client certificate",
    "read-only": "logs in and looks",
}
INTERNAL = {"client-cert"}
EVERYBODY = tuple(DESCRIPTIONS)
# What no call of the data model says: who may end the tasks of others, and read metrics.
BESIDES = {
    "task.destroy/any": ("pool-admin", "pool-operator"),
    "http/get_rrd_updates": EVERYBODY,
    "http/get_host_rrd": EVERYBODY,
    "http/get_vm_rrd": EVERYBODY,
}


@cache
def holders() -> dict[str, tuple[str, ...]]:
    """{permission: the roles that have it}; no role has what only the local root may."""
    found: dict[str, tuple[str, ...]] = {}
    for cls, known in classes().items():
        for call in (*known["calls"], *known["generic"], *(f"get_{field}" for field in known["fields"])):
            roles = known["roles"].get(call)
            found[f"{cls}.{call}".lower()] = EVERYBODY if roles is None else tuple(roles.split())
    return dict(sorted((found | BESIDES).items()))


@cache
def permissions(role: str) -> tuple[str, ...]:
    """What a role may."""
    return tuple(permission for permission, roles in holders().items() if role in roles)


def ref_of(name: str) -> str:
    """The ref of a role or permission, the same in all pools."""
    return f"OpaqueRef:{_uuid(name)}"


@cache
def records() -> dict[str, dict[str, Any]]:
    """{ref: record} of all permissions, then of all roles."""
    plain = {ref_of(name): _record(name, f"A basic permission: {name}", []) for name in holders()}
    return plain | {
        ref_of(role): _record(role, f"The {role} role {words}", [ref_of(name) for name in permissions(role)])
        for role, words in DESCRIPTIONS.items()
    }


def names(refs: list[str]) -> list[str]:
    """The names of the roles behind refs; ROLE_NOT_FOUND for a ref that is none."""
    if any(ref not in records() for ref in refs):
        raise ApiFailure("ROLE_NOT_FOUND")
    return [records()[ref]["name_label"] for ref in refs]


def _record(name: str, description: str, subroles: list[str]) -> dict[str, Any]:
    return {
        "uuid": _uuid(name),
        "name_label": name,
        "name_description": description,
        "subroles": subroles,
        "is_internal": name in INTERNAL,
    }


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))
