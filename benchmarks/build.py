"""How long models take to build: ours, against the same code that writes its rows as `sum(c * x)`.

    python -m benchmarks.build [SHAPE] [--seed N] [--seconds S]

Every model that one whole run builds is built again both ways, from the same scope, and compared row for row. Both
ways find out alike who weighs on which row; ours then writes lists into the protocol buffer, theirs makes CP-SAT
expressions. `lists` is what it takes to write the finished lists, and nothing else.
Times are the least of three.

The table has a line for the whole pool, one for models of about the same size, and one for the run: the ratio of all
that it spends on building. Ends with 1 where a model is not the same, or the whole pool takes more than a tenth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.generate import generate
from benchmarks.neutral import RULES, problem_of
from rebalancer.objectives import Balance
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.proto_writer import ProtoWriter
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.model.variables import Scope

SHAPE, SEED, SECONDS = "64x1500-h", 1, 10.0
REPEATS = 3
RATIO = 0.1
SIZES = (200, 500, 1000, 2000, 5000)
"""Booleans up to which a model belongs to a line of the table."""

T = TypeVar("T")
Row = tuple[Any, ...]
Built = tuple[TierProblem, Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Booleans, rows and coefficients of models; milliseconds of CPU time to build them; whether they are the same."""

    booleans: int
    rows: int
    terms: int
    ours: float
    lists: float
    summed: float
    same: bool

    @property
    def ratio(self) -> float:
        """Ours as a share of theirs."""
        return self.ours / self.summed


class Summed(ProtoWriter):
    """The same model through CP-SAT's own variables and expressions, one for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.cp = cp_model.CpModel(self.proto)
        self._x: list[cp_model.IntVar] = []

    def model(self) -> cp_model.CpModel:
        """The model that the expressions were added to."""
        return self.cp

    def add_booleans(self, count: int) -> None:
        """So many variables that are 0 or 1."""
        self._x.extend(self.cp.new_bool_var("") for _ in range(count))

    def add_variables(self, uppers: Sequence[int]) -> range:
        """A variable from 0 to each of *uppers*."""
        first = len(self._x)
        self._x.extend(self.cp.new_int_var(0, upper, "") for upper in uppers)
        return range(first, first + len(uppers))

    def at_most(
        self, variables: Sequence[int], coefficients: Sequence[int], upper: int, *, given: int | None = None
    ) -> None:
        """A weighted sum is at most *upper*, where the literal *given* holds if it is named."""
        # CP-SAT takes no row over nothing: to Python it is true or false.
        if variables:
            row = self.cp.add(self._expression(variables, coefficients) <= upper)
            row.only_enforce_if(*[] if given is None else [self._x[given]])

    def exactly_one(self, literals: Sequence[int]) -> None:
        """One of *literals* holds."""
        self.cp.add_exactly_one(self._x[each] for each in literals)

    def implies(self, cause: int, effect: int) -> None:
        """Where *cause* holds, *effect* holds."""
        self.cp.add_implication(self._x[cause], self._x[effect])

    def fix(self, variable: int, value: int) -> None:
        """*variable* is *value*."""
        self.cp.add(self._x[variable] == value)

    def minimise(self, variables: Sequence[int], coefficients: Sequence[int], offset: int) -> None:
        """Look for the smallest weighted sum, *offset* included."""
        self.cp.minimize(self._expression(variables, coefficients) + offset)

    def _expression(self, variables: Sequence[int], coefficients: Sequence[int]) -> Any:  # noqa: ANN401 - an expression, or 0
        """The expression."""
        return sum(c * self._x[each] for each, c in zip(variables, coefficients, strict=True))


def main(arguments: list[str] | None = None) -> int:
    """Solve, build everything again both ways, print; 1 where the whole pool takes more than a tenth."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=__doc__)
    parser.add_argument("shape", nargs="?", default=SHAPE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args(arguments)
    problem = problem_of(generate(chosen.shape, chosen.seed), seconds=chosen.seconds, seed=chosen.seed)
    tier = TierProblem(instance=instance_of(Rulebook(problem, RULES)), objective=Balance())
    whole = _cost(tier, tier.whole())
    costs = [_cost(tier, scope) for tier, scope in _built_by(problem)]
    _print_table(whole, costs)
    return int(whole.ratio > RATIO or not all(cost.same for cost in (whole, *costs)))


def _built_by(problem: Problem) -> list[Built]:
    """All models with something to decide that a run of *problem* builds, by tier and scope."""
    found: list[Built] = []
    build = TierProblem.model

    def recorded(tier: TierProblem, scope: Scope) -> Any:  # noqa: ANN401 - what it returns is passed on
        if scope.free.any():
            # The solver goes on to watch more in the same array.
            watched = None if scope.watched is None else scope.watched.copy()
            found.append((tier, replace(scope, watched=watched)))
        return build(tier, scope)

    with patch.object(TierProblem, "model", recorded):
        solve(Rulebook(problem, RULES))
    return found


def _cost(tier: TierProblem, scope: Scope) -> Cost:
    """What one model takes."""
    model, ours = _quickest(lambda: _model(tier, scope))
    with patch("rebalancer.solve.model.variables.ProtoWriter", Summed):
        theirs, summed = _quickest(lambda: _model(tier, scope))
    rows = list(_rows(model))
    domains = [tuple(variable.domain) for variable in model.writer.proto.variables]
    lists = _quickest(lambda: _written(domains, rows))[1]
    return Cost(
        booleans=len(model.units),
        rows=model.writer.rows,
        terms=model.writer.terms,
        ours=ours,
        lists=lists,
        summed=summed,
        same=rows == list(_rows(theirs)),
    )


def _model(tier: TierProblem, scope: Scope) -> PlacementModel:
    """The model as the solver builds it, with its goal, ready for CP-SAT."""
    model, goal = tier.model(scope)
    model.minimise(goal)
    model.writer.model()
    return model


def _quickest(work: Callable[[], T]) -> tuple[T, float]:
    """What *work* returns, and the least CPU time that it took, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return result, 1000 * min(times)


def _rows(model: PlacementModel) -> Iterator[Row]:
    """The rows of a model: kind, condition, and literals, or upper limit, variables in order and coefficients."""
    for row in model.writer.proto.constraints:
        if row.has_linear() and not row.linear.vars:
            continue
        given = list(row.enforcement_literal)
        if row.has_exactly_one():
            yield "one", given, list(row.exactly_one.literals)
        elif row.has_linear():
            variables, coefficients = np.array(row.linear.vars), np.array(row.linear.coeffs)
            order = np.argsort(variables, kind="stable")
            yield "sum", given, row.linear.domain[1], variables[order].tolist(), coefficients[order].tolist()
        else:
            # An implication is a clause for CP-SAT's own method, and a condition for ours.
            yield "or", sorted([*(-1 - each for each in given), *row.bool_or.literals, *row.bool_and.literals])


def _written(domains: list[Row], rows: list[Row]) -> None:
    """Write finished lists, and nothing else."""
    proto = cp_model.CpModel().proto
    for domain in domains:
        proto.variables.add().domain.extend(domain)
    for kind, *rest in rows:
        constraint = proto.constraints.add()
        if kind == "sum":
            constraint.linear.domain.extend((0, rest[1]))
            constraint.linear.vars.extend(rest[2])
            constraint.linear.coeffs.extend(rest[3])
        else:
            (constraint.exactly_one if kind == "one" else constraint.bool_or).literals.extend(rest[-1])


def _print_table(whole: Cost, costs: Sequence[Cost]) -> None:
    """A line for the whole pool, one for each size of what a run builds, one for the run."""
    print("means for one model; milliseconds of CPU time")
    print(" " * 18 + "models booleans   rows    terms    ours   lists sum(c*x) ratio")
    _print_line("the whole model", [whole])
    for low, high in pairwise((0, *SIZES)):
        _print_line(f"up to {high}", [cost for cost in costs if low < cost.booleans <= high])
    _print_line("larger ones", [cost for cost in costs if cost.booleans > SIZES[-1]])
    _print_line("the run", costs)


def _print_line(name: str, costs: Sequence[Cost]) -> None:
    """The means of some models, and the ratio of their sums."""
    if not costs:
        return
    kinds = ("booleans", "rows", "terms", "ours", "lists", "summed")
    booleans, rows, terms, ours, lists, summed = (np.mean([getattr(cost, kind) for cost in costs]) for kind in kinds)
    print(
        f"{name:18}{len(costs):6} {booleans:8.0f} {rows:6.0f} {terms:8.0f} {ours:7.2f} {lists:7.2f} {summed:8.2f}"
        f" {ours / summed:.3f}{'' if all(cost.same for cost in costs) else '  NOT THE SAME'}"
    )


if __name__ == "__main__":
    sys.exit(main())
