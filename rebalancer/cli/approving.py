"""What is approved: the plan as it was read, verified where a pool is named, or a part of it as a plan of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.output import say
from rebalancer.errors import IllegalPlan, InputError, StalePlan
from rebalancer.export import MANIFEST_JSON, assert_free, folder_of, has_unvouched, vouched
from rebalancer.face.connection import is_url
from rebalancer.plan import Plan
from rebalancer.units import moment_in_words


def manifest_of(plan: Plan, path: Path) -> str | None:
    """The digest of the manifest of the files beside *plan*; None, and said, where nothing vouches for them.

    Raises:
        PlanFileError: a file is not as it was written.
    """
    found = vouched(plan, path)
    if found is None and has_unvouched(path):
        say(f"{folder_of(path)}: there is no {MANIFEST_JSON}, so that only plan.json is vouched for")
    return found


def assert_can_ask(without: Sequence[str] | None, *, unasked: bool) -> None:
    """Pass if somebody can be asked whether to approve a part that they have not seen, or wants not to be.

    Raises:
        InputError: the part of a plan would be approved unseen.
    """
    if without and not unasked and not sys.stdin.isatty():
        remedy = "Make it with `rebalancer part`, look at it and approve it; or say --yes"
        raise InputError("--without", "nobody has seen the part yet, and there is no terminal to ask at", remedy)


def part_of(plan: Plan, without: Sequence[str], state: rb.PoolState, output: Path, reason: str) -> Plan:
    """What is left of *plan* *without* some steps, saved in *output*; *state* is the pool as the plan knew it.

    Raises:
        InputError: some step cannot be left out by itself.
        StalePlan: the pool has changed.
        IllegalPlan: what is left cannot be made.
    """
    part = rb.without(plan, without, state, reason=reason)
    part.save(output)
    return part


def state_of(plan: Plan, path: Path, source: str | None, connection: rb.Connection) -> rb.PoolState:
    """The pool behind *source*, read as *plan* wants its demand; of a live pool without metrics: the plan has them.

    Without a source, that of the snapshot beside the plan in *path*, as people keep them together.

    Raises:
        InputError: there is neither.
    """
    from rebalancer.rehearse import snapshot_beside  # noqa: PLC0415 - other commands do not rehearse

    found = source or snapshot_beside(path)
    if found is None:
        problem = "a plan tells what its pool was by a digest, and neither in its folder nor beside it lies a snapshot"
        raise InputError(str(path), problem, "Name the pool after the plan, or the snapshot that it was made from")
    source = str(found)
    return rb.read(source, connection, demand=plan.policy.demand, metrics=not is_url(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """What somebody asks for: *plan*, read from *path*, or what is left of it *without* some steps, for *output*."""

    plan: Plan
    path: Path
    source: str | None
    without: Sequence[str]
    output: Path | None
    reason: str

    def plan_to_approve(self, connection: rb.Connection, now: datetime) -> Plan:
        """The plan that stands in its folder, written there if it is a part.

        Raises:
            InputError: the options do not fit each other, or some step cannot be left out by itself.
            StalePlan: the plan has expired, or the pool has changed.
            IllegalPlan: it is not accepted.
        """
        if now > self.plan.expires_at:
            raise StalePlan([f"the plan expired at {moment_in_words(self.plan.expires_at, self.plan.policy.timezone)}"])
        if self.without:
            return self._part(connection)
        if self.output:
            raise InputError("--output", "it is for the plan that --without leaves", "Leave it out")
        if self.source:
            self._verify(self.source, connection, now)
        return self.plan

    def _verify(self, source: str, connection: rb.Connection, now: datetime) -> None:
        state = rb.read(source, connection, demand=self.plan.policy.demand, metrics=False)
        if findings := rb.verify(self.plan, state, now=now):
            raise IllegalPlan([str(finding) for finding in findings])

    def _part(self, connection: rb.Connection) -> Plan:
        if not self.output:
            raise InputError("--without", "it needs a folder for the plan that is left", "Name one with -o")
        assert_free(self.output)
        state = state_of(self.plan, self.path, self.source, connection)
        return part_of(self.plan, self.without, state, self.output, self.reason)
