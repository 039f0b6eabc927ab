"""Two units change places where no single shift pays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rebalancer.objectives import Balance
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import bound_elsewhere, holds, load_levels, load_of, part_of_pcpu_hour
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.instance.tolls import outlay_of_units, tolls
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.descent import relieved
from rebalancer.solve.search.exchanges import exchanged
from tests.solve.tiny import SLOTS, random_problem, tiny

LARGE, SMALL = 3.0, 2.0
"""What VMs of the hot host use, and those of the other one, in pCPUs."""


def hot_pair(**limits: float) -> TierProblem:
    """Two hosts of 16 pCPUs at 15 and 10 of them; 5 VMs each, and memory for no sixth."""
    vms = {f"{host}-{number}": (host, 2.0) for host in ("h1", "h2") for number in range(5)}
    load = {name: (LARGE if host == "h1" else SMALL,) * SLOTS for name, (host, _) in vms.items()}
    objective = {"threshold": 0.75, "levels": [], "pcpu_hours_per_gib": 0.1}
    problem = tiny(vms, hosts={"h1": 11.0, "h2": 11.0}, load=load, objective=objective, limits=limits)
    return TierProblem(instance=instance_of(Rulebook.of(problem)), objective=Balance())


def cost_of(instance: Instance, at: Ints) -> float:
    """What load costs and units pay, in pCPU-hours, by the levels alone."""
    load = load_levels(instance).cost(load_of(instance, at), np.arange(len(instance.hosts))).sum()
    paid = outlay_of_units(instance)[np.arange(len(at)), at].sum()
    return float(load * part_of_pcpu_hour(instance) + paid)


def best_of_exchanges(tier: TierProblem, at: Ints) -> float:
    """The least cost after an exchange that all limits hold, of units that only limits of single hosts bear on."""
    instance, found = tier.instance, [cost_of(tier.instance, at)]
    for one, other in itertools.combinations(np.flatnonzero(~bound_elsewhere(instance)).tolist(), 2):
        swapped = at.copy()
        swapped[[one, other]] = swapped[[other, one]]
        legal = instance.legal[one, swapped[one]] and instance.legal[other, swapped[other]]
        if legal and holds(instance, swapped) and tier.allows(swapped):
            found.append(cost_of(instance, swapped))
    return min(found)


def test_large_vms_change_places_with_small_ones_where_there_is_no_room() -> None:
    """15 of 12 pCPUs and 10 of 12: two exchanges bring 13 and 12, and a third moves overload from one to the other."""
    tier = hot_pair()
    at = relieved(tier, tier.instance.home, most=1.0).at
    assert sorted(load_of(tier.instance, at)[:, 0] / tier.instance.resolution.parts_per_pcpu) == pytest.approx([12, 13])
    assert (at != tier.instance.home).sum() == 4


def test_no_more_vms_move_than_the_policy_allows() -> None:
    """Three moves are one exchange."""
    tier = hot_pair(maximum_moves=3)
    assert (relieved(tier, tier.instance.home, most=1.0).at != tier.instance.home).sum() == 2


@pytest.mark.parametrize("seed", range(30))
def test_no_exchange_is_left_that_gains(seed: int) -> None:
    """On random pools: what is left is legal, costs no more than before, and no exchange of two units lowers it."""
    tier = TierProblem(instance=instance_of(Rulebook.of(random_problem(seed))), objective=Balance())
    instance = tier.instance
    if not len(instance.units) or not tier.allows(instance.home):
        return
    found = exchanged(tier, instance.home, load_levels(instance), most=10.0, toll=tolls(instance))
    assert holds(instance, found.at)
    assert instance.legal[np.arange(len(found.at)), found.at].all()
    assert cost_of(instance, found.at) <= cost_of(instance, instance.home) + 1e-9
    assert cost_of(instance, found.at) <= best_of_exchanges(tier, found.at) + 1e-6
