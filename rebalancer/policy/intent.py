"""What the policy wants of one pool: groups, pins and reserves in uuids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """VMs that share one host."""

    name: str
    vms: frozenset[Uuid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """VMs of which at most `at_most` share a host."""

    name: str
    vms: frozenset[Uuid]
    at_most: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOn:
    """VMs that run on some hosts only."""

    name: str
    vms: frozenset[Uuid]
    hosts: frozenset[Uuid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """What is kept free on a host: bytes of memory, and pCPUs that count as used."""

    memory_bytes: int = 0
    pcpus: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """All of it; `never_move` and `empty` with the words that say who wanted it."""

    together: tuple[Together, ...] = ()
    apart: tuple[Apart, ...] = ()
    run_on: tuple[RunOn, ...] = ()
    never_move: Mapping[Uuid, str] = field(default_factory=dict)
    empty: Mapping[Uuid, str] = field(default_factory=dict)
    reserves: Mapping[Uuid, Reserve] = field(default_factory=dict)
