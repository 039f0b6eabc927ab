"""How a night ended is written for monitoring and told to people, whichever way it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import rebalancer as rb
from rebalancer.cli.ending import settle, tell
from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.output import say
from rebalancer.errors import InputError, RebalancerError, StoppedHalfWay
from rebalancer.execute import Clock
from rebalancer.face.message import leave_message
from rebalancer.nightly import (
    Access,
    Keeper,
    KnownPool,
    ListKeeper,
    NightEnd,
    NightlyResult,
    assert_collectable,
    known_pool,
    told_of_night,
    write_textfile,
)

MESSAGE_PATIENCE = 30.0
"""Seconds for which a pool is waited for that is to be left a message."""


class Monitor:
    """Writes a textfile at the end of a night and tells people; whatever goes wrong with that ends no night.

    As a context manager it stands for a process that is one night: its exit code is settled before anybody is told.
    `clock` tells the time by which the night is told.

    Args:
        path: the textfile; None for none.
        policy: the policy file.
        state_dir: the state folder.
        called: what the policy is called where there are several; its file name where that is not said.
    """

    def __init__(self, path: Path | None, policy: Path, state_dir: Path | None, called: str = "") -> None:
        self._path, self._policy, self._state_dir, self._began = path, policy, state_dir, datetime.now(UTC)
        self._called = called or policy.name
        self.access: Access | None = None
        self.wanted: rb.Policy | None = None
        self.result: NightlyResult | None = None
        self.clock = Clock()
        self.keeper: Keeper = ListKeeper(state_dir, say)
        self.code = Exit.ERROR
        self.night: NightEnd | None = None

    def planned(self, result: NightlyResult) -> None:
        """Note that so much is planned, whatever becomes of it."""
        self.result = result

    def __enter__(self) -> Self:
        """Pass where the file can be written.

        Raises:
            InputError: it cannot.
        """
        try:
            if self._path:
                assert_collectable(self._path)
        except InputError as error:
            tell(self._end(error).as_json())
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Write how it ended, and tell people."""
        self.night = self.finished(error, settling=True)
        if error is not None:
            tell(self.night.as_json())

    def finished(self, error: BaseException | None, *, settling: bool = False) -> NightEnd:
        """The night that *error* ended, or nothing: written and told."""
        night = self._end(error)
        if settling:
            settle(night.exit_code)
        self.keeper.ended(night, str(error or ""))
        self._write(night)
        if self.wanted and self.wanted.notify.wanted and not isinstance(error, KeyboardInterrupt):
            night = told_of_night(
                night,
                self.wanted,
                base=self._policy.parent,
                url=self.access.url if self.access else "",
                state_dir=self._state_dir,
                leave_message=self._leave_message if self.access else None,
            )
            for each in night.untold:
                say(f"not told: {each}")
            self._write(night)
        return night

    def _write(self, night: NightEnd) -> None:
        try:
            if self._path:
                write_textfile(night, self._path)
        except InputError as failed:
            say(f"no metrics for monitoring: {failed}")

    def _leave_message(self, title: str, body: str, urgent: bool) -> None:  # noqa: FBT001 - a callback
        pool = self._pool().uuid
        if not self.access or not pool:
            raise InputError("the pool", "it was never read, so nobody knows its uuid", "See why it was not")
        patient = replace(self.access.connection, patience_seconds=MESSAGE_PATIENCE, waits_for_silence=False)
        leave_message(self.access.url, patient, pool, f"{title}\n{body}", urgent=urgent)

    def _end(self, error: BaseException | None) -> NightEnd:
        moved, ended, now = self.result.moved if self.result else 0, self.clock.now(), datetime.now(UTC)
        return NightEnd(
            policy=self._called,
            pool=self._pool(),
            began=self._began + (ended - now),
            ended=ended,
            exit_code=exit_code(error) if isinstance(error, RebalancerError) else Exit.ERROR if error else self.code,
            verdict=self._verdict(error),
            result=self.result,
            done=error.done if isinstance(error, StoppedHalfWay) else moved,
            error=_words(error),
            facts=_facts(error),
            journal=error.journal if isinstance(error, StoppedHalfWay) else "",
            next=_ways(error),
            timezone=self.wanted.timezone if self.wanted else "UTC",
        )

    def _pool(self) -> KnownPool:
        """The pool of tonight's plan, else as it was read last."""
        if self.result:
            source = self.result.plan.made_from
            return KnownPool(uuid=source.pool, name=source.pool_name)
        return known_pool(self.access.url if self.access else "", self._state_dir)

    def _verdict(self, error: BaseException | None) -> str:
        if error is not None:
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
        return self.result.verdict.name.lower() if self.result else "unknown"


def _words(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, RebalancerError):
        return str(error)
    return "interrupted" if isinstance(error, KeyboardInterrupt) else f"unforeseen {type(error).__name__}: {error}"


def _facts(error: BaseException | None) -> tuple[str, ...]:
    if not isinstance(error, StoppedHalfWay):
        return ()
    return (*error.facts, f"steps done: {error.done}, not started: {error.left}")


def _ways(error: BaseException | None) -> Mapping[str, str]:
    return error.ways if isinstance(error, StoppedHalfWay) else {}
