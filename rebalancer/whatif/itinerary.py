"""One way through all hosts: empty a host, let people work on it, bring VMs back, go on with the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum

from rebalancer.errors import NothingFound
from rebalancer.inventory import Uuid
from rebalancer.plan import Pace, Plan
from rebalancer.policy.sections import RunOnPolicy
from rebalancer.problem import Problem, make_problem, problem_at
from rebalancer.solve import SolveReporter
from rebalancer.whatif.evacuate import Evacuation, emptied
from rebalancer.whatif.home import plan_return
from rebalancer.whatif.maintenance import back, closed
from rebalancer.whatif.pinned import ShutDown, shut_down_on
from rebalancer.whatif.worst_hour import WorstHour, worst_hour

WISH = "rolling: hosts that are done"
"""What the names of wishes in the policy of a stage begin with."""
LONGER = 4
"""So many times as long a stage is asked for again of which nothing was found in its share of the time."""


class Habit(Enum):
    """When VMs return to their hosts.

    Example:
        >>> import rebalancer as rb
        >>> rb.whatif.Habit.AT_ONCE.value, rb.whatif.Habit.NEVER.value
        ('VMs return as soon as their host is back', 'VMs stay where they end')
    """

    AT_ONCE = "VMs return as soon as their host is back"
    SWING = "the first host takes the VMs of the others in turn; its own return last"
    LAST = "all VMs return once the last host is back"
    NEVER = "VMs stay where they end"

    @property
    def leaves_vms_away(self) -> bool:
        """Whether nobody is brought home."""
        return self is Habit.NEVER


class Purpose(StrEnum):
    """What a stage is for.

    Example:
        >>> import rebalancer as rb
        >>> [purpose.value for purpose in rb.whatif.Purpose]
        ['empty', 'return']
    """

    EMPTY = "empty"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A VM that does not end where it began, and why.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.rolling(model, "alder", seconds=0.1)
        >>> [(each.vm_name, each.ends_on_name) for each in found.deviations]
        []
    """

    vm: Uuid
    vm_name: str
    home_name: str
    ends_on_name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One plan on the way: it empties `host`, or brings VMs home once `host` is back.

    VMs that cannot leave it are `shut_down` after that plan, in this order and those of one order at once, and started
    again once the host is back.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.rolling(model, "alder", seconds=0.1)
        >>> [(stage.purpose.value, len(stage.plan.steps)) for stage in found.stages]
        [('empty', 8), ('return', 8)]
    """

    purpose: Purpose
    host: Uuid
    host_name: str
    plan: Plan
    shut_down: tuple[ShutDown, ...] = ()

    @property
    def copied_bytes(self) -> int:
        """What its steps copy."""
        return sum(step.copied_bytes for step in self.plan.steps)

    @property
    def worst_hour(self) -> WorstHour | None:
        """That of the state to which it leads, in which `host` is down where it is emptied; None without metrics."""
        return worst_hour(self.plan, {self.host} if self.purpose is Purpose.EMPTY else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A host that a walk passed by, and what came of the attempt to empty it."""

    host: Uuid
    found: Evacuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The stages of an itinerary and where it ends; `done` are the hosts that it worked on, `failed` the others."""

    habit: Habit
    stages: tuple[Stage, ...]
    end: Problem
    done: tuple[Uuid, ...]
    failed: tuple[Failed, ...] = ()

    @property
    def copied_bytes(self) -> int:
        """What all stages copy."""
        return sum(stage.copied_bytes for stage in self.stages)


@dataclass(slots=True, kw_only=True)
class Itinerary:
    """A walk through the hosts of *order*; every stage is planned on the pool as the last one leaves it.

    Args:
        start: the pool before, under the policy that all stages share.
        order: the hosts to be worked on.
        version: the platform version that they come back with; None where they only reboot.
        habit: when VMs return.
        most_seconds: how long a stage may be solved of which nothing is found sooner.
        pinned: VMs that do not leave their host, and are shut down while it is worked on.
        hard: those of them that are switched off where their guest does not react.
    """

    start: Problem
    order: Sequence[Uuid]
    version: str | None
    habit: Habit
    made_at: datetime
    pace: Pace
    reporter: SolveReporter
    most_seconds: float
    pinned: frozenset[Uuid] = frozenset()
    hard: frozenset[Uuid] = frozenset()
    _now: Problem = field(init=False)
    _done: list[Uuid] = field(init=False, default_factory=list)
    _stages: list[Stage] = field(init=False, default_factory=list)
    _failed: list[Failed] = field(init=False, default_factory=list)

    def walk(self) -> Walked:
        """All stages; hosts that cannot be emptied are passed by.

        No host is updated before the coordinator: where that one cannot be emptied, an update ends there.
        """
        self._now = self.start
        for host in self.order:
            homes = self.start.initial.host_of
            found = self._emptied(wished(closed(self._now, host), host, self._done, self.habit, homes), host)
            if found.plan is None:
                self._failed.append(Failed(host=host, found=found))
                if self.version and host in self.start.pool.coordinators:
                    break
                continue
            self._take(Purpose.EMPTY, host, found.plan)
            self._now = back(self._now, host, self.version)
            self._done.append(host)
            self._bring_home(host, self._returning(host))
        if self._done and self._done[-1] != self.order[-1] and not self.habit.leaves_vms_away:
            self._bring_home(self._done[-1], iter(self.start.pool.hosts))
        return Walked(
            habit=self.habit,
            stages=tuple(self._stages),
            end=self._now,
            done=tuple(self._done),
            failed=tuple(self._failed),
        )

    def _emptied(self, problem: Problem, host: Uuid) -> Evacuation:
        """*host* emptied; asked for again with more time, as far as there is, where nothing was found in time."""
        found = emptied(
            problem, [host], made_at=self.made_at, pace=self.pace, reporter=self.reporter, staying=self.pinned
        )
        seconds = problem.policy.limits.solve_seconds
        if not isinstance(found.refused, NothingFound) or seconds >= self.most_seconds:
            return found
        return self._emptied(_given(problem, min(self.most_seconds, LONGER * seconds)), host)

    def _returning(self, host: Uuid) -> Iterator[Uuid]:
        """The hosts whose VMs return now that *host* is back."""
        last = host == self.order[-1]
        if last and not self.habit.leaves_vms_away:
            yield from self.start.pool.hosts
        elif self.habit is Habit.AT_ONCE or (self.habit is Habit.SWING and host != self._done[0]):
            yield host

    def _bring_home(self, host: Uuid, homes: Iterator[Uuid]) -> None:
        wanted, start = set(homes), self.start.initial
        away = [vm for vm, home in start.host_of.items() if home in wanted and self._now.initial[vm] != home]
        plan = plan_return(self._now, start, away, made_at=self.made_at, pace=self.pace) if away else None
        if plan and plan.steps:
            self._take(Purpose.RETURN, host, plan)

    def _take(self, purpose: Purpose, host: Uuid, plan: Plan) -> None:
        name = self.start.names.hosts[host]
        down = shut_down_on(host, self.pinned, self._now, hard=self.hard) if purpose is Purpose.EMPTY else ()
        self._stages.append(Stage(purpose=purpose, host=host, host_name=name, plan=plan, shut_down=down))
        self._now = problem_at(self._now, plan.predicted)


def wished(problem: Problem, host: Uuid, done: Sequence[Uuid], habit: Habit, homes: Mapping[Uuid, Uuid]) -> Problem:
    """*problem* with a wish that the VMs of *host* go where they need not move again: to hosts that are *done*.

    Whose home by *homes* is one of these goes there, if anybody is brought home.
    """
    there = sorted(vm for vm, at in problem.initial.host_of.items() if at == host)
    if not done or not there or habit is Habit.AT_ONCE:
        return problem
    wishes = [RunOnPolicy(name=WISH, vms=tuple(there), hosts=tuple(done), hard=False)]
    for home in () if habit.leaves_vms_away else done:
        if vms := tuple(vm for vm in there if homes.get(vm) == home):
            name = f"{WISH}: {problem.names.hosts[home]}"
            wishes.append(RunOnPolicy(name=name, vms=vms, hosts=(home,), hard=False))
    policy = problem.policy.model_copy(update={"run_on": (*problem.policy.run_on, *wishes)})
    return make_problem(problem.pool, problem.demand, policy, on_hold=problem.on_hold)


def _given(problem: Problem, seconds: float) -> Problem:
    limits = problem.policy.limits.model_copy(update={"solve_seconds": seconds})
    return replace(problem, policy=problem.policy.model_copy(update={"limits": limits}))
