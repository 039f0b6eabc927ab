"""Objectives, worked out by hand."""

from __future__ import annotations

import pytest

from rebalancer.errors import MetricsRefused
from rebalancer.objectives import (
    OBJECTIVES,
    Balance,
    HostsInUse,
    LoadCost,
    MigrationCost,
    Moves,
    Outlay,
    Overload,
    Peak,
    Repair,
)
from rebalancer.placement import Placement
from rebalancer.rules import Rulebook
from tests.solve.tiny import tiny

VMS = {"a": ("h1", 8.0), "b": ("h1", 2.0), "c": ("h2", 4.0)}
LOAD = {"a": (7.0, 1.0, 7.0, 1.0), "b": (8.0, 8.0, 2.0, 2.0), "c": (1.0,) * 4}
APART = [{"name": "g", "vms": ["a", "b"]}]


def test_overload_counts_hours_above_the_threshold() -> None:
    """h1 has 16 pCPUs, of which 12 are below the threshold: 15 in one slot are 3 above, 9, 9 and 3 are not."""
    problem = tiny(VMS, load=LOAD)
    assert Overload().value(problem.initial, Rulebook.of(problem)) == pytest.approx(3.0)


def test_overload_depends_on_factor_reserve_and_threshold() -> None:
    """Half a pCPU counts for each logical one, one is kept free: 7 x 0.5 are below the threshold."""
    problem = tiny(VMS, load=LOAD, capacity={"cpu_factor": 0.5, "pcpu_reserve": 1}, objective={"threshold": 0.5})
    assert Overload().value(problem.initial, Rulebook.of(problem)) == pytest.approx(11.5 + 5.5 + 5.5)


def test_load_costs_more_from_level_to_level() -> None:
    """15 of 16 pCPUs: 0.8 at 1 and at 2, then every 0.4 at more, and 0.2 of what is above 92.5 % at 12."""
    problem, cost = tiny(VMS, load=LOAD), 0.8 * (1 + 2) + 0.4 * (4 + 6 + 8) + 0.2 * 12
    assert LoadCost().value(problem.initial, Rulebook.of(problem)) == pytest.approx(cost)


@pytest.mark.parametrize(
    ("objective", "cost"),
    [
        ({"levels": []}, 3.0),
        ({"levels": [[0.9, 3]]}, 2.4 + 0.6 * 3),
        ({"threshold": 0.9}, 0.4 + 0.2 * 12),
        ({"threshold": 0.5, "levels": [[0.4, 2], [0.5, 3], [0.75, 4]]}, 4.0 + 3 * 4 + 1 + 1),
    ],
)
def test_levels_are_the_policys(objective: dict[str, object], cost: float) -> None:
    """Without levels all costs 1; those up to the threshold do not count; shares may be of the policy's own choice."""
    problem = tiny(VMS, load=LOAD, objective=objective)
    assert LoadCost().value(problem.initial, Rulebook.of(problem)) == pytest.approx(cost)


def test_migration_cost_counts_gib_of_moved_vms() -> None:
    """Staying costs nothing; a and c copy 12 GiB."""
    problem = tiny(VMS)
    moved = Placement({"a": "h2", "b": "h1", "c": "h3"})
    assert MigrationCost().value(problem.initial, Rulebook.of(problem)) == 0
    assert MigrationCost().value(moved, Rulebook.of(problem)) == 12


def test_balance_adds_the_price_of_moves() -> None:
    """Overload is gone, 2 GiB at 0.25 pCPU-hours are paid."""
    problem = tiny(VMS, load=LOAD, objective={"pcpu_hours_per_gib": 0.25})
    assert Balance().value(Placement({"a": "h1", "b": "h2", "c": "h2"}), Rulebook.of(problem)) == pytest.approx(0.5)


def test_every_move_has_its_price() -> None:
    """Two VMs of 2 and 4 GiB at 0.25 for a GiB, 0.5 for a move, and 3 for a last resort: 1.5 + 1 + 3."""
    prices = {"pcpu_hours_per_gib": 0.25, "pcpu_hours_per_move": 0.5, "pcpu_hours_per_last_resort": 3.0}
    problem = tiny(VMS, load=LOAD, objective=prices, last_resort=["c"])
    moved, book = Placement({"a": "h1", "b": "h2", "c": "h3"}), Rulebook.of(problem)
    assert (Moves().value(problem.initial, book), Moves().value(moved, book)) == (0, 2)
    assert Outlay().value(problem.initial, book) == 0
    assert Outlay().value(moved, book) == pytest.approx(5.5)
    assert Balance().value(moved, book) == pytest.approx(5.5)


def test_peak_is_a_share_of_capacity() -> None:
    """15 of 16 pCPUs on h1; h2 alone has 1 of 16."""
    problem = tiny(VMS, load=LOAD)
    assert Peak().value(problem.initial, Rulebook.of(problem)) == pytest.approx(15 / 16)
    assert Peak(frozenset({"h2"})).value(problem.initial, Rulebook.of(problem)) == pytest.approx(1 / 16)


def test_hosts_in_use_are_those_with_guests_and_the_coordinator() -> None:
    """Two hosts have guests; with all of them on h3, the coordinator h1 counts as well."""
    problem = tiny(VMS)
    assert HostsInUse().value(problem.initial, Rulebook.of(problem)) == len({*problem.initial.host_of.values(), "h1"})
    assert HostsInUse().value(Placement(dict.fromkeys(VMS, "h3")), Rulebook.of(problem)) == 2


def test_repair_counts_breaches() -> None:
    """One VM too many on one host; none once they are apart."""
    problem = tiny(VMS, apart=APART)
    assert Repair().value(problem.initial, Rulebook.of(problem)) == 1
    assert Repair().value(Placement({"a": "h1", "b": "h3", "c": "h2"}), Rulebook.of(problem)) == 0


@pytest.mark.parametrize("objective", [Overload(), Balance(), Peak()], ids=lambda objective: objective.id)
def test_load_is_not_guessed(objective: Overload | Balance | Peak) -> None:
    """Without metrics there is an error, not a zero."""
    problem = tiny(VMS)
    with pytest.raises(MetricsRefused):
        objective.value(problem.initial, Rulebook.of(problem))


def test_objectives_have_different_names() -> None:
    """Ids are unique, and every objective says what it is and in which unit."""
    assert len({objective.id for objective in OBJECTIVES}) == len(OBJECTIVES)
    assert all(objective.sentence.endswith(".") and objective.unit for objective in OBJECTIVES)
