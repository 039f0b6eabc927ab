"""Edits of what is wanted: rules relaxed, groups added and dropped, keys of the policy changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rebalancer.errors import InputError
from rebalancer.policy import Policy
from rebalancer.policy.intent import SECTIONS
from rebalancer.policy.toml import validated
from rebalancer.rules import relaxed
from rebalancer.whatif.scenarios.edit import Edit, Situation, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Relax(Edit):
    """Documented rules do not bind; XAPI's own cannot be relaxed."""

    key: ClassVar[str] = "relax"
    main: ClassVar[str] = "rules"
    rules: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words."""
        return f"relax {listed(self.rules)}"

    def applied(self, now: Situation) -> Situation:
        """*now* without them.

        Raises:
            InputError: none is named.
            PolicyError: there is no such rule, or it is XAPI's, or the policy's own.
        """
        if not self.rules:
            raise InputError(self.words.strip(), "no rule is named", "Name at least one; docs/rules.md lists them")
        wanted = now.policy.rules
        more = tuple(dict.fromkeys((*wanted.relax, *self.rules)))
        policy = now.policy.model_copy(update={"rules": wanted.model_copy(update={"relax": more})})
        relaxed(policy)
        return replace(now, policy=policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropGroup(Edit):
    """A group of the policy is no more, by its name."""

    key: ClassVar[str] = "drop_group"
    main: ClassVar[str] = "name"
    name: str

    @property
    def words(self) -> str:
        """In words."""
        return f"drop group {self.name}"

    def applied(self, now: Situation) -> Situation:
        """*now* without it.

        Raises:
            InputError: the policy has no group of this name.
        """
        kept = {
            section: tuple(each for each in getattr(now.policy, section) if each.name != self.name)
            for section in SECTIONS
        }
        changed = {section: groups for section, groups in kept.items() if groups != getattr(now.policy, section)}
        if not changed:
            raise InputError(self.words, "the policy has none of this name", "Name a group of the policy file")
        return replace(now, policy=now.policy.model_copy(update=changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGroup(Edit):
    """VMs are kept `together`, `apart`, `spread` over domains, or `run_on` hosts, as in a policy file."""

    key: ClassVar[str] = "add_group"
    main: ClassVar[str] = "kind"
    kind: str
    name: str
    vms: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    at_most: int | None = None
    domain: str | None = None
    hard: bool = True

    @property
    def words(self) -> str:
        """In words."""
        return f"add group {self.name} ({self.kind}): {listed(self.vms)}"

    def applied(self, now: Situation) -> Situation:
        """*now* with it.

        Raises:
            InputError: there is no such kind.
            PolicyError: the group is none that a policy may have.
        """
        if self.kind not in SECTIONS:
            raise InputError(self.words, f"there is no kind {self.kind!r}", f"Say {', '.join(SECTIONS)}")
        optional = {"hosts": list(self.hosts) or None, "at_most": self.at_most, "domain": self.domain}
        group: dict[str, Any] = {"name": self.name, "vms": list(self.vms), "hard": self.hard}
        group |= {key: value for key, value in optional.items() if value is not None}
        given = plain(now.policy)
        return replace(now, policy=policy_of({**given, self.kind: [*given.get(self.kind, []), group]}, self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPolicy(Edit):
    """Keys of the policy have other values: `{"objective.threshold": 0.6}`; values are held as JSON."""

    key: ClassVar[str] = "policy"
    main: ClassVar[str] = "changes"
    changes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, changes: Mapping[str, object]) -> SetPolicy:
        """Of keys with dots, or of sections as in a policy file.

        Raises:
            InputError: these are no keys and values.
        """
        given: object = changes
        if not isinstance(given, Mapping) or not given:
            remedy = 'Write them as {"objective.threshold": 0.6}'
            raise InputError("policy", f"{changes!r} are no keys and values", remedy)
        flat = dict(_flat(changes))
        return cls(changes=tuple((key, json.dumps(value, default=str)) for key, value in sorted(flat.items())))

    @property
    def words(self) -> str:
        """In words."""
        return f"set {', '.join(f'{key} = {value}' for key, value in self.changes)}"

    def as_toml(self) -> dict[str, object]:
        """The keys with dots, in a table."""
        return {self.key: {key: json.loads(value) for key, value in self.changes}}

    def applied(self, now: Situation) -> Situation:
        """*now* with them.

        Raises:
            PolicyError: a key is unknown, or its value out of range.
        """
        given = plain(now.policy)
        for key, value in self.changes:
            *sections, last = key.split(".")
            here = given
            for section in sections:
                here = here.setdefault(section, {})
                if not isinstance(here, dict):
                    raise InputError(self.words, f"{section!r} is no section", "Name keys as in a policy file")
            here[last] = json.loads(value)
        return replace(now, policy=policy_of(given, self.words))


def _flat(changes: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def plain(policy: Policy) -> dict[str, Any]:
    """What *policy* was given, as JSON has it."""
    found: dict[str, Any] = json.loads(json.dumps(policy.given(), default=str))
    return found


def policy_of(given: dict[str, Any], where: str) -> Policy:
    """The policy of these keys.

    Raises:
        PolicyError: a key is unknown, or its value out of range.
    """
    return validated(given, Policy, where)
