"""The checker of pool rules: what every host holds now, and whether one more VM may join.

It knows nothing of the solver. It sums the rows of the rules in exact units while VMs join and leave hosts; a VM on
its way holds both hosts, because the caller lets it join the target before it leaves the source. Limits that are not
hard are summed like the others and counted where they are broken, but speak against nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules.base import Joined, Judged, Objection, PoolRule, Row, Violation, When


class Ledger:
    """Running sums of all rows of *rules*, starting from *placement*.

    VMs that are not where *since* has them weigh what an arrival weighs; by default everybody has been there long.
    """

    def __init__(
        self, rules: Sequence[PoolRule], problem: Problem, placement: Placement, *, since: Placement | None = None
    ) -> None:
        limits = [(rule, limit) for rule in rules for limit in rule.limits(problem)]
        self.groups = tuple((rule, limit) for rule, limit in limits if isinstance(limit, Joined))
        self.judged = tuple((rule, limit) for rule, limit in limits if isinstance(limit, Judged))
        self._rows = [(rule, limit) for rule, limit in limits if isinstance(limit, Row)]
        self._over = _numbers_by_host(self._rows, problem)
        self._sums = [0] * len(self._rows)
        self._weight: list[dict[Uuid, int]] = [{} for _ in self._rows]
        self._joined: set[int] = set()
        self._where: dict[Uuid, tuple[Uuid, ...]] = {}
        for vm, host in placement.host_of.items():
            self._place(vm, host, placement[vm] if since is None else since[vm])

    def objections(self, vm: Uuid, host: Uuid) -> tuple[Violation, ...]:
        """What would be broken if *vm* joined *host* now."""
        rows = (
            self._violation(number, self._sums[number] + weight)
            for number, weight in self._joining(vm, host)
            if self._refuses(number, weight)
        )
        judged = (
            _judgement(rule, words, vm, host)
            for rule, limit in self.judged
            if (words := limit.refuses(vm, host, self._where))
        )
        return (*rows, *judged)

    def refusals(self, vm: Uuid, host: Uuid) -> Iterator[tuple[PoolRule, Objection]]:
        """The same in the words of the rules, as xapi asks: a VM that is on *host* already counts there once more."""
        for number in self._over.get(host, ()):
            rule, row = self._rows[number]
            weight = row.arrival_weights.get(vm, 0)
            if self._refuses(number, weight):
                yield rule, rule.refusal(row, self._sums[number], weight)
        for rule, limit in self.judged:
            words = limit.refuses(vm, host, self._where)
            if words:
                yield rule, rule.objection(words)

    def join(self, vm: Uuid, host: Uuid) -> None:
        """From now on *vm* holds *host*, too."""
        for number, weight in self._joining(vm, host):
            self._weigh(number, vm, weight)
        self._change(vm, (*self._where.get(vm, ()), host))

    def settle(self, vm: Uuid, source: Uuid) -> None:
        """*vm* has arrived: it no longer holds *source*, and weighs what a resident weighs."""
        self._change(vm, tuple(host for host in self._where[vm] if host != source))
        for number in self._over.get(source, ()):
            self._sums[number] -= self._weight[number].pop(vm, 0)
        for host in self._where[vm]:
            for number in self._over.get(host, ()):
                self._sums[number] -= self._weight[number].pop(vm, 0)
                self._weigh(number, vm, self._rows[number][1].weights.get(vm, 0))

    def broken(self) -> tuple[Violation, ...]:
        """What is over its limit at this moment, whoever is to blame."""
        judged = (_judgement(rule, words) for rule, limit in self.judged if (words := limit.broken(self._where)))
        return (*self.counted(), *judged)

    def counted(self) -> tuple[Violation, ...]:
        """Rows over their limit at this moment, whoever is to blame."""
        return tuple(self._broken_rows())

    def broken_by_arrivals(self) -> tuple[Violation, ...]:
        """Hard rows over their limit on which somebody weighs who came from elsewhere."""
        return tuple(self._broken_rows(number for number in self._joined if self._rows[number][1].hard))

    def _refuses(self, number: int, weight: int) -> bool:
        """Whether a hard row has no room for *weight* more."""
        row = self._rows[number][1]
        return bool(weight) and row.hard and self._sums[number] + weight > row.upper

    def _broken_rows(self, among: Iterable[int] | None = None) -> Iterator[Violation]:
        """Rows over their limit that anybody weighs on, in their order."""
        for number in range(len(self._rows)) if among is None else sorted(among):
            if self._sums[number] > self._rows[number][1].upper and self._weight[number]:
                yield self._violation(number, self._sums[number])

    def _place(self, vm: Uuid, host: Uuid, before: Uuid) -> None:
        """Let *vm*, which was on *before*, hold *host* from the start."""
        for number in self._over.get(host, ()):
            row = self._rows[number][1]
            if before in row.hosts:
                self._weigh(number, vm, row.weights.get(vm, 0))
            elif row.arrival_weights.get(vm, 0):
                self._weigh(number, vm, row.arrival_weights[vm])
                self._joined.add(number)
        self._where[vm] = (host,)

    def _joining(self, vm: Uuid, host: Uuid) -> Iterator[tuple[int, int]]:
        """Rows that *vm* would newly weigh on, with its weight."""
        holds = self._where.get(vm, ())
        for number in self._over.get(host, ()):
            row = self._rows[number][1]
            if row.hosts.isdisjoint(holds):
                yield number, row.arrival_weights.get(vm, 0)

    def _change(self, vm: Uuid, hosts: tuple[Uuid, ...]) -> None:
        """From now on *vm* holds *hosts*: a new state, where somebody remembers what was said of the last one."""
        if self.judged:
            self._where = dict(self._where)
        self._where[vm] = hosts

    def _weigh(self, number: int, vm: Uuid, weight: int) -> None:
        """Let *vm* weigh on a row on which it does not weigh yet."""
        if weight and vm not in self._weight[number]:
            self._weight[number][vm] = weight
            self._sums[number] += weight

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
    """Where *goal* breaks a rule that it may not break.

    That is a row that somebody joined, who weighs what an arrival weighs; a group that spread to a further host; and
    whatever is judged as a whole, was in order and is not any more. Limits that are not hard may break.
    """
    start = problem.initial
    ledger = Ledger(rules, problem, goal, since=start)
    spread = [
        _spread(rule, group, goal)
        for rule, group in ledger.groups
        if group.hard and not _hosts(group, goal) <= _hosts(group, start) and len(_hosts(group, goal)) > 1
    ]
    judged = [
        _judgement(rule, words)
        for rule, limit in ledger.judged
        if (words := limit.broken(_where(goal))) and not limit.broken(_where(start))
    ]
    return (*ledger.broken_by_arrivals(), *spread, *judged)


def standing_violations(rules: Sequence[PoolRule], problem: Problem, placement: Placement) -> tuple[Violation, ...]:
    """Everything that is broken in *placement*, hard or not, joined by anybody or not: tonight's old violations."""
    ledger = Ledger(rules, problem, placement)
    return (*ledger.broken(), *_apart(ledger, placement))


def counted_violations(rules: Sequence[PoolRule], problem: Problem, placement: Placement) -> tuple[Violation, ...]:
    """What is broken by rows and groups: whatever can be counted, and so mended piece by piece.

    What a rule judges as a whole, such as HA's plan, holds or does not.
    """
    ledger = Ledger(rules, problem, placement)
    return (*ledger.counted(), *_apart(ledger, placement))


def _apart(ledger: Ledger, placement: Placement) -> list[Violation]:
    """Groups on several hosts."""
    return [_spread(rule, group, placement) for rule, group in ledger.groups if len(_hosts(group, placement)) > 1]


def _numbers_by_host(rows: Sequence[tuple[PoolRule, Row]], problem: Problem) -> dict[Uuid, list[int]]:
    """The numbers of the rows over each host."""
    found: dict[Uuid, list[int]] = {host: [] for host in problem.pool.hosts}
    for number, (_, row) in enumerate(rows):
        for host in row.hosts:
            found.setdefault(host, []).append(number)
    return found


def _where(placement: Placement) -> dict[Uuid, tuple[Uuid, ...]]:
    """The one host that each VM holds."""
    return {vm: (host,) for vm, host in placement.host_of.items()}


def _hosts(group: Joined, placement: Placement) -> frozenset[Uuid]:
    """The hosts that a group occupies."""
    return frozenset(placement[vm] for vm in group.vms if vm in placement.host_of)


def _judgement(rule: PoolRule, words: str, vm: Uuid | None = None, host: Uuid | None = None) -> Violation:
    """A limit that was judged as a whole: one breach, by *vm* on *host* where somebody is to blame."""
    return Violation(
        rule=rule.id,
        code=rule.code,
        words=words,
        hosts=(host,) if host else (),
        vms=(vm,) if vm else (),
        excess=1,
    )


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
