"""Errors of a pool in words, and how long one that is not ready is waited for."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import LoginRefused, NotReady, RefusedByXapi, Unreachable
from rebalancer.xapi import Credentials, Patience, ReadSession, Trust, connect
from rebalancer.xapi.roles import READER, ROLES
from rebalancer.xapi.session import READS
from rebalancer.xapi.words import PASSING, WORDS, told
from tests.xapi.scripted import CLOSE, failure, scripted, success

ROOT = Credentials(user="root", password="simulator")
LOGIN = "session.login_with_password"
SENT = {LOGIN, "session.logout", "task.cancel", "task.destroy", *ROLES}
OTHERWISE = {"SESSION_AUTHENTICATION_FAILED"}
"""An error of its own."""


@pytest.fixture
def messages(shared_data: Callable[[str], Path]) -> list[tuple[str, dict[str, Any]]]:
    """Name and description of every call of XAPI that we send."""
    with gzip.open(shared_data("xenapi-datamodel.json.gz")) as file:
        every = [(f"{kind['name']}.{each['name']}", each) for kind in json.load(file) for each in kind["messages"]]
    read = {name for name, each in every if each["name"] in READS and "secret." not in name}
    return [(name, each) for name, each in every if name in read or name.lower() in SENT]


def test_every_error_of_a_call_that_we_send_has_words(messages: list[tuple[str, dict[str, Any]]]) -> None:
    """Each error that the data model gives to login, reading or moving is in the table."""
    named = {code for _, each in messages for code in each["errors"]}
    assert len(named) > 20
    assert named <= WORDS.keys() | OTHERWISE


def test_roles_are_those_of_the_data_model(messages: list[tuple[str, dict[str, Any]]]) -> None:
    """The role that is named is the least that the data model lets send the call."""
    order = ["read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin"]
    for name, each in messages:
        assert ROLES.get(name.lower(), READER) == min(set(each["roles"]) & set(order), key=order.index), name


@pytest.mark.parametrize("code", sorted(WORDS))
def test_words_hold_with_any_number_of_parameters(code: str) -> None:
    """Old pools send fewer parameters, new ones more; the sentence is one all the same."""
    for count in range(5):
        words = told(code, ["x"] * count)
        assert words is not None
        assert words.problem
        assert words.remedy
        assert not re.search(r"[{}]|\.$", words.problem + words.remedy)


def refused(*details: str) -> str:
    """What is told when a pool answers so to a read."""
    with scripted([success("OpaqueRef:S"), failure(*details)]) as server:
        session = connect(server.url, ROOT, Trust())
        with pytest.raises(RefusedByXapi) as raised:
            session.record("VM", "OpaqueRef:V")
    return str(raised.value)


def test_a_missing_role_is_named() -> None:
    """The role that the call takes, and the pool's own reason."""
    said = refused("RBAC_PERMISSION_DENIED", "VM.get_record", "No permission in user session")
    assert "this user may not call VM.get_record: it takes the role read-only or more" in said
    assert "the pool says: No permission in user session" in said
    for permission in ("Async.VM.pool_migrate", "vm.pool_migrate", "async.vm.migrate_send"):
        moving = told("RBAC_PERMISSION_DENIED", [permission, ""])
        assert moving is not None
        assert moving.problem.endswith("it takes the role vm-power-admin or more"), permission


def test_a_code_that_nobody_knows_is_told_as_it_is() -> None:
    """Code and parameters, and where they are explained."""
    assert ": NEW_IN_30 a b. Look the code up in the XenAPI reference." in refused("NEW_IN_30", "a", "b")


def test_the_reason_of_a_refused_login_is_passed_on() -> None:
    """An expired or locked account looks like a wrong password, but for the pool's own words."""
    answer = failure("SESSION_AUTHENTICATION_FAILED", "root", "The account is locked")
    with scripted([answer]) as server, pytest.raises(LoginRefused, match="the pool says: The account is locked"):
        connect(server.url, ROOT, Trust())


class Pauses(list[float]):
    """How long was slept, without sleeping."""

    def patience(self, seconds: float, *, with_silence: bool = False) -> Patience:
        """A patience that sleeps here."""
        return Patience(seconds=seconds, with_silence=with_silence, sleep=self.append)


def opened(url: str, patience: Patience) -> ReadSession:
    """A session with a pool that may not be ready."""
    return connect(url, ROOT, Trust(), patience=patience)


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_pool_that_is_not_ready_is_waited_for(code: str) -> None:
    """At login and when reading, with longer and longer pauses."""
    pauses, wait = Pauses(), failure(code)
    with scripted([wait, wait, success("OpaqueRef:S"), wait, success({"uuid": "u"})]) as server:
        session = opened(server.url, pauses.patience(30))
        assert session.record("VM", "OpaqueRef:V") == {"uuid": "u"}
    assert pauses == [1.0, 2.0, 1.0]


def test_patience_ends_in_words() -> None:
    """What never gets ready is told, with what to do."""
    pauses = Pauses()
    with scripted([failure("HOST_STILL_BOOTING")] * 9) as server:
        with pytest.raises(RefusedByXapi, match=r"the host is still booting \(HOST_STILL_BOOTING\). Try again in some"):
            opened(server.url, pauses.patience(20))
        assert sum(pauses) == 20
        assert len(server.asked) == len(pauses) + 1


def test_silence_is_waited_for_by_those_who_have_the_time() -> None:
    """A host that boots is gone first: a night waits for it, a command for a moment only."""
    pauses = Pauses()
    with scripted([CLOSE, CLOSE, success("OpaqueRef:S")]) as server:
        opened(server.url, pauses.patience(300, with_silence=True))
        assert pauses == [1.0, 2.0]
    with scripted([CLOSE] * 9) as server, pytest.raises(NotReady):
        opened(server.url, pauses.patience(300))
    assert pauses == [1.0, 2.0] * 2
    with scripted([b"<html>", success("OpaqueRef:S")]) as server, pytest.raises(Unreachable, match="not as XAPI does"):
        opened(server.url, pauses.patience(300))
    assert pauses == [1.0, 2.0] * 2


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + success("x")


@pytest.mark.parametrize("answer", [CLOSE, BUSY, CUT])
def test_a_host_that_is_gone_for_the_moment_is_asked_again(answer: bytes | str) -> None:
    """At login and when reading: a reset, HTTP 503, an answer that breaks off."""
    pauses = Pauses()
    with scripted([answer, success("OpaqueRef:S"), answer, success({"uuid": "u"})], keep=False) as server:
        assert opened(server.url, pauses.patience(30)).record("VM", "OpaqueRef:V") == {"uuid": "u"}
    assert pauses == [1.0, 1.0]


@pytest.mark.parametrize(
    "details", [("SESSION_AUTHENTICATION_FAILED", "root", ""), ("RBAC_PERMISSION_DENIED", "x", "")]
)
def test_what_does_not_pass_is_not_waited_for(details: tuple[str, ...]) -> None:
    """A wrong password stays wrong; asking again locks the account."""
    pauses = Pauses()
    with scripted([failure(*details)]) as server:
        with pytest.raises((LoginRefused, RefusedByXapi)):
            opened(server.url, pauses.patience(300, with_silence=True))
        assert server.methods == [LOGIN]
    assert pauses == []


@pytest.mark.parametrize("taken", [3, 2])
def test_old_pools_are_logged_in_to(taken: int) -> None:
    """XenServer 6.1 and older take no originator, the oldest no version: what is too much is left out."""
    too_many = [failure("MESSAGE_PARAMETER_COUNT_MISMATCH", LOGIN, str(taken - 1), str(n)) for n in range(4, taken, -1)]
    with scripted([*too_many, success("OpaqueRef:S"), success({"uuid": "u"})]) as server:
        session = connect(server.url, ROOT, Trust())
        assert session.record("VM", "OpaqueRef:V") == {"uuid": "u"}
        assert server.methods == [LOGIN] * (5 - taken) + ["VM.get_record"]


def test_a_login_that_takes_other_parameters_altogether_is_told() -> None:
    """Something that takes no form of login is not asked for ever."""
    script = [failure("MESSAGE_PARAMETER_COUNT_MISMATCH", LOGIN, "7", str(n)) for n in (4, 3, 2)]
    with scripted(script) as server, pytest.raises(RefusedByXapi, match="takes 7 parameters and got 2"):
        connect(server.url, ROOT, Trust())


@pytest.mark.parametrize(
    ("needed", "free", "words"),
    [
        ("8589934592", "3221225472", "8.0 GiB needed, 3.0 GiB free"),
        ("1000", "0", "1000 bytes needed, 0 bytes free"),
        ("many", "few", "many needed, few free"),
    ],
)
def test_bytes_are_told_as_people_read_them(needed: str, free: str, words: str) -> None:
    """With the unit; what is no number stays as it is."""
    meant = told("HOST_NOT_ENOUGH_FREE_MEMORY", [needed, free])
    assert meant
    assert meant.problem == f"the host has not enough free memory: {words}"
