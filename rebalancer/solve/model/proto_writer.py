"""The protocol buffer that CP-SAT reads, written as lists of variables and coefficients.

A row is a form that is filled in and copied, in half the time of asking for the parts of a new one. Sums of CP-SAT's
own expressions take many times as long (`python -m benchmarks.build`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ortools.sat.python import cp_model

LOWEST = -(2**62)


class ProtoWriter:
    """The variables and rows of one model; `terms` counts the coefficients written."""

    def __init__(self) -> None:
        self.proto, self.terms = cp_model.CpModelProto(), 0
        # Parts of a buffer live as long as the buffer does.
        self._forms = forms = cp_model.CpModelProto()
        self._variables, self._constraints = self.proto.variables, self.proto.constraints
        self._variable, self._row = forms.variables.add(), forms.constraints.add()
        self._range, self._limits = self._variable.domain, self._row.linear.domain
        self._summed, self._factors = self._row.linear.vars, self._row.linear.coeffs
        self._range.extend((0, 1))
        self._limits.extend((LOWEST, 0))

    def model(self) -> cp_model.CpModel:
        """The buffer as CP-SAT's solver takes it."""
        return cp_model.CpModel(self.proto)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._constraints)

    def add_booleans(self, count: int) -> None:
        """So many variables that are 0 or 1."""
        self._range[1] = 1
        self._variables.extend([self._variable] * count)

    def add_variables(self, uppers: Sequence[int]) -> range:
        """A variable from 0 to each of *uppers*."""
        first = len(self._variables)
        for upper in uppers:
            self._range[1] = upper
            self._variables.append(self._variable)
        return range(first, first + len(uppers))

    def at_most(
        self, variables: Sequence[int], coefficients: Sequence[int], upper: int, *, given: int | None = None
    ) -> None:
        """A weighted sum is at most *upper*, where the literal *given* holds if it is named."""
        self.terms += len(coefficients)
        self._summed.clear()
        self._summed.extend(variables)
        self._factors.clear()
        self._factors.extend(coefficients)
        self._limits[1] = upper
        self._constraints.append(self._row)
        if given is not None:
            self._constraints[self.rows - 1].enforcement_literal.append(given)

    def exactly_one(self, literals: Sequence[int]) -> None:
        """One of *literals* holds."""
        self._constraints.add().exactly_one.literals.extend(literals)

    def implies(self, cause: int, effect: int) -> None:
        """Where *cause* holds, *effect* holds."""
        constraint = self._constraints.add()
        constraint.enforcement_literal.append(cause)
        constraint.bool_and.literals.append(effect)

    def fix(self, variable: int, value: int) -> None:
        """Fix *variable* to *value*."""
        linear = self._constraints.add().linear
        linear.vars.append(variable)
        linear.coeffs.append(1)
        linear.domain.extend((value, value))

    def minimise(self, variables: Sequence[int], coefficients: Sequence[int], offset: int) -> None:
        """Look for the smallest weighted sum, *offset* included."""
        self.proto.clear_objective()
        objective = self.proto.objective
        objective.vars.extend(variables)
        objective.coeffs.extend(coefficients)
        objective.offset = offset

    def hint(self, values: Sequence[int]) -> None:
        """Start from *values* of all variables."""
        self.proto.clear_solution_hint()
        hint = self.proto.solution_hint
        hint.vars.extend(range(len(values)))
        hint.values.extend(values)
