"""How long models take to build: ours, written into the protocol buffer, against the same through `sum(c * x)`.

    python -m benchmarks.build

The same model is made again from its own lists of variables and coefficients with CP-SAT's expressions, and compared
row for row. Our time includes everything that makes up those lists; theirs does not. `lists` is what it takes to write
finished lists into the protocol buffer, row by row, and nothing else: where that alone takes more than a tenth of the
time of expressions, as in parts of a few hundred rows, a tenth is out of reach. Ends with 1 where ours takes more than
a tenth although lists take less than half of that, or anywhere much more than expressions do.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.generate import generate
from benchmarks.neutral import RULES, problem_of
from rebalancer.objectives import Balance
from rebalancer.solve.bounder import worth_watching
from rebalancer.solve.goal import Goal
from rebalancer.solve.holdings import overload_limits
from rebalancer.solve.model import PlacementModel, Scope
from rebalancer.solve.neighbourhood import Neighbourhoods
from rebalancer.solve.prepare import prepare
from rebalancer.solve.shift import shifted
from rebalancer.solve.stage import Stage

INSTANCE, SEED = "64x1500-h", 1
PARTS, REPEATS = 12, 5
RATIO, MOST = 0.1, 1.25
LOWEST = -(2**62)

T = TypeVar("T")
Row = tuple[Any, ...]


def main() -> int:
    """Measure, print, compare; 1 where a model takes more than a tenth, or is not the same."""
    stage, cases = _cases()
    print(f"{INSTANCE}, seed {SEED}; milliseconds of CPU time")
    print(f"{'':12}{'booleans':>9} {'rows':>6} {'ours':>8} {'lists':>8} {'sum(c*x)':>9} {'ratio':>6} {'lists':>6}")
    kept = [_measured(name, stage, scope) for name, scope in cases]
    return int(not all(kept))


def _cases() -> tuple[Stage, list[tuple[str, Scope]]]:
    """What the solver does on one instance, and the scopes of models that it builds."""
    prepared = prepare(problem_of(generate(INSTANCE, SEED), seconds=60, seed=SEED), RULES)
    stage = Stage(prepared=prepared, objective=Balance())
    limits, random = overload_limits(prepared), np.random.default_rng(SEED)
    at = shifted(stage, prepared.home, limits, 0.0, random)
    relaxed = Scope(free=prepared.legal, at=prepared.home, watched=worth_watching(prepared, limits))
    near = Neighbourhoods(prepared, limits, random)
    parts = [(f"part {number}", Scope(free=near.choose(at), at=at)) for number in range(PARTS)]
    return stage, [("whole", stage.whole()), ("relaxation", relaxed), *parts]


def _measured(name: str, stage: Stage, scope: Scope) -> bool:
    """One row of the table; whether ours is quick enough, and the same model."""
    (model, goal), ours = _quickest(lambda: _ours(stage, scope))
    rows = list(_rows(model.cp.proto))
    domains = [tuple(variable.domain) for variable in model.cp.proto.variables]
    lists = [(kind, rest) for kind, _, *rest in rows]
    _, written = _quickest(lambda: _written(domains, lists))
    theirs, summed = _quickest(lambda: _summed(domains, rows, goal))
    same = rows == list(_rows(theirs.proto))
    slow = ours > (RATIO if written < RATIO / 2 * summed else MOST) * summed
    print(
        f"{name:12}{len(model.units):9} {len(rows):6} {ours:8.1f} {written:8.1f} {summed:9.1f}"
        f" {ours / summed:6.3f} {written / summed:6.3f}"
        f"{'' if same else '  NOT THE SAME'}{'  MISSED' if slow else ''}"
    )
    return same and not slow


def _ours(stage: Stage, scope: Scope) -> tuple[PlacementModel, Goal]:
    """The model as the solver builds it, with its goal."""
    model, goal = stage.model(scope)
    model.minimise(goal)
    return model, goal


def _quickest(work: Callable[[], T]) -> tuple[T, float]:
    """What *work* returns, and the least CPU time that it took, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return result, 1000 * min(times)


def _rows(proto: cp_model.CpModelProto) -> Iterator[Row]:
    """The constraints of a model: kind, condition, and literals, or variables in order, coefficients and limits."""
    for row in proto.constraints:
        given = list(row.enforcement_literal)
        if row.has_exactly_one():
            yield "one", given, list(row.exactly_one.literals)
        elif row.has_bool_and():
            yield "and", given, list(row.bool_and.literals)
        else:
            linear = row.linear
            variables, coefficients = np.array(linear.vars), np.array(linear.coeffs)
            order = np.argsort(variables, kind="stable")
            lower, upper = linear.domain
            yield "sum", given, variables[order].tolist(), coefficients[order].tolist(), max(lower, LOWEST), upper


def _written(domains: list[Row], lists: list[Row]) -> None:
    """Write finished lists, and nothing else."""
    proto = cp_model.CpModel().proto
    for domain in domains:
        proto.variables.add().domain.extend(domain)
    for kind, rest in lists:
        constraint = proto.constraints.add()
        if kind == "sum":
            constraint.linear.vars.extend(rest[0])
            constraint.linear.coeffs.extend(rest[1])
            constraint.linear.domain.extend(rest[2:])
        elif kind == "one":
            constraint.exactly_one.literals.extend(rest[0])
        else:
            constraint.bool_and.literals.extend(rest[0])


def _summed(domains: list[Row], rows: list[Row], goal: Goal) -> cp_model.CpModel:
    """The model with *rows*, through expressions."""
    model = cp_model.CpModel()
    x = [model.new_int_var(lower, upper, "") for lower, upper in domains]
    for kind, given, *rest in rows:
        _add(model, x, kind, rest).only_enforce_if([x[each] for each in given])
    model.minimize(sum(c * x[each] for each, c in zip(goal.variables, goal.coefficients, strict=True)) + goal.offset)
    return model


def _add(model: cp_model.CpModel, x: list[cp_model.IntVar], kind: str, rest: list[Any]) -> cp_model.Constraint:
    """One constraint."""
    if kind == "one":
        return model.add_exactly_one([x[each] for each in rest[0]])
    if kind == "and":
        return model.add_bool_and([x[each] for each in rest[0]])
    variables, coefficients, lower, upper = rest
    total = sum(c * x[each] for each, c in zip(variables, coefficients, strict=True))
    return model.add(total == upper) if lower == upper else model.add(total <= upper)


if __name__ == "__main__":
    sys.exit(main())
