"""The cheapest fixes where nothing satisfies the rules: the fewest concessions with which there is a placement.

What no fix can do without comes first: concessions without which all others together are not enough. Then VMs
that are held on hosts to be emptied: every fix has to let each of them go, by one of the few concessions that open
a host to it. What else is needed is tried in every combination of up to `MOST_MORE`. Of the smallest sets the one comes
first with which least is copied, and then moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, count

import numpy as np

from rebalancer.errors import Fix
from rebalancer.inventory import VM
from rebalancer.objectives import MigrationCost, Moves, Objective
from rebalancer.placement import Placement
from rebalancer.rules import Disruption, Rulebook
from rebalancer.solve.infeasible.concessions import (
    MOVES,
    Offer,
    declare_dead,
    mends,
    offers,
    restart_toolstack,
    shut_down,
)
from rebalancer.solve.infeasible.conflicts import left_behind
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.model.cp_sat import SolverAnswer, Status
from rebalancer.solve.model.effort import Budget, Effort
from rebalancer.solve.model.tier import HeldTier, TierProblem, placement_of
from rebalancer.solve.model.variables import Scope
from rebalancer.solve.search.full_model import search_lazily

Offers = frozenset[Offer]

MOST_MORE = 2
"""Concessions that are tried together beyond those that let held VMs go: each set costs a search of its own."""
MOST_ASKED = 120
"""Sets of concessions that are tried at most."""
MOST_COVERS = 2000
"""Choices that are made at most while sets are put together that let all held VMs go."""
ANY = 1e9
"""A distance to the bound at which every placement is good enough."""
WORK = 2.0
"""Deterministic seconds for one set of concessions."""
PREPARING_WORK = 2e-5
"""The work of asking the rules anew about each pair of unit and host."""


def cheapest_fixes(book: Rulebook, *, seconds: float) -> tuple[Fix, ...]:
    """The smallest sets of concessions with which there is a placement, the cheapest first; none where XAPI says no.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> pinned = rb.Model(model.state, rb.Policy(empty=["ash"]))
        >>> (fix,) = rb.solve.cheapest_fixes(pinned.rulebook, seconds=1)[:1]
        >>> [each.words for each in fix.concessions][:1]
        ['let VMs take their disks along']

    Args:
        book: rules that no placement satisfies.
        seconds: of work, as in `limits.solve_seconds`; what was found by then is not proved to be the cheapest.
    """
    limits = book.problem.policy.limits.model_copy(update={"solve_seconds": seconds})
    return _Looking(book, Budget(limits)).found()


class _Looking:
    def __init__(self, book: Rulebook, budget: Budget) -> None:
        self._book, self._budget = book, budget
        self._offers = offers(book)
        self._left = MOST_ASKED
        self._nodes = MOST_COVERS
        self._needed: Offers = frozenset()
        initial, empty = book.problem.initial, book.problem.intent.empty
        pool, names = book.problem.pool, book.problem.names.hosts
        self._dead = {host: declare_dead(host, names[host]) for host in empty if pool.hosts[host].live is False}
        self._silent = {host: restart_toolstack(host, names[host]) for host in empty if pool.hosts[host].live is None}
        leaving = (book.problem.pool.vms[vm] for vm in sorted(initial) if initial[vm] in empty)
        self._options = [self._opening(vm) for vm in leaving if not book.may_leave(vm)]

    def found(self) -> tuple[Fix, ...]:
        everything = frozenset({*self._offers, *(each for all_of in self._options for each in all_of[0])})
        if not self._possible(everything):
            return ()
        self._needed = self._indispensable(everything, self._offers)
        least = self._least()
        for size in range(max(1, least), least + MOST_MORE + 1):
            tried = [way for chosen in self._sets(size) if not self._over() and (way := self._price(chosen))]
            if tried:
                complete = not self._over()
                ways = (replace(way, proved=way.proved and complete) for way in tried)
                return tuple(sorted(ways, key=lambda way: (way.gib, way.moves, way.concessions)))
        return ()

    def _least(self) -> int:
        """The size of the smallest set that lets all held VMs go and has what every fix needs."""
        return next(size for size in count() if self._nodes <= 0 or list(self._covers(size, self._needed)))

    def _indispensable(self, everything: Offers, some: Sequence[Offer]) -> Offers:
        """Those of *some* without which all others together are not enough; most are cleared in a few large bunches."""
        if not some or self._possible(everything.difference(some)):
            return frozenset()
        if len(some) == 1:
            return frozenset(some)
        middle = len(some) // 2
        return self._indispensable(everything, some[:middle]) | self._indispensable(everything, some[middle:])

    def _over(self) -> bool:
        return self._left <= 0 or self._nodes <= 0 or self._budget.over

    def _sets(self, size: int) -> Iterator[Offers]:
        """Every set of *size* concessions that lets all held VMs go, once."""
        known = set[Offers]()
        for cover in self._covers(size, self._needed):
            others = [each for each in self._offers if each not in cover]
            for more in combinations(others, size - len(cover)) if size - len(cover) <= MOST_MORE else ():
                chosen = cover.union(more)
                if chosen not in known:
                    known.add(chosen)
                    yield chosen

    def _covers(self, most: int, chosen: Offers, number: int = 0) -> Iterator[Offers]:
        """Sets of at most so many concessions that let all held VMs go, from *number* on."""
        self._nodes -= 1
        if len(chosen) > most or self._nodes <= 0:
            return
        if number == len(self._options):
            yield chosen
        elif any(option <= chosen for option in self._options[number]):
            yield from self._covers(most, chosen, number + 1)
        else:
            for option in self._options[number]:
                yield from self._covers(most, chosen | option, number + 1)

    def _opening(self, vm: VM) -> tuple[Offers, ...]:
        """The smallest sets that let *vm* go, of one concession or two; to shut it down where all of them do not.

        From a dead host, to declare it dead.
        """
        if vm.resident_on in self._dead:
            return (frozenset({self._dead[vm.resident_on]}),)
        given_up = (each for each in self._offers if each.vms is None or vm.uuid in each.vms)
        restart = [offer for host, offer in self._silent.items() if host == vm.resident_on]
        mine = [*restart, *mends(self._book, vm), *given_up]
        if not self._opened(vm, mine):
            return (frozenset({self._last_resort(vm)}),)
        alone = [frozenset({each}) for each in mine if self._opened(vm, [each])]
        others = [each for each in mine if frozenset({each}) not in alone]
        both = [frozenset(pair) for pair in combinations(others, 2) if self._opened(vm, pair)]
        return (*alone, *both) or (frozenset(mine),)

    def _last_resort(self, vm: VM) -> Offer:
        """To shut *vm* down; where that would be the end of it, what has to be done first."""
        fix, name = self._book.fix(vm), self._book.problem.names.vms[vm.uuid]
        halts = fix is None or fix.disruption is Disruption.SHUT_DOWN
        return shut_down(vm.uuid, f"shut {name!r} down meanwhile" if halts else f"{fix} (VM {name!r})")

    def _opened(self, vm: VM, given_up: Sequence[Offer]) -> bool:
        book = _without(self._book, given_up)
        return book.may_leave(book.problem.pool.vms[vm.uuid])

    def _possible(self, given_up: Offers) -> bool:
        instance = _instance(_without(self._book, _sorted(given_up)))
        if instance is None:
            return False
        tier = TierProblem(instance=instance, objective=Moves())
        self._budget.spend(_preparing(instance))
        any_will_do = replace(self._effort, gap=ANY)
        if self._asked(tier, _narrow(instance), None, any_will_do).at is not None:
            return True
        return self._asked(tier, tier.whole(), None, any_will_do).status is not Status.IMPOSSIBLE

    @property
    def _effort(self) -> Effort:
        return Effort(deterministic=WORK, until=self._budget.until, seed=1)

    def _asked(self, tier: TierProblem, scope: Scope, start: Ints | None, effort: Effort) -> SolverAnswer:
        answer = search_lazily(tier, scope, start, effort)[2]
        self._budget.spend(answer.deterministic)
        return answer

    def _price(self, chosen: Offers) -> Fix | None:
        self._left -= 1
        ordered = _sorted(chosen)
        book = _without(self._book, ordered)
        few_moves = any(each.where == MOVES for each in ordered)
        instance = _instance(book)
        objectives = (Moves(), MigrationCost()) if few_moves else (MigrationCost(), Moves())
        found = None if instance is None else self._cheapest(instance, objectives)
        if found is None or book.violations(found[0], since=book.problem.initial):
            return None
        placement, proved = found
        moves = len(book.problem.initial.moves_to(placement))
        gib = MigrationCost().value(placement, book)
        given_up = tuple(each.concession(moves, gib) for each in ordered)
        return Fix(concessions=given_up, moves=moves, gib=gib, proved=proved)

    def _cheapest(self, instance: Instance, objectives: Sequence[Objective]) -> tuple[Placement, bool] | None:
        """The best placement found by *objectives*, the first one first, and whether that is proved; None if none."""
        self._budget.spend(_preparing(instance))
        tier = TierProblem(instance=instance, objective=objectives[0])
        best = self._asked(tier, _narrow(instance), None, self._effort).at
        if best is not None and _copies_least(instance, best):
            return placement_of(instance, best), True
        proved = True
        for objective in objectives:
            tier = replace(tier, objective=objective)
            answer = self._asked(tier, tier.whole(), best, self._effort)
            proved = proved and answer.proved
            if answer.at is None:
                break
            best = answer.at
            tier = replace(tier, held=(*tier.held, HeldTier(objective=objective, value=answer.value)))
        return None if best is None else (placement_of(instance, best), proved)


def _sorted(given_up: Offers) -> list[Offer]:
    return sorted(given_up, key=lambda each: (each.where, each.words(0, 0.0)))


def _without(book: Rulebook, given_up: Sequence[Offer]) -> Rulebook:
    for each in given_up:
        book = each.without(book)
    return book


def _instance(book: Rulebook) -> Instance | None:
    """The problem of *book* in whole numbers; None where somebody stays on a host to be emptied whatever is chosen."""
    instance = instance_of(book)
    return None if left_behind(instance) else instance


def _narrow(instance: Instance) -> Scope:
    """Nobody moves but who has to: often enough, and quickly looked through."""
    units = np.arange(len(instance.units))
    has_to = np.logical_not(instance.legal[units, instance.home])
    return Scope(free=instance.legal & has_to[:, None], at=instance.home)


def _preparing(instance: Instance) -> float:
    """The work of stating a problem anew."""
    return PREPARING_WORK * instance.legal.size


def _copies_least(instance: Instance, at: Ints) -> bool:
    """Whether only units move that have to, each to where it copies least: nothing is cheaper, or moves fewer."""
    scope = _narrow(instance)
    must = np.flatnonzero(scope.free.any(axis=1))
    stays = bool((np.delete(at, must) == np.delete(instance.home, must)).all())
    on_hosts = np.where(scope.free[must], instance.copied.on_hosts(must), np.iinfo(np.int64).max)
    return stays and bool((on_hosts.min(axis=1) == on_hosts[np.arange(len(must)), at[must]]).all())
