"""How many more VMs of some kinds fit a pool, others moved where that helps, and what ends it on each host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from rebalancer.errors import ModelBug
from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.restarts import Failure
from rebalancer.solve.fitting.exact import most_that_fit
from rebalancer.solve.fitting.question import Answer, Ints
from rebalancer.units import counted, gib
from rebalancer.whatif.fit.question import Asked, asked, limited, spared
from rebalancer.whatif.newcomers.joined import joined_problem
from rebalancer.whatif.newcomers.newcomer import Kind, Newcomer, newcomers

SPARE = "spare"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFit:
    """What a host takes.

    Args:
        host: its name.
        host_uuid: its uuid.
        starts: how many of each kind start there.
        rule: the rule that ends it there: what has no room for one more of the first kind.
        ends: the same in words, with the slot where it is of one.
    """

    host: str
    host_uuid: Uuid
    starts: tuple[int, ...]
    rule: str
    ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A VM that makes room."""

    vm: str
    vm_uuid: Uuid
    source: str
    target: str
    gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How many more fit.

    Args:
        kinds: what each kind is called.
        ratio: how many of each make one.
        count: the largest number of these that was found, each checked by all rules.
        bound: what no placement is above that single moves without disks lead to, hosts to spare counted in sums.
        hosts: every host, in the order of the pool.
        moves: VMs that make room, on paper: no order of them was looked for.
        spare: hosts that may fail together, so that all VMs restart as far as they do now, the new ones included.
        reduced: whether hosts to spare cost some that would have fitted.
    """

    kinds: tuple[str, ...]
    ratio: tuple[int, ...]
    count: int
    bound: int
    hosts: tuple[HostFit, ...]
    moves: tuple[Move, ...]
    spare: int
    reduced: bool

    @property
    def proved(self) -> bool:
        """Whether it is proved that no more fit."""
        return self.count == self.bound

    @property
    def gap(self) -> float:
        """How many more there may be at most, as a share of the bound."""
        return (self.bound - self.count) / self.bound if self.bound else 0.0

    @property
    def sentence(self) -> str:
        """The answer."""
        what = " + ".join(
            f"{ratio} x {kind}" if ratio > 1 else kind for ratio, kind in zip(self.ratio, self.kinds, strict=True)
        )
        sure = "no more fit" if self.proved else f"no more than {self.bound} fit"
        moved = f", {counted(len(self.moves), 'VM')} moved" if self.moves else ""
        kept = f", {counted(self.spare, 'host')} to spare" if self.spare else ""
        return f"{self.count} more of {what}{moved}{kept}; {sure} by moves without disks."

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        return {**asdict(self), "proved": self.proved, "gap": self.gap}


def fit(
    problem: Problem,
    kinds: Sequence[Kind],
    ratio: Sequence[int] = (),
    *,
    spare: int = 0,
    rearrange: bool = True,
    seconds: float = 10.0,
) -> Fit:
    """The largest number of VMs of *kinds*, in a *ratio*, that fit *problem*.

    Load counts up to the policy's threshold. A host that is over a limit now takes nobody until it is whole.

    Args:
        problem: the pool and the policy.
        kinds: sizes, or VMs of which copies are meant.
        ratio: how many of each make one; by default one.
        spare: so many hosts may fail together, and all VMs restart as far as they do now.
        rearrange: whether others may move.
        seconds: of work for moving them, and for the bound.

    Raises:
        InputError: a kind is no guest, or its SR or network is not there.
        ModelBug: the checker refuses the answer.
    """
    given = limited(spared(problem, spare))
    wanted = tuple(ratio) or (1,) * len(kinds)
    lost = _outlived(given)
    question = asked(given, kinds, wanted, lost)
    answer = most_that_fit(question.question, rearrange=rearrange, seconds=seconds, seed=given.policy.limits.seed)
    kept = _Checked(given, question, kinds).kept(answer)
    return _Telling(given, question, kept, reduced=kept.count < answer.count).told(kinds, spare)


def _outlived(problem: Problem) -> tuple[Failure, ...]:
    """The failures that are outlived now."""
    where = {vm: (host,) for vm, host in problem.initial.host_of.items()}
    return tuple(
        failure
        for limit in Rulebook.of(problem).restarts
        for unmet in (set(limit.unmet(where)),)
        for failure in limit.failures
        if failure not in unmet
    )


class _Checked:
    """Answers that all rules of a pool with all of the newcomers accept."""

    def __init__(self, problem: Problem, question: Asked, kinds: Sequence[Kind]) -> None:
        self._problem, self._asked, self._kinds = problem, question, kinds

    def kept(self, answer: Answer) -> Answer:
        """*answer*, or as much of it as outlives failures and keeps HA's plan.

        Raises:
            ModelBug: it breaks a limit that can be counted.
        """
        if self._accepts(answer):
            return answer
        low, high = 0, answer.count
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._accepts(self._part(answer, middle)) else (low, middle - 1)
        return self._part(answer, low)

    def _part(self, answer: Answer, count: int) -> Answer:
        """*answer* with *count* only, taken from where most start."""
        starts = answer.starts.copy()
        for kind, ratio in enumerate(self._asked.question.ratio.tolist()):
            for _ in range((answer.count - count) * ratio):
                starts[kind, int(starts[kind].argmax())] -= 1
        at = answer.at if count else self._asked.question.home
        return Answer(at=at, starts=starts, count=count, bound=answer.bound)

    def _accepts(self, answer: Answer) -> bool:
        """Whether no rule is newly broken where all come from nowhere.

        Raises:
            ModelBug: one is that can be counted.
        """
        coming, hosts = self._newcomers(answer)
        moved = {vm: self._asked.hosts[host] for vm, host in zip(self._asked.vms, answer.at, strict=True)}
        bigger = joined_problem(self._problem, coming, hosts)
        srs = bigger.initial.srs_of
        new = {each.vm.uuid: host for each, host in zip(coming, hosts, strict=True)}
        start = Placement({**self._problem.initial.host_of, **dict.fromkeys(new, NOWHERE)}, srs)
        broken = Rulebook.of(bigger).violations(Placement({**moved, **new}, srs), since=start)
        counted_ones = [each for each in broken if each.rule not in JUDGED]
        if counted_ones:
            raise ModelBug(f"the fit breaks a rule: {counted_ones[0].words}")
        return not broken

    def _newcomers(self, answer: Answer) -> tuple[list[Newcomer], list[Uuid]]:
        coming, hosts = list[Newcomer](), list[Uuid]()
        for kind, each in enumerate(self._kinds):
            places = np.repeat(np.arange(len(self._asked.hosts)), answer.starts[kind]).tolist()
            there = [self._asked.hosts[host] for host in places]
            first = 1 + sum(other.like == each for other in coming)
            coming += newcomers(each, len(there), self._problem.pool, first=first)
            hosts += there
        return coming, hosts


NOWHERE = ""
"""The host that newcomers come from."""
HA = "ha-plan"
JUDGED = {SPARE, HA}
"""Rules that are judged as a whole, and only after."""


class _Telling:
    """An answer in the names of the pool; *reduced* where rules that are judged as a whole cost some."""

    def __init__(self, problem: Problem, question: Asked, answer: Answer, *, reduced: bool) -> None:
        self._problem, self._asked, self._answer, self._reduced = problem, question, answer, reduced
        numbers = question.question
        self._free: Ints = numbers.free(answer.at) - answer.starts.T @ numbers.newcomer

    def told(self, kinds: Sequence[Kind], spare: int) -> Fit:
        """The whole answer."""
        return Fit(
            kinds=tuple(each.name for each in kinds),
            ratio=tuple(self._asked.question.ratio.tolist()),
            count=self._answer.count,
            bound=self._answer.bound,
            hosts=tuple(map(self._host, range(len(self._asked.hosts)))),
            moves=self._moves(),
            spare=spare,
            reduced=self._reduced,
        )

    def _moves(self) -> tuple[Move, ...]:
        problem, hosts = self._problem, self._asked.hosts
        names = problem.names
        return tuple(
            Move(
                vm=names.vms[vm],
                vm_uuid=vm,
                source=names.hosts[problem.initial[vm]],
                target=names.hosts[hosts[host]],
                gib=gib(problem.pool.vms[vm].migration_memory_bytes),
            )
            for vm, host in zip(self._asked.vms, self._answer.at.tolist(), strict=True)
            if hosts[host] != problem.initial[vm]
        )

    def _host(self, number: int) -> HostFit:
        rule, ends = self._ends(number)
        uuid = self._asked.hosts[number]
        return HostFit(
            host=self._problem.names.hosts[uuid],
            host_uuid=uuid,
            starts=tuple(self._answer.starts[:, number].tolist()),
            rule=rule,
            ends=ends,
        )

    def _ends(self, number: int) -> tuple[str, str]:
        """What has no room for one more of the first kind on a host."""
        problem, starts = self._problem, self._asked.starts
        guest, host = starts.problem.pool.vms[self._asked.kinds[0]], problem.pool.hosts[self._asked.hosts[number]]
        closed = next(starts.closed(guest, host), None)
        if closed:
            return closed.rule, closed.words
        needs, free = self._asked.question.newcomer[0], self._free[number]
        short = np.flatnonzero((needs > 0) & (free < needs)).tolist()
        if not short:
            return self._ends_all()
        rule, slot = self._asked.rules[max(short, key=lambda row: (float((needs[row] - free[row]) / needs[row]), -row))]
        if slot is not None and problem.demand is not None:
            return rule, f"CPU at {problem.demand.when.words(slot)}"
        return rule, WORDS.get(rule, rule)

    def _ends_all(self) -> tuple[str, str]:
        """What ends it where a host itself has room left: an SR, hosts to spare, or what the other kinds need."""
        numbers, count = self._asked.question, self._answer.count
        for what, (needs, most) in numbers.totals.items():
            rule, _, where = what.partition(" ")
            if rule != SPARE and needs @ numbers.ratio and (count + 1) * int(needs @ numbers.ratio) > most:
                return rule, f"space of SR '{self._problem.names.srs.get(where, where)}'"
        if self._reduced or any(what.startswith(SPARE) for what in numbers.totals):
            return SPARE, "hosts to spare"
        return "", "what the others need, or a limit over several hosts"


WORDS = {
    "enough-memory": "memory",
    "memory-safety": "memory",
    "host-reserve": "memory that is kept in reserve",
    "vms-per-host": "VMs on a host",
    "vcpus-per-pcpu": "vCPUs for each pCPU",
    "keep-apart": "VMs that are kept apart",
}
"""What is short, by rule."""
