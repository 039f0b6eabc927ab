"""Runs that let fewer migrations run at once where those slow each other down, and more again where they do not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rebalancer.execute import RunReporter, execute
from rebalancer.execute.run.crowd import Crowd
from rebalancer.inventory import Pool
from rebalancer.plan import Plan, Step
from tests.execute.case import Case
from tests.execute.scripted import HandClock, Script, plan_of
from tests.execute.watchful import WatchfulPool
from tests.pools import make_host, make_pool, make_vm, policy_of

VMS = "abcdefghijklmnop"
LIMITS = {"concurrent": 8, "out_per_host": 2, "in_per_host": 2}


@pytest.fixture
def pool() -> Pool:
    """Sixteen VMs on eight of sixteen hosts, two on each."""
    hosts = [make_host(f"h{number:02}") for number in range(16)]
    return make_pool(hosts=hosts, vms=[make_vm(vm, on=f"h{place // 2:02}") for place, vm in enumerate(VMS)])


def made(pool: Pool, **execution: object) -> Plan:
    """Each VM goes to a host of the other half."""
    moves = [(vm, f"h{8 + place // 2:02}") for place, vm in enumerate(VMS)]
    return plan_of(pool, *moves, policy=policy_of(limits=LIMITS, execution=execution))


@pytest.fixture
def plan(pool: Pool) -> Plan:
    """Under the default policy."""
    return made(pool)


class Told(RunReporter):
    """Keeps what is noticed."""

    def __init__(self) -> None:
        self.words = list[str]()

    def noticed(self, step: str, words: str) -> None:  # noqa: ARG002 - the interface's
        """Keep it."""
        self.words.append(words)


def crowd_of(plan: Plan) -> tuple[Crowd, HandClock, Told]:
    """A crowd, its clock, and what is told of it."""
    clock, told = HandClock(), Told()
    return Crowd(plan, clock, told), clock, told


def depart(crowd: Crowd, steps: list[Step]) -> None:
    """Let *steps* leave, which have room."""
    for step in steps:
        assert crowd.has_room(step)
        crowd.enter(step)
        crowd.leaves(step)


def arrive(crowd: Crowd, clock: HandClock, steps: list[Step], share: float) -> None:
    """Let *steps* arrive after a *share* of their estimate."""
    clock.sleep(share * steps[0].seconds)
    for step in steps:
        crowd.leave(step, moved=True)


def test_it_begins_as_wide_as_the_plan_was_made_for(plan: Plan) -> None:
    """What was reviewed is what runs; in time, it stays so."""
    crowd, clock, told = crowd_of(plan)
    depart(crowd, list(plan.steps[:8]))
    assert not any(crowd.has_room(step) for step in plan.steps[8:])
    arrive(crowd, clock, list(plan.steps[:8]), 1.2)
    assert (crowd.width, told.words) == (8, [])


def test_a_slow_one_halves_it_once(plan: Plan) -> None:
    """Of eight that are all slow, the first halves; the others began before that, and say nothing of the width now."""
    crowd, clock, told = crowd_of(plan)
    depart(crowd, list(plan.steps[:8]))
    arrive(crowd, clock, list(plan.steps[:8]), 3.0)
    assert crowd.width == 4
    assert len(told.words) == 1
    assert "from now on 4 migrations at once, at most:" in told.words[0]
    assert "takes 3.0 times what the plan estimates" in told.words[0]


def test_one_that_is_not_over_halves_it_as_well(plan: Plan) -> None:
    """A migration that hangs is seen while it hangs, as long as its call has left and it is not over."""
    crowd, clock, _ = crowd_of(plan)
    depart(crowd, list(plan.steps[:8]))
    clock.sleep(3 * plan.steps[0].seconds)
    crowd.look([])
    assert crowd.width == 8
    crowd.look([plan.steps[0].id])
    assert crowd.width == 4


def test_in_time_it_grows_by_one_a_round(plan: Plan) -> None:
    """At width 2, two in time make it 3; then three make it 4."""
    crowd, clock, told = crowd_of(plan)
    for width in (4, 2):
        depart(crowd, list(plan.steps[:2]) if width == 2 else list(plan.steps[:8]))
        arrive(crowd, clock, list(plan.steps[:2]) if width == 2 else list(plan.steps[:8]), 3.0)
    assert crowd.width == 1
    for expected in (2, 2, 3, 3, 3, 4):
        depart(crowd, [plan.steps[0]])
        arrive(crowd, clock, [plan.steps[0]], 1.0)
        assert crowd.width == expected
    assert told.words[-1] == "from now on 4 migrations at once, at most: 3 migrations were in time"


def test_it_never_grows_above_the_limits(plan: Plan) -> None:
    """However quick all are."""
    crowd, clock, _ = crowd_of(plan)
    for _ in range(40):
        depart(crowd, [plan.steps[0]])
        arrive(crowd, clock, [plan.steps[0]], 0.1)
    assert crowd.width == LIMITS["concurrent"]


def test_who_is_slow_alone_is_slowed_by_nobody(plan: Plan) -> None:
    """The estimate is wrong: the next two, as slow as that, are in time beside each other."""
    crowd, clock, _ = crowd_of(plan)
    depart(crowd, [plan.steps[0]])
    arrive(crowd, clock, [plan.steps[0]], 5.0)
    assert crowd.width == 8
    depart(crowd, list(plan.steps[1:3]))
    arrive(crowd, clock, list(plan.steps[1:3]), 6.0)
    assert crowd.width == 8
    depart(crowd, list(plan.steps[3:5]))
    arrive(crowd, clock, list(plan.steps[3:5]), 13.0)
    assert crowd.width == 1


def test_one_that_did_not_move_says_nothing(plan: Plan) -> None:
    """A step that was refused, held or failed is over, and that is all."""
    crowd, clock, told = crowd_of(plan)
    depart(crowd, list(plan.steps[:8]))
    clock.sleep(9 * plan.steps[0].seconds)
    for step in plan.steps[:8]:
        crowd.leave(step, moved=False)
    assert (crowd.width, told.words) == (8, [])
    assert crowd.has_room(plan.steps[0])


def test_short_ones_are_not_measured_by_moments(plan: Plan) -> None:
    """What is estimated at a second may well take four: a look and a launch beside it take their time, too."""
    short = replace(plan, steps=tuple(replace(step, seconds=1.0) for step in plan.steps))
    crowd, clock, told = crowd_of(short)
    depart(crowd, list(short.steps[:8]))
    arrive(crowd, clock, list(short.steps[:8]), 4.0)
    assert (crowd.width, told.words) == (8, [])


class Shared(WatchfulPool):
    """Its link carries *room* migrations at full speed; more share it."""

    def __init__(self, pool: Pool, room: int, seconds: float) -> None:
        super().__init__(pool, **{vm: Script(polls=10**9) for vm in VMS})
        self.room, self.seconds = room, seconds
        self.carried = Counter[str]()

    def second(self, _now: float) -> None:
        """Carry everything on its way for a second."""
        flying = [task for task in self._tasks.values() if task.state.progress < 1]
        for task in flying:
            self.carried[task.vm] += min(1.0, self.room / len(flying))  # type: ignore[assignment]  # parts of seconds
            if self.carried[task.vm] >= self.seconds:
                task.polls = 0


@pytest.mark.parametrize(("adaptive", "fewest"), [(True, 1), (False, 8)])
def test_a_run_on_a_crowded_link_finds_its_width(case: Case, pool: Pool, adaptive: bool, fewest: int) -> None:
    """Where two at once fill the link, eight take four times as long: a run lets fewer go, unless it is told not to."""
    plan = made(pool, adaptive=adaptive)
    live, told = Shared(pool, room=2, seconds=plan.steps[0].seconds), Told()
    case.clock.then = live.second
    result = execute(plan, live, replace(case.options, reporter=told))
    assert result.complete
    later = [crowd for crowd, _, _ in live.crowds[8:]]
    assert min(later) <= fewest if adaptive else max(later) == fewest
    assert bool(told.words) is adaptive
    assert all(crowd <= 8 and out <= 2 and into <= 2 for crowd, out, into in live.crowds)
    assert Counter(live.sent) == Counter((step.vm, step.target) for step in plan.steps)
