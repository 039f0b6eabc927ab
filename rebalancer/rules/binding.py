"""Which rules of the catalogue bind: by the policy's set, what it relaxes, and the pool's version."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rebalancer.errors import PolicyError
from rebalancer.policy import Policy, RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.catalogue import LIVE, TO_ANOTHER_POOL, WITH_STORAGE
from rebalancer.rules.core.kinds import DiskRule, HostRule, Origin, PairRule, Rule, VMRule
from rebalancer.rules.core.versions import xapi_versions
from rebalancer.rules.disks.sr_space import SpaceOnTarget


def rules_for(problem: Problem) -> tuple[Rule, ...]:
    """The rules that bind XenMotion: the policy's set, as the pool's version has it, without what it relaxes.

    Of pools of several versions, what one of them asks binds in all.

    Raises:
        PolicyError: the policy relaxes a rule that does not exist, or one that is not its to relax.
    """
    relaxed(problem.policy)
    return tuple(rule for rule in LIVE if _binds(rule, problem))


def rules_with_disks(motion: Sequence[Rule], problem: Problem, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of *motion*, WITH_STORAGE or TO_ANOTHER_POOL, that bind, but for disks and limits.

    Of *rules*, those of the manual and of the operator that *motion* does not name bind such a move like any other,
    `must-run-on` and `host-to-be-emptied` as rules about its target.
    """
    own = [rule for rule in motion if _binds(rule, problem)]
    ids = {rule.id for rule in own}
    others = [rule for rule in rules if rule.origin is not Origin.XAPI and rule.id not in ids]
    return tuple(rule for rule in (*own, *others) if isinstance(rule, (VMRule, HostRule, PairRule)))


def disk_rules(problem: Problem) -> tuple[DiskRule, ...]:
    """What the disks that go along obey, inside the pool and beyond.

    At every step the ledger has a word on space, by `sr-space`; `space-on-target` is about the present only.
    """
    found = {rule.id: rule for rule in (*WITH_STORAGE, *TO_ANOTHER_POOL) if isinstance(rule, DiskRule)}
    return tuple(rule for rule in found.values() if not isinstance(rule, SpaceOnTarget) and _binds(rule, problem))


def _binds(rule: Rule, problem: Problem) -> bool:
    wanted, versions = problem.policy.rules, xapi_versions(problem.pool)
    documented = wanted.set is RuleSet.DOCUMENTED and rule.id not in wanted.relax
    return any(map(rule.binds, versions)) and (rule.origin is not Origin.MANUAL or documented)


def relaxed(policy: Policy) -> tuple[str, ...]:
    """Ids of the documented rules that *policy* does without, for the plan to say so.

    Raises:
        PolicyError: an id that no documented rule has.
    """
    for rule in policy.rules.relax:
        _refuse_unless_documented(rule)
    return tuple(sorted(set(policy.rules.relax)))


def _refuse_unless_documented(rule: str) -> None:
    origins = {each.id: each.origin for each in (*LIVE, *WITH_STORAGE, *TO_ANOTHER_POOL)}
    if rule not in origins:
        near = get_close_matches(rule, origins, n=1)
        remedy = f"Perhaps {near[0]!r} is meant" if near else "The rules are listed in docs/rules.md"
        raise PolicyError("rules.relax", f"there is no rule {rule!r}", remedy)
    if origins[rule] is Origin.XAPI:
        raise PolicyError("rules.relax", f"rule {rule!r} is enforced by XAPI", "Only documented rules can be relaxed")
    if origins[rule] is Origin.POLICY:
        raise PolicyError("rules.relax", f"rule {rule!r} is the policy's own", "Change the policy where it states it")
