"""Calls of the classes role and subject: who may what (xapi_role.ml, xapi_subject.ml)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from rebalancer.simulator.calls.context import Handler, Table, on_records
from rebalancer.simulator.checks.facts import pool_of
from rebalancer.simulator.state import roles
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import blank, fields


def role(ref: str) -> Record:
    """The record of a role; HANDLE_INVALID [role, ref] where there is none."""
    if (record := roles.records().get(ref)) is None:
        raise ApiFailure("HANDLE_INVALID", "role", ref)
    return record


def by_uuid(uuid: str) -> str:
    """The ref of a role; UUID_INVALID [role, uuid] where there is none."""
    ref = f"OpaqueRef:{uuid}"
    if ref not in roles.records():
        raise ApiFailure("UUID_INVALID", "role", uuid)
    return ref


def by_permission(name: str) -> list[str]:
    """The refs of the roles that have a permission."""
    return [roles.ref_of(each) for each in roles.holders().get(name, ())]


def create(database: Database, given: dict[str, Any]) -> str:
    """Let somebody in who is in the directory, without a role yet; every name is in the simulated directory.

    Raises:
        ApiFailure: SUBJECT_ALREADY_EXISTS.
    """
    identifier = str(given.get("subject_identifier", ""))
    if any(record["subject_identifier"] == identifier for _, record in database.items("subject")):
        raise ApiFailure("SUBJECT_ALREADY_EXISTS")
    known = {"subject-name": identifier} | dict(given.get("other_config", {}))
    record = blank("subject") | {"uuid": str(uuid4()), "subject_identifier": identifier, "other_config": known}
    return database.add("subject", record)


def add_to_roles(database: Database, subject: str, ref: str) -> None:
    """Give a subject a role, which counts from its next login on.

    Raises:
        ApiFailure: LICENCE_RESTRICTION, ROLE_NOT_FOUND, or ROLE_ALREADY_EXISTS.
    """
    _assert_licensed(database)
    held = database.get("subject", subject)["roles"]
    if ref not in roles.records():
        raise ApiFailure("ROLE_NOT_FOUND")
    if ref in held:
        raise ApiFailure("ROLE_ALREADY_EXISTS")
    database.change("subject", subject, roles=[*held, ref])


def remove_from_roles(database: Database, subject: str, ref: str) -> None:
    """Take a role from a subject.

    Raises:
        ApiFailure: LICENCE_RESTRICTION, or ROLE_NOT_FOUND.
    """
    _assert_licensed(database)
    held = database.get("subject", subject)["roles"]
    if ref not in held:
        raise ApiFailure("ROLE_NOT_FOUND")
    database.change("subject", subject, roles=[each for each in held if each != ref])


def _permissions_of_subject(database: Database, subject: str) -> list[str]:
    held = roles.names(database.get("subject", subject)["roles"])
    return sorted({name for each in held for name in roles.permissions(each) or (each,)})


def _assert_licensed(database: Database) -> None:
    if pool_of(database)["restrictions"].get("restrict_rbac") == "true":
        raise ApiFailure("LICENCE_RESTRICTION", "RBAC")


def _plain(work: Handler) -> Handler:
    """The handler of a call that looks at nothing but the fixed roles."""
    return lambda _context, *args: work(*args)


def _field(name: str) -> Handler:
    return lambda _context, ref: role(ref)[name]


def _labels(ref: str) -> list[str]:
    return [role(each)["name_label"] for each in role(ref)["subroles"] or [ref]]


def _by_name_label(label: str) -> list[str]:
    return [roles.ref_of(label)] if roles.ref_of(label) in roles.records() else []


CALLS: Table = {
    **{f"role.get_{name}": _field(name) for name in fields("role")},
    "role.get_all": _plain(lambda: list(roles.records())),
    "role.get_all_records": _plain(roles.records),
    "role.get_record": _plain(role),
    "role.get_by_uuid": _plain(by_uuid),
    "role.get_by_name_label": _plain(_by_name_label),
    "role.get_permissions": _plain(lambda ref: role(ref)["subroles"] or [ref]),
    "role.get_permissions_name_label": _plain(_labels),
    "role.get_by_permission": _plain(lambda ref: by_permission(role(ref)["name_label"])),
    "role.get_by_permission_name_label": _plain(by_permission),
    "subject.create": on_records(create),
    "subject.destroy": on_records(lambda database, ref: database.remove("subject", ref)),
    "subject.add_to_roles": on_records(add_to_roles),
    "subject.remove_from_roles": on_records(remove_from_roles),
    "subject.get_permissions_name_label": on_records(_permissions_of_subject),
}
