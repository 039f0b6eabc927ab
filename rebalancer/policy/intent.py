"""What the policy wants of one pool: groups, pins and reserves in uuids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """VMs that share one host; where not `hard`, that is a wish that counts and never forbids."""

    name: str
    vms: frozenset[Uuid]
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """VMs of which at most `at_most` share a host; where not `hard`, a wish."""

    name: str
    vms: frozenset[Uuid]
    at_most: int = 1
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadOver:
    """VMs of which at most `at_most` are in one failure domain; where not `hard`, a wish.

    `domain` is what the domains are, such as `rack`; `hosts_of` has the hosts of each, by its name.
    """

    name: str
    vms: frozenset[Uuid]
    domain: str
    hosts_of: Mapping[str, frozenset[Uuid]] = field(hash=False)
    at_most: int
    hard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOn:
    """VMs that run on some hosts only; where not `hard`, a wish."""

    name: str
    vms: frozenset[Uuid]
    hosts: frozenset[Uuid]
    hard: bool = True


Wish = Together | Apart | SpreadOver | RunOn
SECTIONS = ("together", "apart", "spread", "run_on")
"""Where the wishes stand, in a policy and in an intent."""


def named(wish: Wish) -> str:
    """A wish in the subject of a limit: its name, and whether it is soft.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> policy = rb.Policy(apart=[{"name": "web", "vms": ["web-000", "web-010"], "hard": False}])
        >>> rb.policy.named(rb.policy.intent_of(policy, state.pool).apart[0])
        "'web' (soft)"
    """
    return f"'{wish.name}'" if wish.hard else f"'{wish.name}' (soft)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """What is kept free on a host: bytes of memory, and pCPUs that count as used."""

    memory_bytes: int = 0
    pcpus: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """All of it; `never_move`, `left_alone`, `last_resort` and `empty` with the words that say who wanted it.

    `left_alone` are those that moved, or failed to, a short while ago, and that stay for now. `cooling` are those of
    them that are in `last_resort` instead. `disk_srs` are the SRs to which disks may go: none where VMs may
    not take disks along. `xendesktop` are the VMs that the policy calls part of a XenDesktop deployment.
    """

    together: tuple[Together, ...] = ()
    apart: tuple[Apart, ...] = ()
    spread: tuple[SpreadOver, ...] = ()
    run_on: tuple[RunOn, ...] = ()
    never_move: Mapping[Uuid, str] = field(default_factory=dict)
    left_alone: Mapping[Uuid, str] = field(default_factory=dict)
    last_resort: Mapping[Uuid, str] = field(default_factory=dict)
    cooling: frozenset[Uuid] = frozenset()
    empty: Mapping[Uuid, str] = field(default_factory=dict)
    reserves: Mapping[Uuid, Reserve] = field(default_factory=dict)
    disk_srs: frozenset[Uuid] = frozenset()
    xendesktop: frozenset[Uuid] = frozenset()

    @property
    def binding(self) -> Intent:
        """What binds: the intent without the wishes that are soft."""
        kept: dict[str, Any] = {name: tuple(wish for wish in getattr(self, name) if wish.hard) for name in SECTIONS}
        return replace(self, **kept)

    def bound_by_each_wish(self) -> Iterator[tuple[str, Intent]]:
        """For each soft wish, by section and name: what binds, and that wish as if it were hard."""
        binding = self.binding
        for section in SECTIONS:
            for wish in getattr(self, section):
                if not wish.hard:
                    changes: dict[str, Any] = {section: (*getattr(binding, section), replace(wish, hard=True))}
                    yield f"{section} {wish.name!r}", replace(binding, **changes)


def intent_digest(intent: Intent) -> str:
    """SHA-256, in hex, over what *intent* wants: equal digests mean that the policy means the same.

    Where nobody is left alone it is what it was before anybody could be.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> said = rb.Policy(), rb.Policy(preset="conservative"), rb.Policy(never_move=["web-000"])
        >>> plain, calm, pinned = (rb.policy.intent_digest(rb.policy.intent_of(each, state.pool)) for each in said)
        >>> plain == calm, plain == pinned
        (True, False)
    """
    wanted = {key: value for key, value in asdict(intent).items() if value or key != "left_alone"}
    text = json.dumps(wanted, default=sorted, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
