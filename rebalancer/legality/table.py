"""The rules as a page of the manual: `python -m rebalancer.legality.table > docs/rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rebalancer.rules.catalogue import DOCUMENTED, ENFORCED, WANTED
from rebalancer.rules.core.kinds import HostRule, Origin, PairRule, PoolRule, Rule, VMRule
from rebalancer.rules.core.versions import Version
from rebalancer.rules.crossing_catalogue import CROSSING_DISKS, CROSSING_MOTION
from rebalancer.rules.facts.disk_maps import DiskRule
from rebalancer.rules.storage_catalogue import STORAGE_DOCUMENTED, STORAGE_MOTION, STORAGE_OPERATION, STORAGE_WANTED

HEAD = """# Rules

What may move where. A VM that stays breaks no rule: rules about a VM, a target or both judge moves only; a limit that
is broken already may stay so while nobody joins, and as soon as somebody joins it has to hold.

The policy chooses between two sets: `documented`, the default, is all of the first two tables, `enforced` only the
first. `rules.relax` in the policy names rules of the second table that do not bind, and the plan then says so. The
third table binds always. A VM that takes disks along, where the policy's `storage_motion.enabled` lets it, obeys the
tables about Storage XenMotion instead of the first, and the second and third like any other. What else binds on the way
to another pool, where `other_pools.enabled` lets it go, stands last. This page is written by
`python -m rebalancer.legality.table > docs/rules.md`.
"""

SECTIONS = (
    (
        "What XAPI enforces",
        """In the order in which XAPI asks: the first rule that objects gives the error that XAPI answers. *xapi* is
the first version of xapi that asks, or does not ask any more; where nothing stands there, all do that are known.""",
        ENFORCED,
    ),
    ("What the manual asks", "XAPI does not refuse such a move, or not at this call.", DOCUMENTED),
    (
        "What the operator wants",
        "From the policy, from tags and VM groups in the pool. Groups that are soft forbid nothing and are counted.",
        WANTED,
    ),
    (
        "Storage XenMotion: what XAPI enforces of the VM",
        "`VM.assert_operation_valid` for migrate_send. It knows nothing of targets.",
        STORAGE_OPERATION,
    ),
    (
        "Storage XenMotion: what XAPI enforces of the target",
        """`VM.assert_can_migrate` inside a pool, with an SR for every disk. It knows nothing of the former table, so
that both have to be asked.""",
        STORAGE_MOTION,
    ),
    (
        "Storage XenMotion: what neither asks",
        "What migrate_send refuses when it has begun, and what the manual asks.",
        STORAGE_DOCUMENTED,
    ),
    ("Storage XenMotion: what the operator wants", "From the policy.", STORAGE_WANTED),
    (
        "To another pool: what binds instead of the target's table",
        """`host.migrate_receive` on the other side, `VM.assert_can_migrate`, the import on the other side, and what
plans cannot hold. The dry run lets `target-live`, `hvm-capable`, `sane-parameters` and `target-not-evacuating`
pass, and the move would fail. The tables about the VM and about disks bind as inside a pool.""",
        CROSSING_MOTION,
    ),
    ("To another pool: where disks go", "Besides all that disks obey inside a pool.", CROSSING_DISKS),
)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(*section) for section in SECTIONS)])


def _section(title: str, words: str, rules: Iterable[Rule]) -> str:
    """One table, one row a rule."""
    head = "| rule | asks | judges | XAPI's error | xapi | source |\n|---|---|---|---|---|---|"
    return "\n".join([f"## {title}", "", words, "", head, *map(_row, rules), ""])


def _row(rule: Rule) -> str:
    """One rule."""
    error = f"`{rule.code}`" if rule.code else "none" if rule.origin is Origin.XAPI else ""
    cells = (f"`{rule.id}`", rule.sentence, _judges(rule), error, _versions(rule), rule.source)
    return f"| {' | '.join(cells)} |"


def _versions(rule: Rule) -> str:
    """The versions of xapi that have the rule, where not all have it."""
    since = f"since {numbered(rule.since)}" if rule.since else ""
    until = f"before {numbered(rule.until)}" if rule.until else ""
    return " ".join(filter(None, (since, until)))


def numbered(version: Version) -> str:
    """A version as xapi writes it."""
    return ".".join(map(str, version))


def _judges(rule: Rule) -> str:
    """What the rule looks at, and when it holds."""
    kinds = ((VMRule, "a VM"), (HostRule, "a target"), (PairRule, "a VM and a target"), (DiskRule, "disks"))
    words = [word for kind, word in kinds if isinstance(rule, kind)]
    return ", ".join([*words, *([f"the pool, {rule.when.value}"] if isinstance(rule, PoolRule) else [])])


if __name__ == "__main__":
    sys.stdout.write(page())
