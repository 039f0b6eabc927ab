from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator
from rebalancer.simulator.state.roles import DESCRIPTIONS, holders

# The stock client answers with whatever the method answers.
Proxy = Any


def let_in(xapi: Proxy, name: str, role: str) -> str:
    """A subject of that name with a role; its ref."""
    subject = xapi.subject.create({"subject_identifier": f"S-1-5-{name}", "other_config": {"subject-name": name}})
    xapi.subject.add_to_roles(subject, xapi.role.get_by_name_label(role)[0])
    return str(subject)


def log_in(simulator: Simulator, name: str) -> Proxy:
    """The stock client, logged in as somebody."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password(name, "secret", "1.0", "tests")
    return session.xenapi


def ask(call: Callable[..., object], *args: object) -> list[str]:
    """What a call is refused with, or nothing."""
    try:
        call(*args)
    except XenAPI.Failure as refused:
        return list(refused.details)
    return []


@pytest.mark.parametrize("role", ["vm-power-admin", "vm-admin", "vm-operator", "read-only"])
def test_a_role_may_what_xapi_lets_it(simulator: Simulator, xapi: Proxy, role: str) -> None:
    """Reading is for everybody; who may not migrate is told so, with the call and the roles that may."""
    let_in(xapi, "alice", role)
    alice = log_in(simulator, "alice")
    vm, host = alice.VM.get_all()[0], alice.host.get_all()[0]
    code, *rest = ask(alice.VM.pool_migrate, vm, host, {})
    if role == "vm-power-admin":
        assert code != "RBAC_PERMISSION_DENIED"
    else:
        roles = "pool-admin, pool-operator, vm-power-admin, client-cert"
        words = f"No permission in user session. (Roles with this permission: {roles})"
        assert [code, *rest] == ["RBAC_PERMISSION_DENIED", "vm.pool_migrate", words]
    assert ask(alice.host.disable, host)[:2] == ["RBAC_PERMISSION_DENIED", "host.disable"]
    assert ask(alice.subject.create, {})[:2] == ["RBAC_PERMISSION_DENIED", "subject.create"]
    assert bool(ask(alice.VM.set_name_label, vm, "new")) == (role in {"vm-operator", "read-only"})


def test_a_call_is_refused_with_a_task_too(simulator: Simulator, xapi: Proxy) -> None:
    """An Async call that a role may not make gets no task."""
    let_in(xapi, "alice", "read-only")
    alice = log_in(simulator, "alice")
    vm, host = alice.VM.get_all()[0], alice.host.get_all()[0]
    assert ask(getattr(alice, "Async").VM.pool_migrate, vm, host, {})[0] == "RBAC_PERMISSION_DENIED"  # noqa: B009
    assert simulator.database.count("task") == 0


def test_who_may_log_in(simulator: Simulator, xapi: Proxy) -> None:
    """A subject with a role and the password; what it may is in its session; nobody else but the local root."""
    assert ask(log_in, simulator, "alice")[0] == "SESSION_AUTHENTICATION_FAILED"
    subject = xapi.subject.create({"subject_identifier": "S-1-5-alice", "other_config": {"subject-name": "alice"}})
    words = "Subject alice (identifier S-1-5-alice) has no roles in this pool"
    assert ask(log_in, simulator, "alice") == ["RBAC_PERMISSION_DENIED", "session.login_with_password", words]
    xapi.subject.add_to_roles(subject, xapi.role.get_by_name_label("read-only")[0])
    alice = log_in(simulator, "alice")
    (session,) = (each for _, each in simulator.database.items("session") if each["auth_user_sid"] == "S-1-5-alice")
    assert (session["subject"], session["is_local_superuser"]) == (subject, False)
    assert set(session["rbac_permissions"]) == set(xapi.subject.get_permissions_name_label(subject))
    assert xapi.session.get_all_subject_identifiers() == ["S-1-5-alice"]
    xapi.session.logout_subject_identifier("S-1-5-alice")
    xapi.subject.destroy(subject)
    assert ask(alice.VM.get_all)[0] == "SESSION_AUTHENTICATION_FAILED"


def test_metrics_are_for_every_role(simulator: Simulator, xapi: Proxy) -> None:
    """Basic authentication lets subjects in, too, and nobody with another password."""
    let_in(xapi, "alice", "read-only")
    for password, status in (("secret", 200), ("wrong", 401)):
        url = f"{simulator.url}/rrd_updates?start=-60&host=true"
        assert httpx.get(url, auth=("alice", password)).status_code == status


def test_tasks_are_their_makers(simulator: Simulator, xapi: Proxy) -> None:
    """Everybody ends tasks of their own; those of others only who may end any."""
    let_in(xapi, "alice", "read-only")
    let_in(xapi, "carol", "pool-operator")
    alice, carol = log_in(simulator, "alice"), log_in(simulator, "carol")
    mine, of_root = alice.task.create("mine", ""), xapi.task.create("root's", "")
    assert ask(alice.task.cancel, mine) == []
    assert ask(alice.task.cancel, of_root)[:2] == ["RBAC_PERMISSION_DENIED", "task.destroy/any"]
    assert ask(carol.task.set_progress, of_root, 0.5) == []
    assert ask(xapi.task.destroy, mine) == []


def test_roles_and_permissions(xapi: Proxy) -> None:
    """Seven roles, each of its permissions; a permission is a role without subroles."""
    found = xapi.role.get_all_records()
    roles = {each["name_label"]: ref for ref, each in found.items() if each["subroles"]}
    assert set(roles) == set(DESCRIPTIONS)
    assert [each["name_label"] for each in found.values() if each["is_internal"]] == ["client-cert"]
    assert set(xapi.role.get_permissions(roles["vm-operator"])) == set(found[roles["vm-operator"]]["subroles"])
    (permission,) = xapi.role.get_by_name_label("vm.pool_migrate")
    assert xapi.role.get_permissions_name_label(permission) == ["vm.pool_migrate"]
    assert set(xapi.role.get_by_permission(permission)) == set(
        xapi.role.get_by_permission_name_label("vm.pool_migrate")
    )
    assert xapi.role.get_by_uuid(xapi.role.get_uuid(permission)) == permission
    assert xapi.role.get_record(roles["read-only"])["name_label"] == "read-only"
    assert ask(xapi.role.get_record, "OpaqueRef:none") == ["HANDLE_INVALID", "role", "OpaqueRef:none"]
    assert ask(xapi.role.get_by_uuid, "none") == ["UUID_INVALID", "role", "none"]


def test_subjects_are_not_given_what_is_not_there(simulator: Simulator, xapi: Proxy) -> None:
    """Twice the same subject or role, a role that is none, and a licence without roles are refused."""
    subject = let_in(xapi, "alice", "vm-admin")
    (role,), (other,) = xapi.role.get_by_name_label("vm-admin"), xapi.role.get_by_name_label("read-only")
    assert ask(xapi.subject.create, {"subject_identifier": "S-1-5-alice"}) == ["SUBJECT_ALREADY_EXISTS"]
    assert ask(xapi.subject.add_to_roles, subject, role) == ["ROLE_ALREADY_EXISTS"]
    assert ask(xapi.subject.add_to_roles, subject, "OpaqueRef:none") == ["ROLE_NOT_FOUND"]
    assert ask(xapi.subject.remove_from_roles, subject, other) == ["ROLE_NOT_FOUND"]
    assert ask(xapi.subject.remove_from_roles, subject, role) == []
    pool, record = next(simulator.database.items("pool"))
    simulator.database.change("pool", pool, restrictions={**record["restrictions"], "restrict_rbac": "true"})
    assert ask(xapi.subject.add_to_roles, subject, role) == ["LICENCE_RESTRICTION", "RBAC"]


def test_every_call_has_the_roles_of_the_data_model(shared_data: Callable[[str], Path]) -> None:
    """Who may make a call is what XAPI's data model says of it, for every message of every class."""
    with gzip.open(shared_data("xenapi-datamodel.json.gz")) as file:
        model = json.load(file)
    said = {f"{cls['name']}.{each['name']}".lower(): set(each["roles"]) for cls in model for each in cls["messages"]}
    assert len(said) > 1500
    assert {name: set(holders()[name]) for name in said} == said
