"""Whatever an answer may be, it is read, refused, or counts as none: nothing of it is unforeseen."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any
from xmlrpc.client import dumps

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebalancer.errors import InventoryError, LoginRefused, OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.xapi import LivePool
from rebalancer.xapi.sender import NOT_DONE
from rebalancer.xapi.wire.answers import from_xml
from rebalancer.xapi.wire.connection import Reply
from tests.xapi.recorded import LOGIN, MOVE, Recording, played, recorded

TAKE = cache(recorded)
EXAMPLES = int(os.environ.get("REBALANCER_EXAMPLES", "100"))
FEW = settings(
    deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
KNOWN = (Unreachable, RefusedByXapi)
"""What a look at the pool may end with, and whoever watches knows what to do."""


def look(live: LivePool, recording: Recording) -> object:
    """Where a VM is."""
    return live.whereabouts(recording.vm)


def poll(live: LivePool, recording: Recording) -> object:
    """How a task stands."""
    return live.task(recording.task)


def read(live: LivePool, _: Recording) -> object:
    """The whole pool; contradictions are waited for elsewhere."""
    with suppress(InventoryError):
        return live.read()
    return None


LOOKS: dict[str, Callable[[LivePool, Recording], object]] = {
    "VM.get_by_uuid": look,
    "VM.get_record": look,
    "host.get_record": look,
    "task.get_record": poll,
    **dict.fromkeys(("VM.get_all_records", "host.get_all_records", "pool.get_all_records", "event.from"), read),
    **dict.fromkeys(("VBD.get_all_records", "PIF.get_all_records", "VM_metrics.get_all_records"), read),
}
SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "HTML": lambda _: b"<html><body>It works!</body></html>",
    "half": lambda body: body[: len(body) // 2],
    "JSON": lambda _: b'{"jsonrpc": "2.0", "result": "OpaqueRef:1", "id": 1}',
    "no status": lambda body: body.replace(b"<name>Status</name>", b"<name>State</name>"),
    "two statuses": lambda body: body.replace(b"<value>Success</value>", b"<value><array><data/></array></value>"),
    "another status": lambda body: body.replace(b"Success", b"Maybe"),
    "a failure without words": lambda body: body.replace(b"Success", b"Failure"),
    "no value": lambda body: body.replace(b"<name>Value</name>", b"<name>Worth</name>"),
    "a boolean": lambda _: dumps(({"Status": "Success", "Value": True},), methodresponse=True).encode(),
    "nested nonsense": lambda _: dumps(([[[{"a": [{}]}]]],), methodresponse=True).encode(),
    "two values": lambda body: body.replace(b"</params>", b"<param><value>x</value></param></params>"),
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "Latin-1": lambda body: body.replace(b"Success", "Ä".encode("latin-1")),
    "UTF-7": lambda body: body.replace(b'version="1.0"', b'version="1.0" encoding="UTF-7"'),
    "a bad int": lambda body: body.replace(b"<value>", b"<value><int>seven</int></value><value>", 1),
    "zeros": lambda body: bytes(len(body)),
    "twice": lambda body: body + body,
}


def spoiling(method: str, spoil: Callable[[bytes], bytes]) -> Callable[[str, Reply], Reply]:
    """Spoil the answers to one call."""
    return lambda asked, reply: replace(reply, body=spoil(reply.body)) if asked == method else reply


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("method", LOOKS)
def test_a_look_with_a_spoilt_answer_is_a_silence(monkeypatch: pytest.MonkeyPatch, method: str, how: str) -> None:
    """The pool counts as silent, so that whoever watches asks again."""
    recording = replace(TAKE(), spoil=spoiling(method, SPOILT[how]))
    with pytest.raises(Unreachable):
        LOOKS[method](played(recording, monkeypatch), recording)


@pytest.mark.parametrize("how", SPOILT)
def test_a_login_with_a_spoilt_answer_is_a_silence(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Whatever answers is no pool."""
    recording = replace(TAKE(), spoil=spoiling(LOGIN, SPOILT[how]))
    with pytest.raises(Unreachable):
        played(recording, monkeypatch).read()


@pytest.mark.parametrize("how", SPOILT)
def test_a_move_with_a_spoilt_answer_is_unknown(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """It was sent, and only the pool knows whether it runs."""
    recording = replace(TAKE(), spoil=spoiling(MOVE, SPOILT[how]))
    live = played(recording, monkeypatch)
    with pytest.raises(OutcomeUnknown):
        live.migrate(recording.vm, recording.host)


def broken(body: bytes, seed: int) -> bytes:
    """*body* with some bytes deleted, doubled, flipped, or replaced by what hurts."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        begin = chance.randrange(len(body) + 1)
        end = min(len(body), begin + int(chance.expovariate(0.05)))
        piece = chance.choice(
            [b"", body[begin:end] * 2, bytes([chance.randrange(256)]), *HURTING, body[end : end + 40]],
        )
        body = body[:begin] + piece + body[end:]
    return body


HURTING = [
    b"9" * 400,
    b"<value><int>1e9</int></value>",
    b"<value><array><data></data></array></value>",
    b"</value>",
    b"<name>",
    b"&amp;",
    b"&x;",
    b"\x00",
    b"\xff\xfe",
    b"]]>",
    b"<!DOCTYPE x>",
    b"<nil/>",
    "\U0001f600".encode(),
]


@FEW
@given(method=st.sampled_from(sorted(LOOKS)), seed=st.integers(0, 2**32))
def test_a_look_at_broken_bytes_ends_as_known(monkeypatch: pytest.MonkeyPatch, method: str, seed: int) -> None:
    """Bytes of a real answer that were changed are read, refused, or count as silence."""
    recording = replace(TAKE(), spoil=spoiling(method, lambda body: broken(body, seed)))
    with suppress(*KNOWN):
        LOOKS[method](played(recording, monkeypatch), recording)


@FEW
@given(seed=st.integers(0, 2**32))
def test_a_login_with_broken_bytes_ends_as_known(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The same of a login."""
    recording = replace(TAKE(), spoil=spoiling(LOGIN, lambda body: broken(body, seed)))
    with suppress(*KNOWN, LoginRefused):
        played(recording, monkeypatch).whereabouts(recording.vm)


@FEW
@given(seed=st.integers(0, 2**32))
def test_a_move_with_broken_bytes_is_never_taken_for_unsent(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """It has a task, was refused by a code, or is unknown; only XAPI itself says that it was turned away."""
    recording = replace(TAKE(), spoil=spoiling(MOVE, lambda body: broken(body, seed)))
    live = played(recording, monkeypatch)
    try:
        task = live.migrate(recording.vm, recording.host)
    except (OutcomeUnknown, RefusedByXapi):
        return
    except Unreachable as error:
        if not any(code in str(error) for code in NOT_DONE):
            raise
        return
    assert isinstance(task, str)


LEAVES = st.one_of(st.text(max_size=6), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.floats())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def grafted(value: Any, chance: random.Random, graft: object) -> Any:  # noqa: ANN401 - what XAPI answers
    """*value* with one of its parts replaced by *graft*, lost, or renamed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        rest = {each: item for each, item in value.items() if each != key}
        match chance.randrange(6):
            case 0:
                return rest
            case 1:
                return {**rest, f"{key}x": value[key]}
            case _:
                return {**rest, key: grafted(value[key], chance, graft)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        return [*value[:place], grafted(value[place], chance, graft), *value[place + 1 :]]
    return graft


def wrapped(envelope: Any) -> bytes:  # noqa: ANN401 - anything
    """An answer that holds it."""
    return dumps((envelope,), methodresponse=True, allow_none=True).encode()


@FEW
@given(method=st.sampled_from(sorted(LOOKS)), seed=st.integers(0, 2**32), graft=VALUES)
def test_a_look_at_other_values_ends_as_known(
    monkeypatch: pytest.MonkeyPatch, method: str, seed: int, graft: object
) -> None:
    """A real answer in which a part is of another kind, lost or renamed is read, refused, or counts as silence."""
    recording = replace(
        TAKE(),
        spoil=spoiling(method, lambda body: wrapped(grafted(from_xml(body), random.Random(seed), graft))),
    )
    with suppress(*KNOWN):
        LOOKS[method](played(recording, monkeypatch), recording)


@FEW
@given(envelope=VALUES)
def test_a_move_with_any_value_is_never_taken_for_unsent(monkeypatch: pytest.MonkeyPatch, envelope: object) -> None:
    """Whatever the answer holds, the call was sent."""
    recording = replace(TAKE(), spoil=spoiling(MOVE, lambda _: wrapped({"Status": "Success", "Value": envelope})))
    live = played(recording, monkeypatch)
    try:
        task = live.migrate(recording.vm, recording.host)
    except OutcomeUnknown:
        return
    assert isinstance(task, str)
    assert task
