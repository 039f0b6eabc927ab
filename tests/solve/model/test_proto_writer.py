"""The protocol buffer of a model, read back."""

from __future__ import annotations

from ortools.sat.python import cp_model

from rebalancer.solve.exact.solver import one_worker
from rebalancer.solve.model.proto_writer import ProtoWriter


def solved(writer: ProtoWriter) -> list[int]:
    """The only values that satisfy the rows."""
    solver = one_worker()
    assert solver.solve(writer.model()) == cp_model.OPTIMAL
    return list(solver.response_proto.solution)


def test_a_row_is_what_was_asked_for() -> None:
    """Rows of other lengths, limits and conditions, one after another."""
    writer = ProtoWriter()
    writer.add_variables([1, 1, 1])
    writer.at_most([0, 1, 2], [5, 6, 7], 11, given=2)
    writer.at_most([1], [-1], -1)
    first, second = (row.linear for row in writer.proto.constraints)
    assert (list(first.vars), list(first.coeffs), first.domain[1]) == ([0, 1, 2], [5, 6, 7], 11)
    assert (list(second.vars), list(second.coeffs), second.domain[1]) == ([1], [-1], -1)
    assert [list(row.enforcement_literal) for row in writer.proto.constraints] == [[2], []]
    assert (writer.rows, writer.terms) == (2, 4)


def test_variables_keep_their_ranges() -> None:
    """Each variable goes up to its own upper, and is numbered behind those before it."""
    writer = ProtoWriter()
    assert list(writer.add_variables([7, 3])) == [0, 1]
    writer.add_booleans(1)
    assert list(writer.add_variables([5])) == [3]
    assert [tuple(each.domain) for each in writer.proto.variables] == [(0, 7), (0, 3), (0, 1), (0, 5)]


def test_every_kind_of_row_binds() -> None:
    """One of three, what it implies, what is fixed, and a weighted sum that is minimised leave one answer."""
    writer = ProtoWriter()
    writer.add_booleans(4)
    (number,) = writer.add_variables([9])
    writer.exactly_one([0, 1, 2])
    writer.exactly_one([1, 2])
    writer.implies(2, 3)
    writer.fix(3, 0)
    writer.at_most([1, number], [4, -1], 0)
    writer.minimise([number], [1], 0)
    assert solved(writer) == [0, 1, 0, 0, 4]
