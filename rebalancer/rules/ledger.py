"""The checker of pool rules: what every host holds now, and whether one more VM may join.

It knows nothing of the solver. It sums the rows of the rules in exact units while VMs join and leave hosts; a VM on
its way holds both hosts, because the caller lets it join the target before it leaves the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules.base import Joined, PoolRule, Row, Violation, When


class Ledger:
    """Running sums of all rows of *rules*, starting from *placement*."""

    def __init__(self, rules: Sequence[PoolRule], problem: Problem, placement: Placement) -> None:
        self._rows: list[tuple[PoolRule, Row]] = [
            (rule, limit) for rule in rules for limit in rule.limits(problem) if isinstance(limit, Row)
        ]
        self._rows_of: dict[Uuid, list[int]] = {host: [] for host in problem.pool.hosts}
        for number, (_, row) in enumerate(self._rows):
            for host in row.hosts:
                self._rows_of[host].append(number)
        self._sums = [0] * len(self._rows)
        self._weight: list[dict[Uuid, int]] = [{} for _ in self._rows]
        self._holds: dict[tuple[int, Uuid], int] = {}
        for vm, host in placement.host_of.items():
            self._count(vm, host, arriving=False)

    def objections(self, vm: Uuid, host: Uuid) -> tuple[Violation, ...]:
        """Rows that would be broken if *vm* joined *host* now."""
        return tuple(
            self._violation(number, self._sums[number] + weight)
            for number, weight in self._joining(vm, host)
            if weight and self._sums[number] + weight > self._rows[number][1].upper
        )

    def join(self, vm: Uuid, host: Uuid) -> None:
        """From now on *vm* holds *host*, too."""
        self._count(vm, host, arriving=True)

    def settle(self, vm: Uuid, source: Uuid) -> None:
        """*vm* has arrived: it no longer holds *source*, and weighs what a resident weighs."""
        for number in self._rows_of[source]:
            self._release(number, vm)
        for number, weights in enumerate(self._weight):
            if vm in weights:
                resident = self._rows[number][1].weights.get(vm, 0)
                self._sums[number] += resident - weights[vm]
                weights[vm] = resident

    def broken(self) -> tuple[Violation, ...]:
        """Rows over their limit at this moment, whoever is to blame."""
        return tuple(
            self._violation(number, value)
            for number, value in enumerate(self._sums)
            if value > self._rows[number][1].upper and self._weight[number]
        )

    def _joining(self, vm: Uuid, host: Uuid) -> Iterable[tuple[int, int]]:
        """Rows that *vm* would newly weigh on, with its weight."""
        for number in self._rows_of[host]:
            if vm not in self._weight[number]:
                yield number, self._rows[number][1].arrival_weights.get(vm, 0)

    def _count(self, vm: Uuid, host: Uuid, *, arriving: bool) -> None:
        """Let *vm* hold *host* in every row over it."""
        for number in self._rows_of[host]:
            row = self._rows[number][1]
            weight = (row.arrival_weights if arriving else row.weights).get(vm, 0)
            if weight and vm not in self._weight[number]:
                self._weight[number][vm] = weight
                self._sums[number] += weight
            if vm in self._weight[number]:
                self._holds[number, vm] = self._holds.get((number, vm), 0) + 1

    def _release(self, number: int, vm: Uuid) -> None:
        """Let *vm* hold one host less in a row."""
        if vm not in self._weight[number]:
            return
        self._holds[number, vm] -= 1
        if not self._holds[number, vm]:
            self._sums[number] -= self._weight[number].pop(vm)
            del self._holds[number, vm]

    def _violation(self, number: int, value: int) -> Violation:
        """What is wrong with a row at *value*."""
        rule, row = self._rows[number]
        return Violation(
            rule=rule.id,
            code=rule.code,
            words=row.words(value),
            hosts=tuple(sorted(row.hosts)),
            vms=tuple(sorted(self._weight[number])),
            excess=-(-(value - row.upper) // row.unit),
        )


def step_ledger(rules: Iterable[PoolRule], problem: Problem, placement: Placement) -> Ledger:
    """The ledger of the rules that hold at every step."""
    return Ledger([rule for rule in rules if rule.when is When.EVERY_STEP], problem, placement)


def end_violations(rules: Sequence[PoolRule], problem: Problem, goal: Placement) -> tuple[Violation, ...]:
    """Where *goal* breaks a rule that it may not break: a row that somebody joined, a group that spread further."""
    joiners = {(move.vm, move.target) for move in problem.initial.moves_to(goal)}
    ledger = Ledger(rules, problem, goal)
    rows = [
        violation
        for violation in ledger.broken()
        if any(vm in violation.vms and host in violation.hosts and problem.initial[vm] not in violation.hosts for vm, host in joiners)
    ]
    spread = [
        _spread(rule, limit, goal)
        for rule, limit in _groups(rules, problem)
        if not _hosts(limit, goal) <= _hosts(limit, problem.initial) and len(_hosts(limit, goal)) > 1
    ]
    return (*rows, *spread)


def standing_violations(rules: Sequence[PoolRule], problem: Problem, placement: Placement) -> tuple[Violation, ...]:
    """Everything that is broken in *placement*, joined by anybody or not: tonight's old violations."""
    apart = [_spread(rule, limit, placement) for rule, limit in _groups(rules, problem) if len(_hosts(limit, placement)) > 1]
    return (*Ledger(rules, problem, placement).broken(), *apart)


def _groups(rules: Sequence[PoolRule], problem: Problem) -> list[tuple[PoolRule, Joined]]:
    """All groups that end on one host."""
    return [(rule, limit) for rule in rules for limit in rule.limits(problem) if isinstance(limit, Joined)]


def _hosts(group: Joined, placement: Placement) -> frozenset[Uuid]:
    """The hosts that a group occupies."""
    return frozenset(placement[vm] for vm in group.vms if vm in placement.host_of)


def _spread(rule: PoolRule, group: Joined, placement: Placement) -> Violation:
    """A group on several hosts."""
    hosts = _hosts(group, placement)
    return Violation(
        rule=rule.id,
        code=rule.code,
        words=f"{group.subject}: on {len(hosts)} hosts instead of one",
        hosts=tuple(sorted(hosts)),
        vms=tuple(sorted(group.vms)),
        excess=len(hosts) - 1,
    )
