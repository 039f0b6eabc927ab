"""Pools that XAPI itself was asked about, with all their odd states, can be repaired."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from rebalancer.errors import Infeasible
from rebalancer.inventory import pool_from_records
from rebalancer.policy import Mode, Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook, rules_for
from rebalancer.rules.core.kinds import PoolRule
from rebalancer.solve import solve


def test_every_recorded_pool_is_repaired_or_refused_in_words(shared_data: Callable[[str], Path]) -> None:
    """HA without a plan, VMs in flight, upgrades: a placement that the checker accepts, and breaches never increase."""
    solved = 0
    for path in sorted(shared_data("xapi-verdicts").glob("*.json.gz")):
        pool = pool_from_records(json.loads(gzip.decompress(path.read_bytes()))["records"])
        problem = make_problem(pool, None, Policy(mode=Mode.REPAIR))
        try:
            solution = solve(Rulebook.of(problem))
        except Infeasible:
            continue
        repair = solution.tiers[0]
        assert repair.after <= repair.before, path.name
        pool_rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
        assert Rulebook(problem, pool_rules).violations(solution.placement, since=problem.initial) == (), path.name
        solved += 1
    assert solved >= 45
