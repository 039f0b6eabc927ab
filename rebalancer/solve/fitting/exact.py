"""The same by CP-SAT, which may do better, and says what no placement is above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ortools.sat.python import cp_model

from rebalancer.errors import ModelBug
from rebalancer.solve.fitting.question import Answer, Question, Tie, WideRow
from rebalancer.solve.fitting.restarting import Restarting, RestartRows
from rebalancer.solve.fitting.search import MUCH_ENOUGH, fill, gather
from rebalancer.solve.fitting.work import Work

STEPS = 400
"""Moves that the quick search makes at most."""
GRAIN = 1e-6
"""Part of a newcomer that counts as float noise in a bound."""


def most_that_fit(question: Question, work: Work) -> Answer:
    """As many newcomers as were found to fit, and a bound that no placement is above which the limits allow."""
    stays = question.home
    starts, count = fill(question, stays)
    best = Answer(at=stays, starts=starts, count=count, bound=bound_together(question))
    if work.rearrange and len(question.home):
        at = gather(question, steps=STEPS)
        more, number = fill(question, at)
        if number > best.count:
            best = Answer(at=at, starts=more, count=number, bound=best.bound)
    if best.proved or not len(question.ratio):
        return best
    return _Exact(question, best, work).solved()


def most_that_restart(question: Question, restarting: Restarting, known: Answer, work: Work) -> Answer:
    """As many newcomers as were found to fit while all that fails restarts, no fewer than the *known* answer has."""
    exact = _Exact(question, known, work)
    exact.keep_restartable(restarting)
    return exact.solved()


def bound_together(question: Question) -> int:
    """How many fit if hosts could be cut into any pieces, row by row.

    A host that holds too much now may go on holding it, so that it counts with what it holds.
    """
    needs = question.ratio @ question.newcomer
    room = question.upper + np.maximum(-question.free(question.home), 0)
    least = np.minimum(question.resident, question.arrival)
    found = [MUCH_ENOUGH]
    for row in np.flatnonzero(needs):
        open_to = question.takes[question.newcomer[:, row] > 0].any(axis=0)
        tied = ~(question.allowed & ~open_to).any(axis=1)
        left = int(np.maximum(room[open_to, row], 0).sum()) - int(least[tied, row].sum())
        found.append(max(0, left // int(needs[row])))
    totals = ((int(each @ question.ratio), most) for each, most in question.totals.values())
    return min([*found, *(max(0, most // need) for need, most in totals if need)])


class _Exact:
    def __init__(self, question: Question, best: Answer, work: Work) -> None:
        self._question, self._best, self._work = question, best, work
        self._model = cp_model.CpModel()
        allowed = work.allowed(question)
        self._at = {
            (vm, host): self._model.new_bool_var("")
            for vm in range(len(question.home))
            if allowed[vm].sum() > 1
            for host in np.flatnonzero(allowed[vm]).tolist()
        }
        self._fixed = np.flatnonzero(allowed.sum(axis=1) <= 1)
        self._starts = {
            (kind, host): self._model.new_int_var(0, best.bound * int(question.ratio[kind]), "")
            for kind in range(len(question.ratio))
            for host in np.flatnonzero(question.takes[kind]).tolist()
        }
        self._count = self._model.new_int_var(best.count, best.bound, "")
        self._post()

    def keep_restartable(self, restarting: Restarting) -> None:
        """Every failure of these has to be outlived."""
        vms = len(self._question.home)
        stay = {(vm, int(self._question.home[vm])): 1 for vm in self._fixed.tolist()}
        starts = {(vms + kind, host): start for (kind, host), start in self._starts.items()}
        RestartRows(self._model, restarting, {**self._at, **stay, **starts}).post()

    def solved(self) -> Answer:
        """The best answer after so much work."""
        self._hint()
        solver = self._work.solver()
        status = solver.solve(self._model)
        if status == cp_model.INFEASIBLE:
            raise ModelBug("the placement that was found does not satisfy the model of the fit")
        bound = self._best.bound
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            bound = max(self._best.count, min(bound, int(solver.best_objective_bound + GRAIN)))
            if solver.value(self._count) > self._best.count:
                return self._answer(solver, bound)
        return replace(self._best, bound=bound)

    def _answer(self, solver: cp_model.CpSolver, bound: int) -> Answer:
        at = self._question.home.copy()
        for (vm, host), variable in self._at.items():
            if solver.value(variable):
                at[vm] = host
        starts = np.zeros_like(self._best.starts)
        for place, variable in self._starts.items():
            starts[place] = solver.value(variable)
        return Answer(at=at, starts=starts, count=int(solver.value(self._count)), bound=max(bound, 0))

    def _post(self) -> None:
        question, model = self._question, self._model
        for vm in {vm for vm, _ in self._at}:
            model.add_exactly_one(self._at[vm, host] for host in range(question.hosts) if (vm, host) in self._at)
        for kind, ratio in enumerate(question.ratio.tolist()):
            there = [self._starts[kind, host] for host in range(question.hosts) if (kind, host) in self._starts]
            model.add(sum(there) == ratio * self._count)
        free = question.free(question.home)
        for host in range(question.hosts):
            for row in range(question.upper.shape[1]):
                self._row(host, row, broken=int(-free[host, row]))
        for wide in question.wide:
            self._wide(wide)
        for tie in question.ties:
            self._tie(tie)
        for needs, most in question.totals.values():
            model.add(sum(int(needs[kind]) * start for (kind, _), start in self._starts.items()) <= most)
        model.maximize(self._count)

    def _row(self, host: int, row: int, *, broken: int) -> None:
        """What *host* holds of a *row*; one that is *broken* by so much takes nobody until it is whole."""
        question, model = self._question, self._model
        resident, arrival = question.resident[:, row], question.arrival[:, row]
        new = question.newcomer[:, row]
        held = sum(int(resident[vm]) for vm in self._fixed if question.home[vm] == host)
        terms = [
            (variable, int(resident[vm] if question.home[vm] == host else arrival[vm]))
            for (vm, there), variable in self._at.items()
            if there == host
        ]
        starts = [
            (self._starts[kind, host], int(new[kind])) for kind in range(len(new)) if (kind, host) in self._starts
        ]
        every = [(variable, weight) for variable, weight in (*terms, *starts) if weight]
        if not every:
            return
        room = int(question.upper[host, row]) - held
        total = sum(weight * variable for variable, weight in every)
        if broken <= 0:
            model.add(total <= room)
            return
        whole = model.new_bool_var("")
        model.add(total <= room + broken * (1 - whole))
        for variable, weight in starts:
            if weight:
                model.add(variable == 0).only_enforce_if(whole.negated())
        for (vm, there), variable in self._at.items():
            if there == host and question.home[vm] != host and arrival[vm]:
                model.add_implication(variable, whole)

    def _wide(self, row: WideRow) -> None:
        """What several hosts hold of a *row*; where that is too much now, they take nobody until it is whole."""
        question = self._question
        hosts = set(row.hosts.tolist())
        before = np.isin(question.home, row.hosts)
        weights = np.where(before, row.resident, row.arrival)
        held = sum(int(weights[vm]) for vm in self._fixed if question.home[vm] in hosts)
        terms = [
            int(weights[vm]) * variable for (vm, host), variable in self._at.items() if host in hosts and weights[vm]
        ]
        starts = {
            start: int(row.newcomer[kind])
            for (kind, host), start in self._starts.items()
            if host in hosts and row.newcomer[kind]
        }
        total = sum(terms) + sum(weight * start for start, weight in starts.items()) + held
        now = int(np.where(before, row.resident, 0).sum())
        if now <= row.upper:
            self._model.add(total <= row.upper)
            return
        whole = self._model.new_bool_var("")
        self._model.add(total <= now - (now - row.upper) * whole)
        for start in starts:
            self._model.add(start == 0).only_enforce_if(whole.negated())
        for (vm, host), variable in self._at.items():
            if host in hosts and not before[vm] and row.arrival[vm]:
                self._model.add_implication(variable, whole)

    def _tie(self, tie: Tie) -> None:
        question, model = self._question, self._model
        hosts = set(question.home[tie.vms].tolist())
        loose = [vm for vm in tie.vms.tolist() if any((vm, host) in self._at for host in range(question.hosts))]
        stays = [vm for vm in tie.vms.tolist() if vm not in loose]
        free = len(hosts) == 1 and not stays
        for vm in loose:
            for host in range(question.hosts):
                variable = self._at.get((vm, host))
                if variable is not None and not free and host not in hosts:
                    model.add(variable == 0)
                if free and vm != loose[0]:
                    model.add((0 if variable is None else variable) == self._at.get((loose[0], host), 0))
        for (kind, host), start in self._starts.items():
            if kind not in tie.kinds:
                continue
            if free and (loose[0], host) in self._at:
                model.add(start == 0).only_enforce_if(self._at[loose[0], host].negated())
            elif free or host not in hosts:
                model.add(start == 0)

    def _hint(self) -> None:
        for (vm, host), variable in self._at.items():
            self._model.add_hint(variable, int(self._best.at[vm] == host))
        for place, variable in self._starts.items():
            self._model.add_hint(variable, int(self._best.starts[place]))
        self._model.add_hint(self._count, self._best.count)
