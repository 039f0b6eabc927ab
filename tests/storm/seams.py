"""Where a storm gets between the product and its machine: the wire, the journal, pauses, and the grain of moves."""

from __future__ import annotations

import errno
import json
import os
import random
import ssl
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from rebalancer.execute.journal import journal as journals
from rebalancer.execute.journal.entries import EVENTS, Entry
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.status import noting
from rebalancer.export.planfile import plan_json
from rebalancer.plan import Plan
from rebalancer.xapi.wire.transport import SendOnce
from rebalancer.xapi.wire.trust import Trust
from tests.storm.executor import AFTER, BEFORE, HALF, LINE, Executor, this_executor
from tests.storm.record import Line, Record
from tests.storm.ways import Asked, Spared, Ways

TICK_SECONDS = 2.0
"""How often a move looks around; in virtual time a finer grain shows nothing more."""


@contextmanager
def storm_seams(ways: Ways, record: Record, chance: random.Random) -> Iterator[None]:
    """Let processes of the storm go the *ways*, and everything that they do be in the *record*."""
    with pytest.MonkeyPatch.context() as patch:
        _wire(patch, ways)
        _journal(patch, record)
        _pauses(patch)
        patch.setattr(noting, "plan_json", _once(plan_json))
        patch.setattr("rebalancer.simulator.migration.transfer.TICK_SECONDS", TICK_SECONDS)
        patch.setattr(os, "urandom", chance.randbytes)
        yield


@cache
def _tls() -> ssl.SSLContext:
    """TLS settings for no wire of a storm: made once, because the CAs of the system take long to read."""
    return ssl.create_default_context()


def _once(text_of: Callable[[Plan], str]) -> Callable[[Plan], str]:
    """*text_of*, which spells out each plan once: the runs of a storm are all of one or two."""
    texts: dict[str, str] = {}
    return lambda plan: texts.get(plan.digest) or texts.setdefault(plan.digest, text_of(plan))


def _me() -> Executor:
    found = this_executor()
    assert found is not None, "only processes of the storm call and write"
    return found


def _wire(patch: pytest.MonkeyPatch, ways: Ways) -> None:
    def connect(self: SendOnce) -> None:
        ways.connect(_me(), self._address.host, self._host._seconds)

    def request(self: SendOnce, _host: object, _handler: str, body: Asked, verbose: object = None) -> Any:  # noqa: ANN401, ARG001 - xmlrpc's
        if self._host._interrupted:
            raise InterruptedError
        return (ways.request(_me(), self._address.host, body, self._host._seconds),)

    patch.setattr(Trust, "context", lambda _self: _tls())
    patch.setattr(xmlrpc.client, "dumps", Spared.of)
    patch.setattr(SendOnce, "connect", connect)
    patch.setattr(SendOnce, "request", request)


def _journal(patch: pytest.MonkeyPatch, record: Record) -> None:
    """Let each line be a point of the run, before, half-way through and after; a full disk takes half of it."""
    append, write_all = Journal.append, journals._write_all

    def told_append(self: Journal, entry: Entry) -> None:
        me, kind = _me(), EVENTS[type(entry)]
        me.come_to(LINE, kind, BEFORE)
        append(self, entry)
        me.come_to(LINE, kind, AFTER)

    def told_write(descriptor: int, body: bytes) -> None:
        me, entry = _me(), json.loads(body)
        try:
            me.come_to(LINE, entry["event"], HALF)
        finally:
            if not me.alive:
                write_all(descriptor, body[: len(body) // 2])
        if me.clock.monotonic() < me.full_until:
            write_all(descriptor, body[: len(body) // 3])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_all(descriptor, body)
        record.events.append(Line(at=me.clock.monotonic(), run=me.run, entry=entry))

    patch.setattr(Journal, "append", told_append)
    patch.setattr(journals, "_write_all", told_write)
    patch.setattr(os, "fsync", lambda _descriptor: None)


def _pauses(patch: pytest.MonkeyPatch) -> None:
    """Let the pauses of what reads pools pass in virtual time."""

    def sleep(seconds: float) -> None:
        _me().clock.sleep(seconds)

    patch.setattr("rebalancer.xapi.patience.time", SimpleNamespace(sleep=sleep))
