"""What could be done without, on paper: rules, groups and limits, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from rebalancer.policy import Policy
from rebalancer.policy.intent import SECTIONS, Intent
from rebalancer.problem import Problem, make_problem, tagged_to_hold
from rebalancer.rules import Origin, Rule, Rulebook
from rebalancer.units import counted
from rebalancer.whatif.scenarios.edit import Edit, Situation
from rebalancer.whatif.scenarios.wishes import DropGroup, Relax, SetPolicy

GROUPED: Final = {"keep-together", "keep-apart", "spread-over-domains", "must-run-on"}
"""Rules that are priced group by group."""
KEYS: Final = {
    "host-load": "limits.host_load",
    "vms-per-host": "limits.vms_per_host",
    "vcpus-per-pcpu": "limits.vcpus_per_pcpu",
}
"""Keys of the policy that ask for a rule, and for nothing else."""
LIMITS: Final[dict[str, float | None]] = {
    "limits.maximum_moves": None,
    "limits.maximum_gib": None,
    "limits.minimum_gain_pcpu_hours": 0.0,
    "capacity.pcpu_reserve": 0.0,
}
"""Limits that are no rules: keys of the policy, and the value that limits nothing."""


class WaiverKind(StrEnum):
    """What has a price."""

    RULE = "rule"
    GROUP = "group"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Something that could be done without.

    Args:
        kind: what it is.
        name: a rule by its id, a group by its name, a limit by its key.
        section: the section of the policy in which a group would stand; empty else.
        says: what it asks, in words.
        origin: who asks: XAPI's code, the manual, or the operator.
        edit: the edit that does without it, where there is one.
        how: what doing without it takes, in words; empty for XAPI's own rules, which nothing relaxes.
        only: moves of one VM to one host that it alone forbids, where that is known.
    """

    kind: WaiverKind
    name: str
    section: str = ""
    says: str
    origin: Origin
    edit: Edit | None = None
    how: str
    only: int | None = None

    @property
    def relaxable(self) -> bool:
        """Whether anybody may do without it, not only on paper."""
        return self.origin is not Origin.XAPI

    @property
    def label(self) -> str:
        """The kind and the name, which tells it from all others."""
        return f"{self.section or self.kind} {self.name}"

    def book(self, now: Situation) -> Rulebook:
        """The rules of *now* without it."""
        if self.edit is not None:
            return Rulebook.of(problem_of(self.edit.applied(now)))
        problem = problem_of(now)
        if self.kind is WaiverKind.GROUP:
            return Rulebook.of(replace(problem, intent=_without(problem.intent, self.section, self.name)))
        return Rulebook.of(problem).without(self.name)


def problem_of(now: Situation) -> Problem:
    """The problem of *now*, with hosts and VMs held that a tag holds."""
    return make_problem(now.pool, now.demand, now.policy, on_hold=tagged_to_hold(now.pool, now.policy))


def waivers(book: Rulebook) -> tuple[Waiver, ...]:
    """All that the policy, the manual and XAPI ask of the problem of *book*, each thing once."""
    rules = (_of_rule(rule) for rule in book.rules if rule.id not in GROUPED)
    return (*rules, *_groups(book.problem), *_limits(book.problem.policy))


def _of_rule(rule: Rule) -> Waiver:
    edit: Edit | None = None
    how = "" if rule.origin is Origin.XAPI else "change the policy, or the tag, that asks for it"
    if rule.origin is Origin.MANUAL:
        edit = Relax(rules=(rule.id,))
    elif rule.id in KEYS:
        edit = SetPolicy.of({KEYS[rule.id]: None})
    elif rule.id == "spare":
        edit = SetPolicy.of({"spare.hosts": 0})
    return Waiver(
        kind=WaiverKind.RULE,
        name=rule.id,
        says=rule.sentence,
        origin=rule.origin,
        edit=edit,
        how=how if edit is None else edit.words,
    )


def _groups(problem: Problem) -> Iterator[Waiver]:
    """Those of the policy file, and those that tags and the pool's own groups make."""
    in_file = {group.name for section in SECTIONS for group in getattr(problem.policy, section)}
    for section in SECTIONS:
        for wish in getattr(problem.intent, section):
            edit = DropGroup(name=wish.name) if wish.name in in_file else None
            yield Waiver(
                kind=WaiverKind.GROUP,
                name=wish.name,
                section=section,
                says=f"{counted(len(wish.vms), 'VM')}, {section}{'' if wish.hard else ', a wish'}",
                origin=Origin.POLICY,
                edit=edit,
                how="remove the tag, or the group of the pool" if edit is None else edit.words,
            )


def _limits(policy: Policy) -> Iterator[Waiver]:
    """Those that limit anything as the policy has them."""
    for key, nothing in LIMITS.items():
        section, _, name = key.partition(".")
        value = getattr(getattr(policy, section), name)
        if value != nothing:
            edit = SetPolicy.of({key: nothing})
            says = f"{key} = {value:g}"
            yield Waiver(kind=WaiverKind.LIMIT, name=key, says=says, origin=Origin.POLICY, edit=edit, how=edit.words)


def _without(intent: Intent, section: str, name: str) -> Intent:
    kept: dict[str, Any] = {section: tuple(wish for wish in getattr(intent, section) if wish.name != name)}
    return replace(intent, **kept)
