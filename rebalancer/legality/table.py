"""The rules as a page of the manual: `python -m rebalancer.legality.table > docs/rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rebalancer.rules.catalogue import LIVE, TO_ANOTHER_POOL, WITH_STORAGE
from rebalancer.rules.core.kinds import DiskRule, HostRule, Origin, PairRule, Rule, VMRule
from rebalancer.rules.core.versions import Version

HEAD = """# Rules

What may move where. A VM that stays breaks no rule: rules about a VM, a target or both judge moves only; a limit that
is broken already may stay so until another VM joins; from then on it has to hold.

The policy chooses between two sets: `documented`, the default, is what XAPI enforces and what the manual asks,
`enforced` is what XAPI enforces. `rules.relax` in the policy names rules of the manual that do not bind, and the plan
then says so. What the operator wants binds always. A VM that takes disks along, where the policy's
`storage_motion.enabled` lets it, obeys the tables about Storage XenMotion instead of what XAPI enforces of XenMotion,
and the rest like any other. What binds on the way to another pool, where `other_pools.enabled` lets a VM go, stands
last. This page is written by `python -m rebalancer.legality.table > docs/rules.md`.
"""

SECTIONS = (
    (
        "What XAPI enforces",
        """In the order in which XAPI asks: the first rule that objects gives the error that XAPI answers. *xapi* is
the first version of xapi that asks, or does not ask any more; where nothing stands there, all do that are known.""",
        LIVE,
        Origin.XAPI,
    ),
    ("What the manual asks", "XAPI does not refuse such a move, or not at this call.", LIVE, Origin.MANUAL),
    (
        "What the operator wants",
        "From the policy, from tags and VM groups in the pool. Groups that are soft forbid nothing and are counted.",
        LIVE,
        Origin.POLICY,
    ),
    (
        "Storage XenMotion: what XAPI enforces",
        """`VM.assert_operation_valid` for migrate_send, which knows nothing of targets, then `VM.assert_can_migrate`,
which knows nothing of blocked operations, so that both have to be asked; then what migrate_send refuses once it has
begun.""",
        WITH_STORAGE,
        Origin.XAPI,
    ),
    ("Storage XenMotion: what the manual asks", "XAPI does not refuse such a move.", WITH_STORAGE, Origin.MANUAL),
    ("Storage XenMotion: what the operator wants", "From the policy.", WITH_STORAGE, Origin.POLICY),
    (
        "To another pool: what XAPI enforces",
        """`VM.assert_operation_valid`, `host.migrate_receive` over there, `VM.assert_can_migrate` with the import over
there, then what migrate_send refuses once it has begun. From `target-live` on XAPI lets it pass, and the move fails
late or loses something. What disks obey inside a pool binds as well.""",
        TO_ANOTHER_POOL,
        Origin.XAPI,
    ),
    ("To another pool: what the operator wants", "Besides all that disks obey.", TO_ANOTHER_POOL, Origin.POLICY),
)


def page() -> str:
    """The page in Markdown, one table for each section."""
    return "\n".join([HEAD, *(_section(*section) for section in SECTIONS)])


def _section(title: str, words: str, motion: Iterable[Rule], origin: Origin) -> str:
    rules = (rule for rule in motion if rule.origin is origin)
    head = "| rule | asks | judges | XAPI's error | xapi | source |\n|---|---|---|---|---|---|"
    return "\n".join([f"## {title}", "", words, "", head, *map(_row, rules), ""])


def _row(rule: Rule) -> str:
    error = f"`{rule.code}`" if rule.code else "none" if rule.origin is Origin.XAPI else ""
    cells = (f"`{rule.id}`", rule.sentence, _judges(rule), error, _versions(rule), rule.source)
    return f"| {' | '.join(cells)} |"


def _versions(rule: Rule) -> str:
    since = f"since {numbered(rule.since)}" if rule.since else ""
    until = f"before {numbered(rule.until)}" if rule.until else ""
    return " ".join(filter(None, (since, until)))


def numbered(version: Version) -> str:
    """A version as xapi writes it."""
    return ".".join(map(str, version))


def _judges(rule: Rule) -> str:
    kinds = ((VMRule, "a VM"), (HostRule, "a target"), (PairRule, "a VM and a target"), (DiskRule, "disks"))
    words = [word for kind, word in kinds if isinstance(rule, kind)]
    return ", ".join([*words, *([f"the pool, {rule.when.value}"] if rule.when else [])])


if __name__ == "__main__":
    sys.stdout.write(page())
