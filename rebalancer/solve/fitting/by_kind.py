"""A bound on how many fit while all that fails restarts: VMs are told apart by size alone, and only counted.

So many VMs of a kind on each host, and so many of them that restart on each other one, are few numbers without
symmetries of VMs that may take each other's places. In all other limits each VM weighs as little as the lightest of
its kind. A placement that outlives the failures satisfies all of this.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ortools.sat.python import cp_model

from rebalancer.errors import ModelBug
from rebalancer.solve.fitting.question import Answer, Bools, Ints, Question
from rebalancer.solve.fitting.restarting import Restarting, RestartRows
from rebalancer.solve.fitting.work import Work

GRAIN = 1e-6
"""Part of a newcomer that counts as float noise in a bound."""


def bound_by_kind(question: Question, restarting: Restarting, known: Answer, work: Work) -> int:
    """How many newcomers fit at most while all that fails restarts; *known* is an answer of which that is so."""
    counts = _Counts(question, restarting, known, work.allowed(question))
    solver = work.solver()
    status = solver.solve(counts.model)
    if status == cp_model.INFEASIBLE:
        raise ModelBug("the placement that was found does not satisfy the bound of the fit")
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
        return known.bound
    return max(known.count, min(known.bound, int(solver.best_objective_bound + GRAIN)))


class _Counts:
    """Kinds of VMs, and after them the kinds of newcomers, counted by host."""

    def __init__(self, question: Question, restarting: Restarting, known: Answer, allowed: Bools) -> None:
        self.model = cp_model.CpModel()
        self._question, self._allowed = question, allowed
        self._groups = _alike(restarting, len(question.home))
        self._count = self.model.new_int_var(known.count, known.bound, "")
        self._places = {**self._residents(), **self._newcomers(known.bound)}
        self._limits()
        RestartRows(self.model, self._of_groups(restarting), self._places).post()
        self.model.maximize(self._count)

    def _residents(self) -> dict[tuple[int, int], cp_model.IntVar]:
        """So many of each kind on each host: no fewer than have nowhere else to be, and no more than may be there."""
        found = {}
        for number, vms in enumerate(self._groups):
            allowed = self._allowed[vms]
            least, most = allowed[allowed.sum(axis=1) == 1].sum(axis=0).tolist(), allowed.sum(axis=0).tolist()
            here = [self.model.new_int_var(low, high, "") for low, high in zip(least, most, strict=True)]
            self.model.add(cp_model.LinearExpr.sum(here) == len(vms))
            found.update({(number, host): variable for host, variable in enumerate(here)})
        return found

    def _newcomers(self, most: int) -> dict[tuple[int, int], cp_model.IntVar]:
        question, found = self._question, {}
        for kind, ratio in enumerate(question.ratio.tolist()):
            row, hosts = len(self._groups) + kind, np.flatnonzero(question.takes[kind]).tolist()
            here = {(row, host): self.model.new_int_var(0, most * ratio, "") for host in hosts}
            self.model.add(cp_model.LinearExpr.sum(list(here.values())) == ratio * self._count)
            found.update(here)
        return found

    def _limits(self) -> None:
        """What each host may hold; one that holds more now may go on holding as much."""
        question = self._question
        lightest = np.minimum(question.resident, question.arrival)
        weights = np.vstack([*(lightest[vms].min(axis=0) for vms in self._groups), question.newcomer])
        upper = question.upper + np.maximum(-question.free(question.home), 0)
        for row in np.flatnonzero(weights.any(axis=0)).tolist():
            for host in range(question.hosts):
                terms = [
                    (int(weight) * self._places[number, host])
                    for number, weight in enumerate(weights[:, row])
                    if weight and (number, host) in self._places
                ]
                self.model.add(sum(terms) <= int(upper[host, row]))
        for needs, room in question.totals.values():
            self.model.add(int(needs @ question.ratio) * self._count <= room)

    def _of_groups(self, restarting: Restarting) -> Restarting:
        """*restarting* with a row for each kind."""
        vms = len(self._question.home)
        rows = np.array([*(each[0] for each in self._groups), *range(vms, len(restarting.size))], dtype=np.int64)
        return replace(restarting, held=restarting.held[rows], size=restarting.size[rows], boots=restarting.boots[rows])


def _alike(restarting: Restarting, vms: int) -> list[Ints]:
    """VMs that hold as much, need as much and restart on the same hosts."""
    found: dict[tuple[int, int, bytes], list[int]] = {}
    for vm in range(vms):
        key = int(restarting.size[vm]), int(restarting.held[vm]), restarting.boots[vm].tobytes()
        found.setdefault(key, []).append(vm)
    return [np.array(each, dtype=np.int64) for each in found.values()]
