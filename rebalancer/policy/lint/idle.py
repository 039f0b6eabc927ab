"""Keys of a policy that ask for nothing, because another key of it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from rebalancer.policy.lint.impossible import Sayings
from rebalancer.policy.model import Policy, RuleSet
from rebalancer.units import first_few

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    """The keys of a section that count for nothing where it is `off`."""

    section: str
    keys: tuple[str, ...]
    off: Callable[[Policy], bool]
    words: str


WEIGHED = ("threshold", "levels")
DISKS = ("srs", "never", "keep_free_gib", "xendesktop")
LANES = ("in_per_host", "out_per_host", "per_link")


def _weightless(resource: str, keys: tuple[str, ...] = WEIGHED) -> _Switch:
    weight = attrgetter(f"objective.{resource}.weight")
    words = "without a weight the resource does not count"
    return _Switch(section=f"objective.{resource}", keys=keys, off=lambda policy: not weight(policy), words=words)


_SWITCHES = (
    _Switch(
        section="demand",
        keys=("budget", "peak_percentile"),
        off=lambda policy: not policy.demand.robust,
        words="without robust = true no peaks count",
    ),
    _weightless("memory"),
    _weightless("network"),
    _weightless("disk", (*WEIGHED, "mb_per_second")),
    _Switch(
        section="rules",
        keys=("relax",),
        off=lambda policy: policy.rules.set is RuleSet.ENFORCED,
        words='with set = "enforced" no documented rule binds',
    ),
    _Switch(
        section="intent",
        keys=("tag_groups",),
        off=lambda policy: not policy.intent.read_tags,
        words="with read_tags = false no tag counts",
    ),
    _Switch(
        section="storage_motion",
        keys=DISKS,
        off=lambda policy: not policy.storage_motion.enabled,
        words="without enabled = true no disk moves",
    ),
    _Switch(
        section="spare",
        keys=("vms",),
        off=lambda policy: not policy.spare.hosts,
        words="with hosts = 0 no host is spared",
    ),
    _Switch(
        section="execution",
        keys=("slow_factor",),
        off=lambda policy: not policy.execution.adaptive,
        words="with adaptive = false nothing is slowed down",
    ),
    _Switch(
        section="pool",
        keys=("retry_minutes",),
        off=lambda policy: policy.pool.retry_until is None,
        words="without retry_until the night is given up at once",
    ),
    _Switch(
        section="history",
        keys=("credentials_file",),
        off=lambda policy: policy.history.url is None,
        words="without url the history is a file",
    ),
    _Switch(
        section="notify",
        keys=("tell", "repeated_nights", "digest_day"),
        off=lambda policy: not policy.notify.wanted,
        words="without to or pool_messages nobody is told",
    ),
)


def idle_keys(policy: Policy) -> Sayings:
    """Keys with another value than their default that nothing comes of, whatever the pool."""
    for switch in _SWITCHES:
        section = attrgetter(switch.section)(policy)
        for key in switch.keys if switch.off(policy) else ():
            if getattr(section, key) != type(section).model_fields[key].default:
                yield f"{switch.section}.{key}", f"{switch.words}: it asks for nothing"
    for resource in policy.demand.resources:
        if not getattr(policy.objective, resource).weight:
            yield "demand.resources", f"{resource} is read and counts for nothing: objective.{resource}.weight is 0"
    yield from _wide_lanes(policy)
    yield from _kept_twice(policy)


def _wide_lanes(policy: Policy) -> Iterator[tuple[str, str]]:
    limits = policy.limits
    for key in LANES:
        if (getattr(limits, key) or 0) > limits.concurrent:
            yield f"limits.{key}", f"{getattr(limits, key)} is never reached: {limits.concurrent} run at once at most"


def _kept_twice(policy: Policy) -> Iterator[tuple[str, str]]:
    if both := sorted({*policy.never_move} & {*policy.last_resort}):
        yield "last_resort", f"{first_few(list(map(repr, both)), SHOWN)} in never_move as well: they stay anyway"
    if both := sorted({*policy.never_move} & {*policy.leave_alone}):
        yield (
            "leave_alone",
            f"{first_few(list(map(repr, both)), SHOWN)} in never_move as well: no maintenance moves them",
        )
