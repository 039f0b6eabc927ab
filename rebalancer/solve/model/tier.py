"""One tier: an objective to improve while earlier ones are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.errors import ModelBug
from rebalancer.objectives import Balance, LoadCost, MigrationCost, Objective
from rebalancer.placement import Migration, Placement
from rebalancer.solve.instance.instance import Instance, Ints
from rebalancer.solve.instance.move_cost import MoveCost
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel
from rebalancer.solve.model.variables import Scope
from rebalancer.units import GIB

Pairs = tuple[tuple[int, int], ...]
Progress = Callable[[float, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTier:
    """An objective that may not get worse than *value*, a number of its goal; *proved* to be the lowest, or not."""

    objective: Objective
    value: int
    proved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TierProblem:
    """What to improve, and what has to hold meanwhile.

    Args:
        instance: the problem.
        objective: what to improve.
        held: what was answer before.
        forbidden: moves, as pairs of unit and host, that may not be made all together.
        near: a good placement but for what is forbidden, from which to go on.
        floor: a number of the goal below which nothing is, known without any model; none is needed.
    """

    instance: Instance
    objective: Objective
    held: tuple[HeldTier, ...] = ()
    forbidden: tuple[Pairs, ...] = ()
    near: Ints | None = None
    floor: int = 0

    def model(self, scope: Scope) -> tuple[PlacementModel, Goal]:
        """The model of *scope*, and what to minimise in it."""
        model = PlacementModel(self.instance, scope)
        for held in self.held:
            model.hold(model.goal(held.objective), held.value)
        for pairs in self.forbidden:
            model.forbid(pairs)
        for price, upper in self.capped:
            model.limit_moves(price, upper)
        goal = model.goal(self.objective)
        if self.floor:
            model.at_least(goal, self.floor)
        return model, goal

    def evaluate(self, at: Ints) -> tuple[Goal, int]:
        """The goal as it is where the units are *at*, and its number there."""
        model, goal = self.model(self.at(at))
        return goal, model.value(goal, at)

    def optimistic(self) -> TierProblem:
        """The tier with loads rounded down, for bounds; what is held is held there too, or a little more of it."""
        instance = self.instance.optimistic()
        return replace(self, instance=instance, held=tuple(self._held_in(instance, each) for each in self.held))

    def _held_in(self, instance: Instance, held: HeldTier) -> HeldTier:
        """*held* in numbers of *instance*, which counts loads in other parts: whatever is allowed here is there."""
        tiers = (TierProblem(instance=each, objective=held.objective) for each in (self.instance, instance))
        here, there = (tier.evaluate(instance.home)[0] for tier in tiers)
        return replace(held, value=there.at_most(held.value * here.worth + here.shortfall * here.worth))

    def whole(self) -> Scope:
        """The scope in which every unit may move."""
        return Scope(free=self.instance.legal, at=self.instance.home)

    def at(self, at: Ints) -> Scope:
        """The scope in which no unit may move, to ask what a placement is worth."""
        return Scope(free=np.zeros_like(self.instance.legal), at=at)

    @property
    def capped(self) -> list[tuple[MoveCost, int]]:
        """What the policy limits, moves or bytes copied, and to how much."""
        limits = self.instance.problem.policy.limits
        most_bytes = None if limits.maximum_gib is None else int(limits.maximum_gib * GIB)
        prices = ((self.instance.moves, limits.maximum_moves), (self.instance.copied, most_bytes))
        return [(price, upper) for price, upper in prices if upper is not None]

    def allows(self, at: Ints) -> bool:
        """Whether the units may be *at* these hosts as far as moves are limited, tiers held and hosts may fail."""
        if any(price.at(at).sum() > upper for price, upper in self.capped):
            return False
        if any(all(at[unit] == host for unit, host in pairs) for pairs in self.forbidden):
            return False
        held = (held_at(self.instance, each.objective, at).value <= each.value for each in self.held)
        return all(held) and self.outlives(at)

    @property
    def holds_load(self) -> bool:
        """Whether what load costs is held: then it counts everywhere, and in the parts that it was counted in."""
        return any(isinstance(each.objective, Balance | LoadCost) for each in self.held)

    def pins(self, at: Ints) -> bool:
        """Whether the units are *at* home and have to stay there: no GiB more may be copied, and each copies some."""
        held = any(isinstance(each.objective, MigrationCost) for each in self.held)
        home = self.instance.home
        return held and bool((at == home).all()) and bool((self.instance.copied.least > 0).all())

    def outlives(self, at: Ints) -> bool:
        """Whether the units may be *at* these hosts as far as models state it only where it was found to matter.

        That is that hosts may fail, and lazy limits; what does not hold is stated from now on.
        """
        failures = self.instance.failures
        kept = self.instance.keeps_lazy(at)
        return kept and (not failures.restarts or failures.outlived(placement_of(self.instance, at)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TierAnswer:
    """The answer to a tier in whole numbers.

    Args:
        at: the host of every unit; None where nothing was found in time, or nothing satisfies the rules.
        goal: what was minimised.
        value: the number of the goal that was reached.
        bound: the number below which there is nothing.
        deterministic: the work that it took.
        on_time: whether the work, not the clock, ended it.
        enough: whether it ended because nothing better exists, or nothing that the policy asks for.
        impossible: whether nothing satisfies the rules.
        bound_by: where the bound comes from.
        bound_holds: whether the bound is one of the truth as it is, because loads were rounded down for it; from other
            bounds the goal's surplus has to be subtracted.
    """

    at: Ints | None
    goal: Goal
    value: int
    bound: int
    deterministic: float = 0.0
    on_time: bool = True
    enough: bool = True
    impossible: bool = False
    bound_by: str = "the whole model"
    bound_holds: bool = False

    @property
    def true_bound(self) -> float:
        """What nothing is better than, in the objective's unit."""
        return float(self.bound * self.goal.worth) if self.bound_holds else self.goal.truth(self.bound)

    @property
    def proved(self) -> bool:
        """Whether nothing better exists."""
        return self.at is not None and self.bound >= self.value


def held_at(instance: Instance, objective: Objective, at: Ints) -> HeldTier:
    """*objective* no worse than where the units are *at*."""
    return HeldTier(objective=objective, value=TierProblem(instance=instance, objective=objective).evaluate(at)[1])


def placement_of(instance: Instance, at: Ints) -> Placement:
    """The placement in which every unit is on its host in *at*, with its disks on SRs that have room, if there are."""
    initial, host_of = instance.problem.initial, instance.host_of(at)
    srs_of = {vm: dict(srs) for vm, srs in initial.srs_of.items()}
    for disk, sr in instance.disks.srs(host_of).items():
        srs_of[disk.vm][disk.drive] = sr
    return Placement({**initial.host_of, **host_of}, srs_of)


def at_of(instance: Instance, placement: Placement) -> Ints:
    """The host of every unit in *placement*; the inverse of `placement_of`."""
    return np.array([instance.host_index[placement[members[0]]] for members in instance.units], dtype=np.int64)


def pairs_of(instance: Instance, moves: Sequence[Migration]) -> Pairs | None:
    """*moves* as pairs of unit and host; None where one of them cannot be made anyway."""
    unit_of, host_index = instance.unit_of, instance.host_index
    if not all(move.vm in unit_of and move.target in host_index for move in moves):
        return None
    return tuple(sorted({(unit_of[move.vm], host_index[move.target]) for move in moves}))


def true_value(tier: TierProblem, answer: TierAnswer, at: Ints) -> float:
    """The exact value of the objective.

    Raises:
        ModelBug: the solver's number is further from it than rounding explains.
    """
    exact = tier.objective.value(placement_of(tier.instance, at), tier.instance.book)
    said = float(answer.value * answer.goal.worth)
    noise = 1e-6 * max(1.0, abs(said))
    short = float(answer.goal.worth) * answer.goal.shortfall
    if not said - answer.goal.surplus - noise <= exact <= said + short + noise:
        raise ModelBug(f"objective {tier.objective.id} is {exact}, the solver says {said}")
    return exact
