"""Stages are proven one after the other, each on the pool as the last one leaves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rebalancer.inventory import Pool, pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.simulator import Simulator
from rebalancer.verify.itinerary import StageToProve, verify_itinerary
from rebalancer.whatif.itinerary import Habit, Purpose
from tests.storm.rolling.scene import NEWER, Scene, small_scene
from tests.storm.situations import BEGINS

Stages = tuple[StageToProve, ...]
SEEDS = range(8)


def stages_of(scene: Scene) -> Stages:
    """The stages of a scene, as they are proven."""
    return tuple(
        StageToProve(
            name=f"{number:02}",
            host=stage.host,
            empties=stage.purpose is Purpose.EMPTY,
            plan=stage.plan,
            shut_down=tuple(each.vm for each in stage.shut_down),
        )
        for number, stage in enumerate(scene.plans.stages, start=1)
    )


def pool_of(scene: Scene) -> Pool:
    """The pool before."""
    database = Simulator(scene.pool).database
    return pool_from_records({cls: database.all(cls) for cls in CLASSES})


def wrong(scene: Scene, stages: Sequence[StageToProve], pool: Pool | None = None) -> list[str]:
    """What is wrong with stages, in words."""
    told = {each.vm for each in scene.plans.deviations}
    elsewhere = None if scene.plans.habit is Habit.NEVER else told
    before, update = pool or pool_of(scene), scene.version
    return [*map(str, verify_itinerary(stages, before, None, update=update, elsewhere=elsewhere, now=BEGINS))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("version", [None, NEWER])
@pytest.mark.parametrize("pinned", [0, 2])
def test_what_was_planned_is_accepted(seed: int, version: str | None, pinned: int) -> None:
    """Reboots and updates, also where VMs are shut down meanwhile: what the planner foresaw between stages is so."""
    scene = small_scene(seed, version, 0, pinned)
    assert wrong(scene, stages_of(scene)) == []


def without_the_way_home(stages: Stages) -> Stages:
    """The last stage that brings VMs home is left out."""
    last = max(number for number, stage in enumerate(stages) if not stage.empties and stage.plan.steps)
    return stages[:last] + stages[last + 1 :]


def the_other_way_round(stages: Stages) -> Stages:
    """VMs return before their host was worked on."""
    return stages[1], stages[0], *stages[2:]


def of_another_host(stages: Stages) -> Stages:
    """The first plan is said to empty another host."""
    other = next(stage.host for stage in stages if stage.empties and stage.host != stages[0].host)
    return replace(stages[0], host=other), *stages[1:]


def twice(stages: Stages) -> Stages:
    """The first host goes down again in the end."""
    return *stages, stages[0]


@pytest.mark.parametrize("change", [without_the_way_home, the_other_way_round, of_another_host, twice])
@pytest.mark.parametrize("version", [None, NEWER])
def test_what_was_changed_is_found(change: Callable[[Stages], Stages], version: str | None) -> None:
    """Each plan is still whole: only the way through all of them is none any more."""
    scene = small_scene(1, version, 0)
    assert wrong(scene, change(stages_of(scene))) != []


def test_a_list_of_vms_that_are_shut_down_is_proven() -> None:
    """Whoever cannot leave, and is not on it, would go down with the host; whoever is on it has to be there."""
    scene = small_scene(2, None, 0, 2)
    stages = stages_of(scene)
    at = next(number for number, stage in enumerate(stages) if stage.shut_down)
    bare = replace(stages[at], shut_down=())
    assert "would still be on" in " ".join(wrong(scene, (*stages[:at], bare, *stages[at + 1 :])))
    elsewhere = next(stage for stage in stages if stage.empties and stage.plan.steps != stages[at].plan.steps)
    listed = replace(elsewhere, shut_down=stages[at].shut_down)
    number = stages.index(elsewhere)
    assert wrong(scene, (*stages[:number], listed, *stages[number + 1 :])) != []


def test_a_vm_that_came_since_is_found() -> None:
    """A plan that is legal by itself, and leaves somebody on its host, empties nothing."""
    scene = small_scene(1, None, 2)
    stages, pool = stages_of(scene), pool_of(scene)
    worked_on = {stage.host for stage in stages}
    vm = next(each for each in pool.resident_guests() if each.resident_on not in worked_on)
    moved = replace(pool, vms={**pool.vms, vm.uuid: replace(vm, resident_on=stages[0].host)})
    assert f"{vm.name} would still be on" in " ".join(wrong(scene, stages, moved))
