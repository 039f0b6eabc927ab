"""Telling people of a night that ended. Whatever goes wrong with that changes no end of a night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rebalancer.errors import RebalancerError
from rebalancer.nightly.ending import NightEnd
from rebalancer.nightly.notify.earlier import EarlierNights, earlier_nights, keep_nights
from rebalancer.nightly.notify.occasions import digest, digest_is_due, occasions_of
from rebalancer.nightly.notify.sending import why_unsent
from rebalancer.nightly.notify.targets import targets_of
from rebalancer.policy import Policy
from rebalancer.sanitise import one_line
from rebalancer.units import moment_in_words

PoolMessage = Callable[[str, str, bool], None]
"""Leaves a message in the pool: its title, its body, and whether people have to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiding:
    """What is told at once."""

    title: str
    body: str
    urgent: bool = False


def told_of_night(
    night: NightEnd,
    policy: Policy,
    *,
    base: Path,
    url: str,
    state_dir: Path | None = None,
    leave_message: PoolMessage | None = None,
) -> NightEnd:
    """*night*, once whoever *policy* names was told of it, with what became of that; the night is remembered.

    Args:
        night: how it ended.
        policy: what was wanted.
        base: the folder of the policy file.
        url: where the pool is.
        state_dir: the state folder, which remembers earlier nights.
        leave_message: leaves a message in the pool, where the policy wants one.
    """
    before = earlier_nights(night.policy, url, state_dir)
    after = before.with_night(night)
    tidings = list(_tidings(night, before, after, policy))
    if digest_is_due(night.ended, before, policy.notify, policy.timezone):
        after = replace(after, digest_at=night.ended)
    keep_nights(after, night.policy, url, state_dir)
    outcomes = [outcome for tiding in tidings for outcome in _tell(tiding, policy, base, leave_message)]
    failed = tuple(dict.fromkeys(each for each in outcomes if each))
    return replace(night, told=sum(not each for each in outcomes), untold=failed)


def _tidings(night: NightEnd, before: EarlierNights, after: EarlierNights, policy: Policy) -> Iterator[Tiding]:
    called = one_line(night.pool.name or night.policy)
    found = list(occasions_of(night, before, policy.notify))
    if found:
        head = night.verdict.replace("_", " ")
        told = [f"- {one_line(words)}" for _, words in found]
        ended = f"It ended at {moment_in_words(night.ended, policy.timezone)} with exit code {night.exit_code}."
        more = [f"Plan: {night.result.folder}"] if night.result else []
        more += [f"Journal: {night.journal}"] if night.journal else []
        more += [f"{purpose}: {command}" for purpose, command in night.next.items()]
        body = "\n".join([*told, "", *map(one_line, night.lines), ended, *more, f"Policy: {night.policy}"])
        yield Tiding(title=f"rebalancer, pool {called}: {head}", body=body, urgent=night.failed)
    if digest_is_due(night.ended, before, policy.notify, policy.timezone):
        told_of = digest(after.nights, night.ended, policy.timezone)
        yield Tiding(title=f"rebalancer, pool {called}: the week", body=told_of)


def _tell(tiding: Tiding, policy: Policy, base: Path, leave_message: PoolMessage | None) -> Iterator[str]:
    """For each who is told, "" where that went well, else who was not, and why."""
    for target in targets_of(policy.notify, base):
        why = why_unsent(target, tiding.title, tiding.body)
        yield f"{target.name}: {why}" if why else ""
    if policy.notify.pool_messages:
        yield _in_the_pool(tiding, leave_message)


def _in_the_pool(tiding: Tiding, leave_message: PoolMessage | None) -> str:
    if leave_message is None:
        return "pool message: there is no way into the pool"
    try:
        leave_message(tiding.title, tiding.body, tiding.urgent)
    except RebalancerError as error:
        return f"pool message: {error}"
    return ""
