"""The protocol buffer of a model, read back."""

from __future__ import annotations

from ortools.sat.python import cp_model

from rebalancer.solve.model.proto_writer import Buffer


def solved(buffer: Buffer) -> list[int]:
    """The only values that satisfy the rows."""
    solver = cp_model.CpSolver()
    assert solver.solve(buffer.cp) == cp_model.OPTIMAL
    return list(solver.response_proto.solution)


def test_a_form_carries_nothing_over_to_the_next_row() -> None:
    """Rows of other lengths, limits and conditions, one after another, are each what was asked for."""
    buffer = Buffer()
    buffer.add_booleans(3)
    buffer.at_most([0, 1, 2], [5, 6, 7], 11, 2)
    buffer.at_most([1], [-1], -1, None)
    first, second = (row.linear for row in buffer.cp.proto.constraints)
    assert (list(first.vars), list(first.coeffs), first.domain[1]) == ([0, 1, 2], [5, 6, 7], 11)
    assert (list(second.vars), list(second.coeffs), second.domain[1]) == ([1], [-1], -1)
    assert [list(row.enforcement_literal) for row in buffer.cp.proto.constraints] == [[2], []]


def test_rows_over_shared_variables_differ_in_their_own() -> None:
    """Each row has its own variable behind the shared ones, with its own factors and limit."""
    buffer = Buffer()
    buffer.add_booleans(2)
    own = buffer.add_whole_numbers([9, 8])
    buffer.at_most_each([0, 1], own, [[3, 4], [5, 6]], [1, 2])
    rows = [row.linear for row in buffer.cp.proto.constraints]
    assert [list(row.vars) for row in rows] == [[0, 1, 2], [0, 1, 3]]
    assert [list(row.coeffs) for row in rows] == [[3, 4, -1], [5, 6, -1]]
    assert [row.domain[1] for row in rows] == [1, 2]
    assert buffer.terms == 6


def test_variables_keep_their_ranges() -> None:
    """Booleans that come after whole numbers are booleans still."""
    buffer = Buffer()
    assert list(buffer.add_whole_numbers([7, 3])) == [0, 1]
    buffer.add_booleans(2)
    assert [tuple(each.domain) for each in buffer.cp.proto.variables] == [(0, 7), (0, 3), (0, 1), (0, 1)]


def test_every_kind_of_row_binds() -> None:
    """One of three, what it implies, what is fixed, and a weighted sum that is minimised leave one answer."""
    buffer = Buffer()
    buffer.add_booleans(4)
    (number,) = buffer.add_whole_numbers([9])
    buffer.exactly_one([0, 1, 2])
    buffer.exactly_one([1, 2])
    buffer.implies(2, 3)
    buffer.fix(3, 0)
    buffer.at_most([1, number], [4, -1], 0, None)
    buffer.minimise([number], [1], 0)
    assert solved(buffer) == [0, 1, 0, 0, 4]
