"""The protocol buffer that CP-SAT reads, written the quickest way that Python has.

A row is a form of its kind, filled in and copied: the parts of a form are asked for once, where asking for those of a
new row takes as long as its numbers. Rows that share their variables get them once. Sums of Python objects, as in
CP-SAT's own expressions, take up to twenty times as long (`python -m benchmarks.build`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import ConstraintProto, IntegerVariableProto

LOWEST = -(2**62)


class _Model(cp_model.CpModel):
    """CP-SAT's model without the older spellings of its methods, which take longer to make than many a part."""

    def _add_pre_pep8_methods(self) -> None:
        """None."""


class Buffer:
    """The variables and rows of one model; `terms` counts the coefficients written."""

    def __init__(self) -> None:
        self.cp: cp_model.CpModel = _Model()
        self.terms = 0
        self._variables, self._constraints = self.cp.proto.variables, self.cp.proto.constraints
        self._whole, self._sum, self._one = IntegerVariableProto(), ConstraintProto(), ConstraintProto()
        self._range, self._limits = self._whole.domain, self._sum.linear.domain
        self._summed, self._factors = self._sum.linear.vars, self._sum.linear.coeffs
        self._literals = self._one.exactly_one.literals
        self._range.extend((0, 1))
        self._limits.extend((LOWEST, 0))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._constraints)

    def add_booleans(self, count: int) -> None:
        """So many variables that are 0 or 1."""
        self._range[1] = 1
        self._variables.extend([self._whole] * count)

    def add_whole_numbers(self, uppers: Sequence[int]) -> range:
        """A variable from 0 to each of *uppers*."""
        first = len(self._variables)
        for upper in uppers:
            self._range[1] = upper
            self._variables.append(self._whole)
        return range(first, first + len(uppers))

    def at_most(self, variables: Sequence[int], coefficients: Sequence[int], upper: int, given: int | None) -> None:
        """A weighted sum is at most *upper*, where *given* holds if it is named."""
        self._share(variables)
        self._post(coefficients, upper)
        if given is not None:
            self._constraints[self.rows - 1].enforcement_literal.append(given)

    def at_most_each(
        self, shared: Sequence[int], own: Sequence[int], columns: Sequence[list[int]], uppers: Sequence[int]
    ) -> None:
        """A row for each of *own*: its column's sum over the *shared* variables, less itself, is at most its upper."""
        self._share([*shared, 0])
        for variable, coefficients, upper in zip(own, columns, uppers, strict=True):
            self._summed[len(shared)] = variable
            self._post([*coefficients, -1], upper)

    def exactly_one(self, literals: Sequence[int]) -> None:
        """One of *literals* holds."""
        self._literals.clear()
        self._literals.extend(literals)
        self._constraints.append(self._one)

    def implies(self, cause: int, effect: int) -> None:
        """Where *cause* holds, *effect* holds."""
        constraint = self._constraints.add()
        constraint.enforcement_literal.append(cause)
        constraint.bool_and.literals.append(effect)

    def fix(self, variable: int, value: int) -> None:
        """*variable* is *value*."""
        linear = self._constraints.add().linear
        linear.vars.append(variable)
        linear.coeffs.append(1)
        linear.domain.extend((value, value))

    def minimise(self, variables: Sequence[int], coefficients: Sequence[int], offset: int) -> None:
        """Look for the smallest weighted sum, *offset* included."""
        self.cp.proto.clear_objective()
        objective = self.cp.proto.objective
        objective.vars.extend(variables)
        objective.coeffs.extend(coefficients)
        objective.offset = offset

    def hint(self, values: Sequence[int]) -> None:
        """Start from *values* of all variables."""
        self.cp.proto.clear_solution_hint()
        hint = self.cp.proto.solution_hint
        hint.vars.extend(range(len(values)))
        hint.values.extend(values)

    def _share(self, variables: Sequence[int]) -> None:
        """What the next sums are over."""
        self._summed.clear()
        self._summed.extend(variables)

    def _post(self, coefficients: Sequence[int], upper: int) -> None:
        """A sum over what is shared."""
        self.terms += len(coefficients)
        self._factors.clear()
        self._factors.extend(coefficients)
        self._limits[1] = upper
        self._constraints.append(self._sum)
