"""All that a policy asks for in vain in one pool: by itself, by what the rules let single VMs do, and to spare."""

from __future__ import annotations

from rebalancer.inventory import Pool
from rebalancer.legality.group_findings import check_groups
from rebalancer.legality.spare_findings import check_spare
from rebalancer.policy import Policy, PolicyFinding, check_policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook

IMPOSSIBLE = "cannot be kept"


def policy_findings(policy: Policy, pool: Pool) -> tuple[PolicyFinding, ...]:
    """What *policy* cannot get in *pool*; a wish that contradicts others is not judged once more by the rules.

    Raises:
        PolicyError: it names what the pool does not have, or cannot be followed at all.
    """
    found = check_policy(policy, pool)
    book = Rulebook.of(make_problem(pool, None, policy))
    said = {each.where for each in found if each.words.endswith(IMPOSSIBLE)}
    more = (each for each in check_groups(book) if each.where not in said)
    return (*found, *more, *check_spare(book))
