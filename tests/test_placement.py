"""Placements, with and without the SRs of disks."""

from __future__ import annotations

import pytest

from rebalancer.placement import DiskMove, Migration, Placement
from tests.local_disks import carried, local_problem, local_vm

HERE = Placement({"a": "h1", "b": "h1"}, {"a": {"a-xvd0": "l1", "a-xvd1": "shared"}})
DISK = DiskMove(drive="a-xvd0", source="l1", target="l2")


def test_moves_and_the_placement_after_them_agree() -> None:
    """The moves to where moves lead are those moves, disks included."""
    moves = (Migration(vm="a", source="h1", target="h2", disks=(DISK,)), Migration(vm="b", source="h1", target="h3"))
    there = HERE.after(*moves)
    assert HERE.moves_to(there) == moves
    assert there.srs_of == {"a": {"a-xvd0": "l2", "a-xvd1": "shared"}}
    assert HERE.srs_of["a"]["a-xvd0"] == "l1"


def test_goal_that_does_not_speak_of_disks_leaves_them() -> None:
    """A VM without SRs in the goal takes none along."""
    assert HERE.moves_to(Placement({"a": "h2", "b": "h1"})) == (Migration(vm="a", source="h1", target="h2"),)


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Migration(vm="a", source="h2", target="h3"), "VM a is on h1, not on h2"),
        (
            Migration(vm="a", source="h1", target="h2", disks=(DiskMove(drive="a-xvd0", source="l9", target="l2"),)),
            "the disk in drive a-xvd0 is on l1, not on l9",
        ),
    ],
)
def test_move_starts_where_vm_and_disks_are(move: Migration, words: str) -> None:
    """One that starts elsewhere is an error that says so."""
    with pytest.raises(ValueError, match=words):
        HERE.after(move)


def test_way_home_is_the_way_there_reversed() -> None:
    """Back to where it was means disks, too."""
    problem = local_problem(local_vm("web"))
    there = problem.initial.after(carried("web"))
    assert there.moves_to(problem.initial) == (carried("web", source=2, target=1),)
