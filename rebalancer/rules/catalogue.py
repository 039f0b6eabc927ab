"""All rules, in the order in which XAPI asks: the first objection is XAPI's answer."""

from __future__ import annotations

from difflib import get_close_matches

from rebalancer.errors import PolicyError
from rebalancer.policy import RuleSet
from rebalancer.problem import Problem
from rebalancer.rules.base import Origin, Rule
from rebalancer.rules.demand_known import DemandKnown
from rebalancer.rules.enough_memory import EnoughMemory
from rebalancer.rules.host_to_be_emptied import HostToBeEmptied
from rebalancer.rules.keep_apart import KeepApart
from rebalancer.rules.keep_together import KeepTogether
from rebalancer.rules.must_run_on import MustRunOn
from rebalancer.rules.never_move import NeverMove
from rebalancer.rules.no_conflicting_op import NoConflictingOp
from rebalancer.rules.not_control_domain import NotControlDomain
from rebalancer.rules.not_snapshot import NotSnapshot
from rebalancer.rules.not_template import NotTemplate
from rebalancer.rules.op_not_blocked import OpNotBlocked
from rebalancer.rules.shared_sr_visible import SharedSRVisible
from rebalancer.rules.target_enabled import TargetEnabled
from rebalancer.rules.target_live import TargetLive
from rebalancer.rules.vm_running import VMRunning

CATALOGUE: tuple[Rule, ...] = (
    OpNotBlocked(),
    VMRunning(),
    NoConflictingOp(),
    NotTemplate(),
    NotSnapshot(),
    NotControlDomain(),
    TargetLive(),
    TargetEnabled(),
    SharedSRVisible(),
    EnoughMemory(),
    NeverMove(),
    DemandKnown(),
    HostToBeEmptied(),
    MustRunOn(),
    KeepApart(),
    KeepTogether(),
)


def rules_for(problem: Problem) -> tuple[Rule, ...]:
    """The rules that bind this problem: the policy's set, without the documented ones that it relaxes.

    Raises:
        PolicyError: the policy relaxes a rule that does not exist, or one that is not its to relax.
    """
    gone = set(relaxed(problem))
    enforced = problem.policy.rules.set is RuleSet.ENFORCED
    return tuple(rule for rule in CATALOGUE if rule.id not in gone and not (enforced and rule.origin is Origin.MANUAL))


def relaxed(problem: Problem) -> tuple[str, ...]:
    """Ids of the documented rules that the policy does without, for the plan to say so.

    Raises:
        PolicyError: an id that no documented rule has.
    """
    for rule in problem.policy.rules.relax:
        _refuse_unless_documented(rule)
    return tuple(sorted(set(problem.policy.rules.relax)))


def _refuse_unless_documented(rule: str) -> None:
    """Only a rule that XAPI does not enforce can be relaxed."""
    origins = {each.id: each.origin for each in CATALOGUE}
    if rule not in origins:
        near = get_close_matches(rule, origins, n=1)
        remedy = f"Perhaps {near[0]!r} is meant" if near else "The rules are listed in docs/rules.md"
        raise PolicyError("rules.relax", f"there is no rule {rule!r}", remedy)
    if origins[rule] is Origin.XAPI:
        raise PolicyError("rules.relax", f"rule {rule!r} is enforced by XAPI", "Only documented rules can be relaxed")
    if origins[rule] is Origin.POLICY:
        raise PolicyError("rules.relax", f"rule {rule!r} is the policy's own", "Change the policy where it states it")
