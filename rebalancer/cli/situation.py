"""The first half of every command that thinks about a pool: source and policy become a problem and its rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rebalancer.cli.source import Door, Situation, open_source, with_demand_from
from rebalancer.policy.load import policy_or_default
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A problem with the answers of its rules, and where it came from."""

    situation: Situation
    problem: Problem
    book: Rulebook


def open_case(source: str, policy: Path | None, door: Door, *, metrics: bool, table: Path | None = None) -> Case:
    """The problem behind *source* under *policy*; its demand comes from *table* where one is given.

    Raises:
        InputError: source or policy cannot be used.
        XapiError: the live pool cannot be read.
    """
    wanted = policy_or_default(policy)
    situation = open_source(source, door, wanted.demand, metrics=metrics and table is None)
    if table:
        situation = with_demand_from(situation, table, wanted.demand)
    problem = make_problem(situation.pool, situation.demand, wanted)
    return Case(situation=situation, problem=problem, book=Rulebook.of(problem))
