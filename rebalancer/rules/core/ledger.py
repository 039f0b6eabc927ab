"""The checker of pool rules: what every host and SR holds now, and whether one more VM may join with its disks.

It knows nothing of the solver. It sums the rows of the rules in exact units while VMs join and leave hosts; a VM on
its way holds both hosts, because the caller lets it join the target before it leaves the source. So does a disk on its
way with its two SRs, under the name of its drive. Limits that are not hard are summed like the others and counted where
they are broken, but speak against nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import DiskMove, Placement
from rebalancer.rules.core.kinds import Affinity, Bound, Objection, PoolRule, Row, StateLimit, Violation
from rebalancer.units import counted


class Ledger:
    """Running sums of all rows among *limits*, starting from *placement*.

    VMs that are not where *since* has them weigh what an arrival weighs; by default everybody has been there long.
    """

    def __init__(
        self, limits: Iterable[Bound], pool: Pool, placement: Placement, *, since: Placement | None = None
    ) -> None:
        pairs = [(bound.rule, bound.limit) for bound in limits]
        self.groups = tuple((rule, limit) for rule, limit in pairs if isinstance(limit, Affinity))
        self.judged = tuple((rule, limit) for rule, limit in pairs if isinstance(limit, StateLimit))
        self._rows = [(rule, limit) for rule, limit in pairs if isinstance(limit, Row)]
        self._over: dict[Uuid, list[int]] = {}
        for number, (_, row) in enumerate(self._rows):
            for place in row.places:
                self._over.setdefault(place, []).append(number)
        self._sums = [0] * len(self._rows)
        self._weight: list[dict[Uuid, int]] = [{} for _ in self._rows]
        self._joined: set[int] = set()
        self._pool = pool
        self._where: dict[Uuid, tuple[Uuid, ...]] = {}
        self._behind: dict[Uuid, tuple[Uuid, ...]] = {}
        before = placement if since is None else since
        for vm, host in placement.host_of.items():
            self._where[vm] = self._placed(vm, host, before[vm])
        for vm, srs in placement.srs_of.items():
            for drive, sr in srs.items():
                self._behind[drive] = self._placed(drive, sr, before.srs_of.get(vm, srs)[drive])

    def objections(self, vm: Uuid, host: Uuid, disks: Sequence[DiskMove] = ()) -> tuple[Violation, ...]:
        """What would be broken if *vm* joined *host* now, and *disks* their new SRs."""
        joining: defaultdict[int, int] = defaultdict(int)
        for holder, place in ((vm, host), *((disk.drive, disk.target) for disk in disks)):
            for number, weight in self._joining(holder, place):
                joining[number] += weight
        rows = self._violations(
            (number, self._sums[number] + weight) for number, weight in joining.items() if self._refuses(number, weight)
        )
        judged = (
            _judgement(rule, words, vm, host)
            for rule, limit in self.judged
            if (words := limit.refuses(vm, host, self._where))
        )
        return (*rows, *judged)

    def refusals(self, vm: Uuid, host: Uuid) -> Iterator[tuple[PoolRule, Objection]]:
        """What would refuse *vm* on *host*, as xapi asks: a VM that is on *host* already counts there once more."""
        told = set[Hashable]()
        for number in self._over.get(host, ()):
            rule, row = self._rows[number]
            weight = row.weights.arrival.get(vm, 0)
            if not weight or self._sums[number] + weight <= row.most or not row.hard:
                continue
            if row.series is None or row.series not in told:
                told.add(row.series)
                yield rule, rule.refusal(row, self._sums[number], weight)
        for rule, limit in self.judged:
            words = limit.refuses(vm, host, self._where)
            if words:
                yield rule, rule.objection(words)

    def join(self, vm: Uuid, host: Uuid, disks: Sequence[DiskMove] = ()) -> None:
        """From now on *vm* holds *host*, too, and *disks* their new SRs."""
        self._load(vm, host)
        self._change(vm, (*self._where.get(vm, ()), host))
        for disk in disks:
            self._load(disk.drive, disk.target)
            self._behind[disk.drive] = (*self._behind.get(disk.drive, ()), disk.target)

    def settle(self, vm: Uuid, source: Uuid, disks: Sequence[DiskMove] = ()) -> None:
        """*vm* has arrived: it no longer holds *source*, nor *disks* their old SRs; all weigh what residents weigh."""
        self._change(vm, tuple(host for host in self._where[vm] if host != source))
        self._unload(vm, source, self._where[vm])
        for disk in disks:
            self._behind[disk.drive] = tuple(sr for sr in self._behind[disk.drive] if sr != disk.source)
            self._unload(disk.drive, disk.source, self._behind[disk.drive])

    def broken(self) -> tuple[Violation, ...]:
        """What is over its limit at this moment, whoever is to blame."""
        judged = (_judgement(rule, words) for rule, limit in self.judged if (words := limit.broken(self._where)))
        over = ((number, value) for number, value in enumerate(self._sums) if value > self._rows[number][1].upper)
        return (*self._violations(self._weighed_on(over)), *judged)

    def broken_by_arrivals(self) -> tuple[Violation, ...]:
        """Hard rows over their limit on which somebody weighs who came from elsewhere."""
        hard = ((number, self._rows[number][1]) for number in sorted(self._joined) if self._rows[number][1].hard)
        over = ((number, self._sums[number]) for number, row in hard if self._sums[number] > row.most)
        return tuple(self._violations(self._weighed_on(over)))

    def _refuses(self, number: int, weight: int) -> bool:
        row = self._rows[number][1]
        return bool(weight) and row.hard and self._sums[number] + weight > row.most

    def _weighed_on(self, values: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Those of some rows, with what they hold, that anybody weighs on."""
        return ((number, value) for number, value in values if self._weight[number])

    def _placed(self, holder: Uuid, place: Uuid, before: Uuid) -> tuple[Uuid, ...]:
        """Let *holder*, which was on *before*, hold *place* from the start; what it holds."""
        for number in self._over.get(place, ()):
            row = self._rows[number][1]
            if before in row.places:
                self._weigh(number, holder, row.weights.resident.get(holder, 0))
            elif row.weights.arrival.get(holder, 0):
                self._weigh(number, holder, row.weights.arrival[holder])
                self._joined.add(number)
        return (place,)

    def _joining(self, holder: Uuid, place: Uuid) -> Iterator[tuple[int, int]]:
        """Rows that *holder* would newly weigh on, with its weight."""
        holds = self._where.get(holder) or self._behind.get(holder, ())
        for number in self._over.get(place, ()):
            row = self._rows[number][1]
            if row.places.isdisjoint(holds):
                yield number, row.weights.arrival.get(holder, 0)

    def _load(self, holder: Uuid, place: Uuid) -> None:
        """Let *holder* weigh on the rows over *place*, as an arrival."""
        for number, weight in self._joining(holder, place):
            self._weigh(number, holder, weight)

    def _unload(self, holder: Uuid, left: Uuid, holds: Sequence[Uuid]) -> None:
        """Let *holder* weigh no more on the rows over *left*, and as a resident on those over what it *holds*."""
        for number in self._over.get(left, ()):
            self._sums[number] -= self._weight[number].pop(holder, 0)
        for place in holds:
            for number in self._over.get(place, ()):
                self._sums[number] -= self._weight[number].pop(holder, 0)
                self._weigh(number, holder, self._rows[number][1].weights.resident.get(holder, 0))

    def _change(self, vm: Uuid, hosts: tuple[Uuid, ...]) -> None:
        """From now on *vm* holds *hosts*: a new state, where somebody remembers what was said of the last one."""
        if self.judged:
            self._where = dict(self._where)
        self._where[vm] = hosts

    def _weigh(self, number: int, vm: Uuid, weight: int) -> None:
        """Let a VM or drive weigh on a row on which it does not weigh yet."""
        if weight and vm not in self._weight[number]:
            self._weight[number][vm] = weight
            self._sums[number] += weight

    def _violations(self, values: Iterable[tuple[int, int]]) -> Iterator[Violation]:
        """One for each row, with what it holds, and for each series of rows."""
        series: dict[Hashable, list[tuple[int, int]]] = {}
        for number, value in values:
            own = self._rows[number][1].series
            series.setdefault(number if own is None else own, []).append((number, value))
        return map(self._violation, series.values())

    def _violation(self, values: Sequence[tuple[int, int]]) -> Violation:
        """Rows that are told of together, with what they hold, by the one that is furthest above its limit."""
        rows = [(self._rows[number][1], value) for number, value in values]
        number, most = max(values, key=lambda each: each[1] - self._rows[each[0]][1].upper)
        rule, row = self._rows[number]
        others = f", and above it in {counted(len(rows) - 1, 'more slot')}" if len(rows) > 1 else ""
        weighing = set[Uuid]().union(*(self._weight[number].keys() for number, _ in values))
        return Violation(
            rule=rule.id,
            code=rule.code,
            words=row.words(most) + others,
            hosts=tuple(sorted(row.places & self._pool.hosts.keys())),
            vms=tuple(sorted(weighing & self._pool.vms.keys())),
            excess=sum(-(-(value - row.upper) // row.unit) for row, value in rows),
        )


def violations_since(limits: Iterable[Bound], pool: Pool, start: Placement, goal: Placement) -> tuple[Violation, ...]:
    """Where *goal* breaks a limit that it may not break, having started from *start*.

    That is a row that somebody joined, who weighs what an arrival weighs; a group that spread to a further host; and
    whatever is judged as a whole and got worse. Limits that are not hard may break.
    """
    ledger = Ledger(limits, pool, goal, since=start)
    spread = [
        _spread(rule, group, goal)
        for rule, group in ledger.groups
        if group.hard and not _hosts(group, goal) <= _hosts(group, start) and len(_hosts(group, goal)) > 1
    ]
    judged = [
        _judgement(rule, words)
        for rule, limit in ledger.judged
        if (words := limit.worsens(_where(start), _where(goal)))
    ]
    return (*ledger.broken_by_arrivals(), *spread, *judged)


def standing_violations(limits: Iterable[Bound], pool: Pool, placement: Placement) -> tuple[Violation, ...]:
    """Everything that is broken in *placement*, hard or not, joined by anybody or not."""
    ledger = Ledger(limits, pool, placement)
    apart = [_spread(rule, group, placement) for rule, group in ledger.groups if len(_hosts(group, placement)) > 1]
    return (*ledger.broken(), *apart)


def _where(placement: Placement) -> dict[Uuid, tuple[Uuid, ...]]:
    return {vm: (host,) for vm, host in placement.host_of.items()}


def _hosts(group: Affinity, placement: Placement) -> frozenset[Uuid]:
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


def _spread(rule: PoolRule, group: Affinity, placement: Placement) -> Violation:
    hosts = _hosts(group, placement)
    return Violation(
        rule=rule.id,
        code=rule.code,
        words=f"{group.subject}: on {len(hosts)} hosts instead of one",
        hosts=tuple(sorted(hosts)),
        vms=tuple(sorted(group.vms)),
        excess=len(hosts) - 1,
    )
