"""The model accepts what the checker accepts: every placement of tiny pools, both ways."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from rebalancer.objectives import Repair
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from tests.solve.tiny import accepted_by_checker, accepted_by_model, random_problem, tiny

SPREAD = {"a": ("h1", 8.0), "b": ("h1", 8.0), "c": ("h2", 8.0), "d": ("h3", 4.0)}

USED = {"a": (3.0, 5.0, 0.0, 1.0), "b": (5.0, 0.0, 2.0, 1.0), "c": (1.0, 6.0, 3.0, 1.0), "d": (4.0, 4.0, 4.0, 4.0)}

CASES: dict[str, dict[str, Any]] = {
    "room for all": {},
    "memory for one more": {"hosts": {"h1": 17.0, "h2": 17.0, "h3": 12.5}},
    "memory for nobody more": {"hosts": {"h1": 16.5, "h2": 8.5, "h3": 4.5}},
    "memory exceeded tonight": {"hosts": {"h1": 12.0, "h2": 30.0, "h3": 3.0}},
    "less than no memory": {"hosts": {"h1": 32.0, "h2": 32.0, "h3": -2.0}},
    "apart": {"apart": [{"name": "g", "vms": ["b", "c", "d"]}]},
    "apart, broken tonight": {"apart": [{"name": "g", "vms": ["a", "b", "c"]}]},
    "at most two": {"apart": [{"name": "g", "vms": ["a", "b", "c", "d"], "at_most": 2}]},
    "together": {"together": [{"name": "g", "vms": ["a", "b"]}]},
    "together, apart tonight": {"together": [{"name": "g", "vms": ["a", "c"]}]},
    "together with one that stays": {"together": [{"name": "g", "vms": ["a", "c"]}], "never_move": ["c"]},
    "run on": {"run_on": [{"name": "g", "vms": ["a", "d"], "hosts": ["h1", "h3"]}]},
    "run on, broken tonight": {"run_on": [{"name": "g", "vms": ["a", "b"], "hosts": ["h2"]}]},
    "spread": {"spread": [{"name": "g", "vms": ["a", "c", "d"], "domain": "rack", "at_most": 2}]},
    "spread, broken tonight": {"spread": [{"name": "g", "vms": ["a", "b", "c"], "domain": "rack"}]},
    "emptied": {"empty": ["h1"]},
    "emptied, with one that stays": {"empty": ["h1"], "held": ["a"]},
    "never moved": {"never_move": ["a", "c"]},
    "load for one more": {"load": USED, "limits": {"host_load": {"cpu": 0.75}}},
    "load for nobody more": {"load": USED, "limits": {"host_load": {"cpu": 0.5}}},
    "load exceeded tonight": {"load": USED, "limits": {"host_load": {"cpu": 0.3}}},
    "so many VMs on a host": {"limits": {"vms_per_host": {"at_most": 2}}},
    "more VMs on a host tonight": {"limits": {"vms_per_host": {"at_most": 1}}},
    "so many vCPUs on a host": {"limits": {"vcpus_per_pcpu": {"at_most": 0.25}}},
    "more vCPUs on a host tonight": {"limits": {"vcpus_per_pcpu": {"at_most": 0.125}}},
    "reserved": {"hosts": {"h1": 17.0, "h2": 17.0, "h3": 12.5}, "reserve": [{"hosts": ["h3"], "memory_mib": 4096}]},
}


@pytest.mark.parametrize("case", CASES)
def test_model_accepts_what_the_checker_accepts(case: str) -> None:
    """Neither side knows a placement that the other does not, and there is always one: to stay."""
    problem = tiny(SPREAD, **CASES[case])
    accepted = accepted_by_checker(problem)
    assert tuple(problem.initial.host_of.values()) in accepted
    assert accepted_by_model(problem) == accepted


def test_cases_exclude_something() -> None:
    """Every case but the first forbids placements, so that equality says something."""
    free = len(accepted_by_checker(tiny(SPREAD)))
    assert free == 3**4
    assert all(len(accepted_by_checker(tiny(SPREAD, **CASES[case]))) < free for case in list(CASES)[1:])


SOFT: dict[str, dict[str, Any]] = {
    "soft apart": {"apart": [{"name": "g", "vms": ["a", "b", "c"], "hard": False}]},
    "soft together": {"together": [{"name": "g", "vms": ["a", "c"], "hard": False}]},
    "soft spread": {"spread": [{"name": "g", "vms": ["a", "b", "c"], "domain": "rack", "hard": False}]},
    "soft number of VMs": {"limits": {"vms_per_host": {"at_most": 1, "hard": False}}},
    "soft number of vCPUs": {"limits": {"vcpus_per_pcpu": {"at_most": 0.15, "hard": False}}},
    "soft run on": {"run_on": [{"name": "g", "vms": ["a", "d"], "hosts": ["h3"], "hard": False}]},
}


@pytest.mark.parametrize("case", SOFT)
def test_a_soft_group_forbids_nothing(case: str) -> None:
    """Model and checker accept every placement there is, as without the group."""
    problem = tiny(SPREAD, **SOFT[case])
    assert len(accepted_by_checker(problem)) == 3**4
    assert accepted_by_model(problem) == accepted_by_checker(problem)


BROKEN = (
    "apart, broken tonight",
    "together, apart tonight",
    "load exceeded tonight",
    "more VMs on a host tonight",
    "more vCPUs on a host tonight",
)


@pytest.mark.parametrize("case", [*BROKEN, *SOFT])
@pytest.mark.parametrize("held", [[], ["a"]])
def test_the_model_counts_what_repair_counts(case: str, held: list[str]) -> None:
    """Breaches of every accepted placement, hard and soft, are in the model what the objective says they are."""
    sections: dict[str, Any] = (SOFT | CASES)[case]
    problem = tiny(SPREAD, held=held, **sections)
    instance = instance_of(Rulebook.of(problem))
    model, goal = TierProblem(instance=instance, objective=Repair()).model(Scope(free=instance.legal, at=instance.home))
    for hosts in product(range(3), repeat=len(instance.units)):
        at = np.array(hosts, dtype=np.int64)
        placement = placement_of(instance, at)
        if instance.legal[np.arange(len(at)), at].all() and is_accepted(problem, placement):
            assert model.value(goal, at) == Repair().value(placement, Rulebook.of(problem))


def is_accepted(problem: Problem, placement: Placement) -> bool:
    """Whether no pool rule is broken."""
    return not Rulebook(problem, [each for each in rules_for(problem) if isinstance(each, PoolRule)]).violations(
        placement, since=problem.initial
    )


@pytest.mark.parametrize("seed", range(25))
def test_model_accepts_what_the_checker_accepts_with_all_rules_at_once(seed: int) -> None:
    """Every kind of rule in one pool, broken at first or not, binds in the model as the checker says."""
    problem = random_problem(seed)
    assert accepted_by_model(problem) == accepted_by_checker(problem)
