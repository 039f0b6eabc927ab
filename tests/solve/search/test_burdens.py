"""What units would cost elsewhere: slopes never say too much, and the best shift is found as if all were weighed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from rebalancer.objectives import Balance
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import LoadLevels, load_levels, load_of
from rebalancer.solve.instance.instance import Floats, Instance, Ints, instance_of
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search import local_search as shifting
from rebalancer.solve.search.burdens import Burdens, ConvexCost
from rebalancer.solve.search.levelling import even_levels
from tests.solve.peaks import peaking
from tests.solve.tiny import random_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """Levels that say nothing of their slopes, so that every shift has to be weighed."""

    levels: LoadLevels

    def cost(self, load: Ints, hosts: int | Ints) -> Floats:
        """What the levels say."""
        return self.levels.cost(load, hosts)

    def slopes(self, load: Ints) -> Floats:
        """Nothing."""
        return np.zeros(load.shape)


def tiny(seed: int, peaks: int) -> Instance:
    """A random instance in which so many VMs of a host peak."""
    problem = random_problem(seed)
    return instance_of(Rulebook.of(peaking(problem, peaks, seed=seed) if peaks else problem))


@pytest.mark.parametrize("peaks", [0, 2])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels_of", [load_levels, even_levels])
def test_slopes_say_no_more_than_units_cost(seed: int, peaks: int, levels_of: Callable[[Instance], ConvexCost]) -> None:
    """For every unit and host the least burden is at most the exact one, which is what the host then costs more."""
    instance = tiny(seed, peaks)
    levels, load = levels_of(instance), load_of(instance, instance.home)
    deviations, _ = instance.deviations.of_single_units(len(instance.units))
    burdens, hosts = Burdens(instance, levels, deviations), np.arange(len(instance.hosts))
    burdens.renew(hosts, load)
    least = burdens.least.copy()
    units, targets = (each.ravel() for each in np.indices(least.shape))
    burdens.work_out(units, targets, load, np.zeros_like(load))
    more = instance.demand + (deviations if peaks else 0)
    for host in hosts.tolist():
        costs = levels.cost(load[host] + more, host) - levels.cost(load[[host]], host)
        assert burdens.least[:, host] == pytest.approx(costs)
    assert (least <= burdens.least + 1e-6).all()
    assert burdens.exact.all()


@pytest.mark.parametrize("peaks", [0, 2])
@pytest.mark.parametrize("seed", range(8))
def test_shifts_are_those_that_are_made_where_all_are_weighed(
    seed: int, peaks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time by what slopes promise, or all of them at once: the same units end on the same hosts."""
    instance = tiny(seed, peaks)
    tier, levels = TierProblem(instance=instance, objective=Balance()), load_levels(instance)
    taste = np.exp(np.random.default_rng(seed).normal(0.0, 0.3, instance.legal.shape))
    weighed = shifting.local_search(tier, instance.home, Flat(levels=levels), most=1.0, taste=taste)
    monkeypatch.setattr(shifting, "AT_ONCE", 1)
    promised = shifting.local_search(tier, instance.home, levels, most=1.0, taste=taste)
    assert promised.at.tolist() == weighed.at.tolist()
    assert promised.work == weighed.work
