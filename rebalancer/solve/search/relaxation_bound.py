"""The bound of a large pool, raised in a thread of its own while better placements are looked for.

First comes what every host has to shed by itself: quick, and often all there is to prove. The model that follows counts
overload only on the hosts and slots that are hottest now, so that it stays small: a relaxation, whose bound is one
of the whole. Linear relaxations with cuts over the assignment raise it quickly; where the relaxation is solved, the
slots that its answer overloads are counted from then on. Levels of load are not told apart where hosts by themselves
leave nothing above the lowest, and no load is held: what is above it then costs what the lowest level does.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from fractions import Fraction
from threading import Event

import numpy as np

from rebalancer.solve.instance.evaluate import load_levels, load_of
from rebalancer.solve.instance.instance import Bools, Instance, Ints
from rebalancer.solve.model.cp_sat import SolverCall, Status
from rebalancer.solve.model.effort import Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.tier import TierProblem
from rebalancer.solve.search.host_rows import post_host_rows
from rebalancer.solve.search.per_host_bound import HOT_POOL, per_host_bound

SMALL_TERMS = 144_000
"""Pairs of unit and host times columns up to which everything is watched, so that the model is the whole: 16 hosts with
375 VMs and 24 slots."""

PEAK_TERMS = 24
"""How many terms a variable counts for that says how far a VM peaks on a host in a slot."""

PRESOLVED_PAIRS = 40_000
"""Pairs up to which the relaxation is simplified first; above, that takes longer than it gives."""

LARGE_SHARE = 0.35
"""Part of the work that larger ones may take: CP-SAT counts their linear relaxations for less than they take."""

MOST_TERMS = 480_000
"""Pairs times watched slots that a relaxation may have: more takes longer than it gives."""

HOT = 0.95
"""Share of its limit from which a host is watched in a slot."""

TIGHT = 0.85
"""Share of all limits from which a slot is watched on all hosts."""

STOP_SECONDS = 0.05
"""How often a search that was told to stop is told again: one that is just starting does not hear it."""


class RelaxationBound:
    """Raises the bound of *tier* until its work is used up; CP-SAT lets go of Python meanwhile.

    The `first` bound, what every host has to shed by itself, is known at once and the same whatever the clock says; so
    are the `leavers`, the units that hosts shed for it.

    It is one of the numbers of *goal*; *limits* are parts of a unit above which load is overload (hosts, columns).
    """

    def __init__(self, tier: TierProblem, goal: Goal, limits: Ints, effort: Effort) -> None:
        self._tier, self._limits, self._effort = tier.optimistic(), limits, effort
        self._exact = tier
        self._goal = goal
        self._watched = worth_watching(tier.instance, limits)
        self._wanted = Event()
        if int(tier.instance.legal.sum()) > PRESOLVED_PAIRS:
            self._effort = replace(effort, deterministic=effort.deterministic * LARGE_SHARE, presolve=False)
        else:
            self._wanted.set()
        self._searching: SolverCall | None = None
        self._stopped = False
        alone = per_host_bound(self._tier, effort)
        self.bound, self.words = -(2**62), alone.words
        self._raise(alone.bound, alone.words)
        self.first, self.first_words, self.first_work = self.bound, alone.words, alone.work
        self.leavers = np.array(alone.leavers, dtype=np.int64)
        self._levels = None if tier.holds_load or alone.words == HOT_POOL or self._stays_hot() else 1
        self.answer: Ints | None = None
        self.spent = 0.0
        self.on_time = True
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bound")
        self._running = self._thread.submit(self._run)

    def relax(self) -> None:
        """Solve relaxations also where they are large: most answers meet the first bound, and they take memory."""
        self._wanted.set()

    def stop(self) -> None:
        """No more: the answer is known."""
        self._stopped = True
        self._wanted.set()
        while not self._running.done():
            if self._searching:
                self._searching.stop()
            wait([self._running], timeout=STOP_SECONDS)
        self._thread.shutdown()

    def wait(self) -> None:
        """Until the work is used up; what went wrong in the thread is raised here."""
        self._wanted.set()
        self._running.result()

    def _run(self) -> None:
        """Solve relaxations that watch more and more.

        Not with peaks where they are large: a VM that is a little on every host peaks on none, so that linear
        relaxations say nothing of peaks, and take long for it.
        """
        self._wanted.wait()
        useful = self._watched.all() or not self._exact.instance.deviations.budget
        while useful and not self._stopped:
            if self._effort.until.passed:
                self.on_time = False
                return
            useful = self._solve()

    def _solve(self) -> bool:
        model, goal = self._tier.model(replace(self._tier.whole(), watched=self._watched, levels=self._levels))
        rows_work = post_host_rows(model, goal, self._tier, self._effort)
        words = f"a relaxation that counts overload on {self._watched.sum()} of {self._watched.size} hosts and slots"
        self._searching = SolverCall(
            model, goal, self._effort, raised=lambda bound: self._raise(bound * goal.worth, words)
        )
        answer = self._searching.run()
        self.on_time = answer.on_time
        self._raise(answer.bound * goal.worth, words)
        work = answer.deterministic + rows_work
        self.spent += work
        self._effort = replace(self._effort, deterministic=self._effort.deterministic - work)
        if answer.status is not Status.OPTIMAL or answer.at is None or self._effort.deterministic <= 0:
            return False
        return self._refined(answer.at)

    def _refined(self, at: Ints) -> bool:
        """Whether the relaxation now counts more of what its answer violates; if that is nothing, it is the answer.

        Loads that are rounded down may keep what earlier tiers reached where the exact ones do not.
        """
        unseen = (load_of(self._exact.instance, at) > self._limits) & ~self._watched
        if unseen.any():
            self._watched = self._watched | unseen
            return True
        if self._levels and _is_above(self._exact.instance, load_of(self._exact.instance, at), self._levels):
            self._levels = None
            return True
        stated = self._tier.instance.found_to_matter
        if self._tier.outlives(at) and self._exact.allows(at):
            self.answer = at
        return self._tier.instance.found_to_matter > stated

    def _stays_hot(self) -> bool:
        """Whether hosts keep load above the lowest level where each sheds what is best by itself."""
        instance = self._exact.instance
        load = load_of(instance, instance.home)
        np.subtract.at(load, instance.home[self.leavers], instance.demand[self.leavers])
        return _is_above(instance, load, 1)

    def _raise(self, bound: Fraction, words: str) -> None:
        """*bound*, in the objective's unit, holds for the optimistic model; both goals are wholes of their worth."""
        raised = self._goal.number(bound)
        if raised > self.bound:
            self.bound, self.words = raised, words


def _is_above(instance: Instance, load: Ints, levels: int) -> bool:
    """Whether *load* (hosts, columns) is above more than so many *levels* anywhere."""
    known = (each for each in load_levels(instance).resources if len(each.limits) > levels)
    return any(bool((load[:, each.columns] > each.limits[levels]).any()) for each in known)


def worth_watching(instance: Instance, limits: Ints) -> Bools:
    """The hosts and slots to watch: the hot ones, and then whole slots in which the pool as a whole is tight.

    Where there is room on receivers, overload elsewhere never binds; where there is none, all hosts of the tightest
    slots have to be watched, or the relaxation hides the leavers there.
    """
    load = load_of(instance, instance.home)
    # With peaks, a watched slot is a variable for every pair: only small models take that for all.
    columns = instance.demand.shape[1]
    terms_each = PEAK_TERMS * (1 + columns) if instance.deviations.budget else columns
    if int(instance.legal.sum()) * terms_each <= SMALL_TERMS:
        return np.ones(load.shape, dtype=np.bool_)
    watched: Bools = load > HOT * limits
    terms = instance.legal.sum(axis=0)
    tightness = load.sum(axis=0) / np.maximum(1, limits.sum(axis=0))
    for slot in np.argsort(-tightness, kind="stable"):
        widened = watched.copy()
        widened[:, slot] = True
        if tightness[slot] < TIGHT or int((widened * terms[:, None]).sum()) > MOST_TERMS:
            break
        watched = widened
    return watched
