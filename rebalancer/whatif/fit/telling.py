"""What was found, in the names of the pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.problem import Problem
from rebalancer.solve.fitting.question import Answer, Ints
from rebalancer.units import gib
from rebalancer.whatif.fit.answer import Fit, HostFit, RoomMade
from rebalancer.whatif.fit.question import FitQuestion
from rebalancer.whatif.fit.totals import SPARE
from rebalancer.whatif.newcomers.newcomer import Kind


class Telling:
    """An answer in the names of the pool; *reduced* where rules that are judged as a whole cost some."""

    def __init__(self, problem: Problem, question: FitQuestion, answer: Answer, *, reduced: bool) -> None:
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

    def _moves(self) -> tuple[RoomMade, ...]:
        problem, hosts = self._problem, self._asked.hosts
        names = problem.names
        return tuple(
            RoomMade(
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
