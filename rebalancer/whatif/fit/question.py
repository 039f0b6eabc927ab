"""What the rules say of newcomers, as a question in whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.policy import Covered, SparePolicy
from rebalancer.policy.limits import HostLoadPolicy
from rebalancer.policy.sections import StorageMotionPolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Affinity, Row, Rulebook, Weights
from rebalancer.rules.availability.restarts import Failure
from rebalancer.rules.facts.loads import limited_resources
from rebalancer.solve.fitting.question import Bools, Ints, Question, Tie, WideRow
from rebalancer.whatif.fit.totals import restart_room, space
from rebalancer.whatif.newcomers.newcomer import Kind, newcomers
from rebalancer.whatif.newcomers.starts import Starts

LOAD = "host-load"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitQuestion:
    """A question, with what stands behind its numbers.

    Args:
        question: the numbers.
        vms: the uuids behind its rows of VMs.
        hosts: the uuids behind its hosts.
        rules: the rule of each row, and the slot where it is of one.
        starts: one newcomer of each kind, and what hosts have against it.
        kinds: the uuids of these.
    """

    question: Question
    vms: tuple[Uuid, ...]
    hosts: tuple[Uuid, ...]
    rules: tuple[tuple[str, int | None], ...]
    starts: Starts
    kinds: tuple[Uuid, ...]


def asked(problem: Problem, kinds: Sequence[Kind], ratio: Sequence[int], lost: Sequence[Failure]) -> FitQuestion:
    """The question how many of *kinds* fit *problem*, so that what every one of the *lost* hosts held restarts.

    Rows are those of the rulebook of a pool in which one newcomer of each kind runs. A newcomer counts as one that
    arrives. SRs count what disks fill; failures the memory that is left for restarts, which no more than a sum is asked
    of here.
    """
    coming = [newcomers(kind, 1, problem.pool)[0] for kind in kinds]
    starts = Starts(problem, coming)
    return _Asking(problem, starts, tuple(each.vm.uuid for each in coming), ratio, lost).asked()


class _Asking:
    def __init__(
        self, problem: Problem, starts: Starts, kinds: tuple[Uuid, ...], ratio: Sequence[int], lost: Sequence[Failure]
    ) -> None:
        self._problem, self._starts, self._kinds, self._ratio, self._lost = problem, starts, kinds, ratio, lost
        self._hosts = tuple(problem.pool.hosts)
        self._vms = tuple(problem.initial.host_of)
        self._index = {host: number for number, host in enumerate(self._hosts)}
        self._allowed, self._takes = self._targets(), self._open()

    def asked(self) -> FitQuestion:
        """The question, its numbers divided by what all of a row have in common."""
        upper, weighing, named, wide = self._limits()
        resident = self._weights(weighing, self._vms, arriving=False)
        arrival = self._weights(weighing, self._vms, arriving=True)
        newcomer = self._weights(weighing, self._kinds, arriving=True)
        grain = np.maximum(1, np.gcd.reduce(np.vstack([resident, arrival, newcomer]), axis=0))
        question = Question(
            upper=upper // grain,
            resident=resident // grain,
            arrival=arrival // grain,
            newcomer=newcomer // grain,
            home=np.array([self._index[host] for host in self._problem.initial.host_of.values()], dtype=np.int64),
            allowed=self._allowed,
            takes=self._takes,
            ratio=np.array(self._ratio, dtype=np.int64),
            wide=wide,
            ties=tuple(self._ties()),
            totals={**dict(space(self._problem, self._starts, self._kinds)), **self._restart_room()},
        )
        return FitQuestion(
            question=question, vms=self._vms, hosts=self._hosts, rules=named, starts=self._starts, kinds=self._kinds
        )

    def _limits(self) -> tuple[Ints, list[Weights], tuple[tuple[str, int | None], ...], tuple[WideRow, ...]]:
        """Limits of hosts, shape (hosts, rows), weights and rule of each row; and limits over several hosts."""
        families: dict[Weights, dict[int, int]] = {}
        rules: dict[Weights, str] = {}
        wide: list[WideRow] = []
        for rule, row in self._rows():
            if len(row.places) == 1:
                host = self._index[next(iter(row.places))]
                tightest = families.setdefault(row.weights, {})
                tightest[host] = min(tightest.get(host, row.upper), row.upper)
                rules.setdefault(row.weights, rule)
            else:
                wide.append(self._wide(row))
        loads = self._loads()
        uppers = [*(self._upper(weights, found) for weights, found in families.items()), *(upper for upper, _ in loads)]
        named = (*((rules[weights], None) for weights in families), *((LOAD, slot) for slot in range(len(loads))))
        upper = np.array(uppers, dtype=np.int64).reshape(len(uppers), len(self._hosts)).T
        return upper, [*families, *(weights for _, weights in loads)], named, tuple(wide)

    def _rows(self) -> Iterator[tuple[str, Row]]:
        """Sums over hosts that bind, but for those of load."""
        for bound in self._starts.book.limits:
            row = bound.limit
            if isinstance(row, Row) and row.hard and bound.rule.id != LOAD and row.places <= self._index.keys():
                yield bound.rule.id, row

    def _upper(self, weights: Weights, uppers: dict[int, int]) -> list[int]:
        unlimited = 1 + sum(weights.resident.values()) + sum(weights.arrival.values())
        return [uppers.get(host, unlimited * UNLIMITED) for host in range(len(self._hosts))]

    def _loads(self) -> list[tuple[list[int], Weights]]:
        """Of each resource that is limited and each slot, what every host may use and what each VM does."""
        problem, found = self._starts.problem, []
        for resource in limited_resources(problem):
            for slot in range(resource.slots.count):
                weights = Weights.same({vm: resource.vms[vm][slot] for vm in (*self._vms, *self._kinds)})
                everything = 1 + sum(weights.resident.values())
                upper = [
                    resource.room(host, slot) if host in resource.capacity else everything * UNLIMITED
                    for host in self._hosts
                ]
                found.append((upper, weights))
        return found

    def _weights(self, rows: Sequence[Weights], vms: Sequence[Uuid], *, arriving: bool) -> Ints:
        found = [[(row.arrival if arriving else row.resident).get(vm, 0) for row in rows] for vm in vms]
        return np.array(found, dtype=np.int64).reshape(len(vms), len(rows))

    def _wide(self, row: Row) -> WideRow:
        weights = row.weights
        return WideRow(
            hosts=np.array(sorted(self._index[place] for place in row.places), dtype=np.int64),
            resident=np.array([weights.resident.get(vm, 0) for vm in self._vms], dtype=np.int64),
            arrival=np.array([weights.arrival.get(vm, 0) for vm in self._vms], dtype=np.int64),
            newcomer=np.array([weights.arrival.get(kind, 0) for kind in self._kinds], dtype=np.int64),
            upper=row.upper,
        )

    def _ties(self) -> list[Tie]:
        number = {vm: place for place, vm in enumerate(self._vms)}
        groups = [each.limit for each in self._starts.book.limits if isinstance(each.limit, Affinity)]
        ties = [
            Tie(
                vms=np.array(sorted(number[vm] for vm in group.vms if vm in number), dtype=np.int64),
                kinds=np.array([place for place, kind in enumerate(self._kinds) if kind in group.vms], dtype=np.int64),
            )
            for group in groups
            if group.hard
        ]
        return [tie for tie in ties if len(tie.vms)]

    def _targets(self) -> Bools:
        book = Rulebook.of(self._problem)
        found = np.zeros((len(self._vms), len(self._hosts)), dtype=np.bool_)
        for place, (vm, home) in enumerate(self._problem.initial.host_of.items()):
            routes = book.targets(self._problem.pool.vms[vm])
            there = [self._index[host] for host, route in routes.items() if not route.disks]
            found[place, [*there, self._index[home]]] = True
        return found

    def _open(self) -> Bools:
        problem = self._starts.problem
        return np.array(
            [
                [not any(self._starts.closed(problem.pool.vms[kind], problem.pool.hosts[host])) for host in self._hosts]
                for kind in self._kinds
            ],
            dtype=np.bool_,
        )

    def _restart_room(self) -> dict[str, tuple[Ints, int]]:
        places = np.vstack([self._allowed, self._takes])
        reach = {
            vm: frozenset(self._hosts[host] for host in np.flatnonzero(row))
            for vm, row in zip((*self._vms, *self._kinds), places, strict=True)
        }
        return dict(restart_room(self._starts, self._problem.initial.host_of, reach, self._lost))


UNLIMITED = 1 << 12
"""So many times all that there is fits a host that a rule does not limit."""


def limited(problem: Problem) -> Problem:
    """*problem* in which the load of hosts is limited to the threshold of the policy, where metrics were read."""
    policy = problem.policy
    if problem.demand is None:
        return problem
    known = policy.limits.host_load
    share = min(
        policy.objective.threshold, known.cpu if known and known.cpu is not None else policy.objective.threshold
    )
    limits = policy.limits.model_copy(update={"host_load": HostLoadPolicy(cpu=share)})
    return replace(problem, policy=policy.model_copy(update={"limits": limits}))


def spared(problem: Problem, spare: int) -> Problem:
    """*problem* with so many hosts to spare, for all VMs."""
    if not spare:
        return problem
    policy = problem.policy.model_copy(
        update={"spare": SparePolicy(hosts=spare, vms=Covered.ALL), "storage_motion": StorageMotionPolicy()}
    )
    return make_problem(problem.pool, problem.demand, policy, on_hold=problem.on_hold)
