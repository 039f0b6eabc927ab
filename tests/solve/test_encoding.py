"""The model accepts what the checker accepts: every placement of tiny pools, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from tests.solve.tiny import accepted_by_checker, accepted_by_model, random_problem, tiny

SPREAD = {"a": ("h1", 8.0), "b": ("h1", 8.0), "c": ("h2", 8.0), "d": ("h3", 4.0)}

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
    "emptied": {"empty": ["h1"]},
    "emptied, with one that stays": {"empty": ["h1"], "held": ["a"]},
    "never moved": {"never_move": ["a", "c"]},
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


@pytest.mark.parametrize("seed", range(25))
def test_model_accepts_what_the_checker_accepts_with_all_rules_at_once(seed: int) -> None:
    """The same with every kind of rule in one pool, broken tonight or not."""
    problem = random_problem(seed)
    assert accepted_by_model(problem) == accepted_by_checker(problem)
