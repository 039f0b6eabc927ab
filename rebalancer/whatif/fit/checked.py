"""Answers that all rules accept, those included that are judged on a whole pool and only after the search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.errors import ModelBug
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve.fitting.question import Answer, Ints
from rebalancer.solve.fitting.search import fill, per_host
from rebalancer.whatif.fit.evenness import ClusterScore, Evenness, EvenRows
from rebalancer.whatif.fit.question import FitQuestion
from rebalancer.whatif.fit.totals import SPARE
from rebalancer.whatif.newcomers.joined import joined_problem
from rebalancer.whatif.newcomers.newcomer import Kind, Newcomer, newcomers
from rebalancer.whatif.newcomers.starts import Starts

NOWHERE = ""
"""The host that newcomers come from."""
HA = "ha-plan"
JUDGED = {SPARE, HA}
"""Rules that are judged as a whole, and only after."""


class Checked:
    """Answers that all rules of a pool with all of the newcomers accept."""

    def __init__(self, problem: Problem, question: FitQuestion, kinds: Sequence[Kind]) -> None:
        self._problem, self._asked, self._kinds = problem, question, kinds

    def best(self, answer: Answer) -> Answer:
        """*answer*, or the most that outlives failures and keeps HA's plan.

        That is as much of it as does, with its moves or without any, or what starts one after another.

        Raises:
            ModelBug: it breaks a limit that can be counted.
        """
        found = self._kept(answer)
        if found.count < answer.count and (answer.at != self._asked.question.home).any():
            found = max(found, self._kept(self._nobody_moved(answer)), key=count_of)
        if found.count < answer.count:
            found = max(found, self._one_by_one(answer, EvenRows(self._asked), answer.count), key=count_of)
        if found.count < answer.bound and self._may_beat(found):
            scored = ClusterScore(self._problem, [newcomers(kind, 1, self._problem.pool)[0] for kind in self._kinds])
            found = max(found, self._one_by_one(answer, scored, answer.bound), key=count_of)
        return found

    def _may_beat(self, found: Answer) -> bool:
        """Whether more than were *found* may start where nobody moves, by all that sums over single hosts say."""
        numbers = self._asked.question
        free = numbers.free(numbers.home)
        most = [
            int(np.floor(per_host(free, numbers.newcomer[kind], numbers.takes[kind])).sum()) // ratio
            for kind, ratio in enumerate(numbers.ratio.tolist())
        ]
        return bool(min(most, default=0) > found.count)

    def _nobody_moved(self, answer: Answer) -> Answer:
        home = self._asked.question.home
        starts, count = fill(self._asked.question, home)
        return Answer(at=home, starts=starts, count=count, bound=answer.bound)

    def _one_by_one(self, answer: Answer, evenness: Evenness, most: int) -> Answer:
        """As many as start one after another in the order of *evenness*, nobody moved, and no more than *most*."""
        numbers, hosts = self._asked.question, self._asked.hosts
        coming = self._newcomers(most * numbers.ratio)
        book = Starts(self._problem, [each for kind in coming for each in kind])
        starts, count = np.zeros_like(answer.starts), most
        order = np.argsort(-numbers.newcomer.max(axis=1, initial=0), kind="stable").tolist()
        for number in range(most):
            whole = starts.copy()
            for kind in np.repeat(order, numbers.ratio[order]).tolist():
                vm = coming[kind].pop().vm.uuid
                host = next((host for host in evenness.order(kind) if not book.against(vm, hosts[host])), None)
                if host is None:
                    return self._kept(Answer(at=numbers.home, starts=whole, count=number, bound=answer.bound))
                book.joined(vm, hosts[host])
                evenness.add(kind, host)
                starts[kind, host] += 1
        return self._kept(Answer(at=numbers.home, starts=starts, count=count, bound=answer.bound))

    def _kept(self, answer: Answer) -> Answer:
        """*answer*, or as much of it as outlives failures and keeps HA's plan."""
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
        coming = [each for kind in self._newcomers(answer.starts.sum(axis=1)) for each in kind]
        hosts = [self._asked.hosts[host] for kind in answer.starts for host in np.repeat(np.arange(len(kind)), kind)]
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

    def _newcomers(self, counts: Ints) -> list[list[Newcomer]]:
        """So many of each kind; those of kinds that are the same are numbered on."""
        found: list[list[Newcomer]] = []
        for kind, count in zip(self._kinds, counts.tolist(), strict=True):
            first = 1 + sum(len(made) for like, made in zip(self._kinds, found, strict=False) if like == kind)
            found.append(list(newcomers(kind, count, self._problem.pool, first=first)))
        return found


def count_of(answer: Answer) -> int:
    """How many it fits."""
    return answer.count
