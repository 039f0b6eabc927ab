"""Reasons: for every step, for what was left alone, and for what stays broken."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from rebalancer.describe.figures import load_shares
from rebalancer.describe.step_figures import StepFigures, figures_of
from rebalancer.describe.worth import not_worth_it
from rebalancer.inventory import VM, Uuid
from rebalancer.objectives import FailuresLost, LastResort
from rebalancer.objectives.load import demand_of
from rebalancer.placement import Migration, Placement
from rebalancer.plan.plan import LeftAlone, Missing, OldViolation
from rebalancer.plan.step import StepKind
from rebalancer.policy import Mode
from rebalancer.rules import Ledger, Objection, Rulebook, Violation
from rebalancer.units import counted, first_few, size_in_words

OVER_THRESHOLD = "over-threshold"
"""In the place of a rule: the host has more load than the policy's threshold."""
RELIEVES = "relieves "
"""How reasons begin that are about the load of the source."""
HOST_LOAD = "host-load"
"""The rule about the ceiling on load."""
SHOWN = 3
HOME = "home"
"""The outcome of plans whose steps all lead back."""
BACK = {StepKind.MOVE: "back to where it was", StepKind.HOP: "parked on the way back"}
"""Why steps are made that lead back."""


class Reasons:
    """Why the moves from where VMs are to *goal* are made, and why others are not, *missing* ones among them.

    Time ran out in the *unfinished* objectives: of them nothing is known but what was found.
    """

    def __init__(
        self,
        book: Rulebook,
        goal: Placement,
        *,
        missing: Sequence[Missing] = (),
        unfinished: Sequence[str] = (),
    ) -> None:
        self._book, self._problem, self._goal = book, book.problem, goal
        self._unfinished = tuple(unfinished)
        self._missing = {each.vm: each for each in missing}
        self._broken = book.violations(self._problem.initial)
        self._left_broken = book.violations(goal)
        self._peaks_before = self._peaks(self._problem.initial)
        self._peaks_after = self._peaks(goal)

    def urgent(self) -> tuple[Uuid, ...]:
        """VMs that move, those from the hottest hosts first."""
        peaks, moves = self._peaks_before, self._problem.initial.moves_to(self._goal)
        ranked = sorted((-peaks.get(move.source, (0.0, 0))[0], move.source, move.vm) for move in moves)
        return tuple(vm for _, _, vm in ranked)

    def of(self, migrations: Sequence[Migration]) -> tuple[str, ...]:
        """Why each of *migrations* is made, what it changes on its hosts in this order, and why its target."""
        words = self.without_figures(migrations)
        hot = [each.startswith(RELIEVES) for each in words]
        figures = figures_of(migrations, self._book, hot=hot)
        return tuple(map(self._in_full, migrations, words, figures))

    def without_figures(self, migrations: Sequence[Migration]) -> tuple[str, ...]:
        """The same as plans of earlier versions have it: without what changes on the hosts, in any order."""
        return tuple(self._of_move(position, migrations) for position in range(len(migrations)))

    def _in_full(self, move: Migration, words: str, figures: StepFigures | None) -> str:
        if figures is None:
            return words
        target = f"{self._host(move.target)} {_change(figures.target)}"
        when = demand_of(self._problem).when.words(figures.slot)
        if not words.startswith(RELIEVES):
            return f"{words}; {target} of its CPU at {when}; {figures.choice}"
        source, threshold = f"{_change(figures.source)} of its CPU", self._problem.policy.objective.threshold
        own = f"{RELIEVES}{self._host(move.source)} of {figures.eased:.0%}: {source} at {when}"
        return f"{own} (threshold {threshold:.0%}), {target}; {figures.choice}"

    def left_alone(self) -> tuple[LeftAlone, ...]:
        """Hosts that stay over the threshold, hottest first, each followed by the VMs that stay on it."""
        hosts = sorted((-share, host) for host, (share, _) in self._peaks_after.items() if share > 1)
        return tuple(each for _, host in hosts for each in self._left_on(host))

    def new_violations(self) -> tuple[str, ...]:
        """Wishes that the plan gives up, one sentence each: they held before."""
        return tuple(
            f"the plan gives up a wish that held before: {self._told(each, self._goal)} [{each.rule}]"
            for each in self._left_broken
            if not any(_same(each, violation) for violation in self._broken)
        )

    def old_violations(self) -> tuple[OldViolation, ...]:
        """What was broken before the plan, and why it stays so where it does."""
        return tuple(self._old(violation) for violation in self._broken)

    def _peaks(self, placement: Placement) -> dict[Uuid, tuple[float, int]]:
        """Highest load of every host as a share of its threshold, and the slot."""
        if self._problem.demand is None:
            return {}
        shares = np.round(load_shares(self._problem, placement) / self._problem.policy.objective.threshold, 6)
        rows = zip(self._problem.pool.hosts, shares, strict=True)
        return {host: (float(row.max()), int(row.argmax())) for host, row in rows}

    def _of_move(self, position: int, migrations: Sequence[Migration]) -> str:
        move = migrations[position]
        if move.hop:
            return f"parked on {self._host(move.target)}: every order of the moves alone would block itself"
        if any(each.vm == move.vm for each in migrations[:position]):
            if move.target == self._problem.initial[move.vm]:
                return f"goes home to {self._host(move.target)}, where it made room for a while"
            return f"goes on from {self._host(move.source)}, where it was parked"
        usual = self._of_wish(move) or self._of_sleep(move) or self._of_load(move) or self._of_room(move)
        found, both = usual or self._of_spare, f"{self._host(move.source)} and {self._host(move.target)}"
        wanted = self._problem.policy.objective
        levels = self._problem.demand is not None and (wanted.level or wanted.lower_peak)
        return found or (f"levels the load of {both}" if levels else f"part of the best placement found for {both}")

    def _of_wish(self, move: Migration) -> str | None:
        emptied = self._problem.intent.empty
        if move.source in emptied:
            wanted = f": {emptied[move.source]}" if self._problem.policy.mode is not Mode.EVACUATE else ""
            return f"empties {self._host(move.source)}{wanted}"
        for violation in self._broken:
            if move.vm in violation.vms and move.source in violation.hosts and self._eased(violation):
                return f"{self._company(move, violation)}: {violation.words} [{violation.rule}]"
        return None

    def _eased(self, violation: Violation) -> bool:
        left = next((each for each in self._left_broken if _same(each, violation)), None)
        return left is None or left.excess < violation.excess

    def _company(self, move: Migration, violation: Violation) -> str:
        others = [vm for vm in violation.vms if vm != move.vm]
        here = [vm for vm in others if self._problem.initial[vm] == move.source]
        there = [vm for vm in others if self._goal[vm] == move.target]
        if len(violation.hosts) > 1 and there:
            return f"brings it together with {self._names(there)}"
        return f"separates it from {self._names(here)}" if here else f"moves it off {self._host(move.source)}"

    def _of_sleep(self, move: Migration) -> str | None:
        freed = self._problem.policy.mode is Mode.CONSOLIDATE and move.source not in self._goal.host_of.values()
        return f"leaves {self._host(move.source)} empty" if freed else None

    def _of_load(self, move: Migration) -> str | None:
        share, slot = self._peaks_before.get(move.source, (0.0, 0))
        if share <= 1 or self._problem.demand is None:
            return None
        when = self._problem.demand.when.words(slot)
        return f"{RELIEVES}{self._host(move.source)}, at {share:.0%} of its threshold at {when}"

    def _of_room(self, move: Migration) -> str | None:
        arriving = [each.vm for each in self._problem.initial.moves_to(self._goal) if each.target == move.source]
        return f"makes room on {self._host(move.source)} for {self._names(arriving)}" if arriving else None

    @cached_property
    def _of_spare(self) -> str | None:
        asked = (self._problem.initial, self._goal)
        before, after = (int(FailuresLost().value(each, self._book)) for each in asked)
        if after >= before:
            return None
        left = f"{counted(after, 'failure')} of hosts" if after else "no failure of hosts"
        return f"after {left} instead of {before} VMs then have no place to restart [spare]"

    def _left_on(self, host: Uuid) -> Iterator[LeftAlone]:
        share, slot = self._peaks_after[host]
        when = demand_of(self._problem).when.words(slot)
        ending = [vm for vm, last in self._goal.host_of.items() if last == host]
        staying = [vm for vm in ending if self._problem.initial[vm] == host]
        came = len(ending) - len(staying)
        count = counted(len(ending), "VM") + (f", {came} of them new" if came else "")
        yield LeftAlone(
            kind="host",
            uuid=host,
            name=self._host(host),
            rule=OVER_THRESHOLD,
            words=f"stays at {share:.0%} of its threshold at {when}, with {count}",
        )
        for vm in staying:
            held = self._held(self._problem.pool.vms[vm])
            yield LeftAlone(
                kind="vm",
                uuid=vm,
                name=self._problem.names.vms[vm],
                rule=held.rule,
                words=held.words,
                fix=str(self._book.fix(self._problem.pool.vms[vm]) or ""),
            )

    def _held(self, vm: VM) -> Objection:
        """What keeps *vm* where it is: a rule, what its missing move lacks, or that moving it would not pay."""
        own = self._book.live.held_by(vm)
        if own:
            return own[0]
        if vm.uuid in self._missing:
            without = self._missing[vm.uuid]
            words = f"was to go to {without.target_name}; the plan does without: {without.words}"
            return Objection(rule=without.rule, code=None, words=words)
        targets, intent = self._book.targets(vm), self._problem.intent
        if targets and vm.uuid in intent.last_resort:
            words = f"moves as a last resort only: {intent.last_resort[vm.uuid]}"
            return Objection(rule=LastResort.id, code=None, words=words)
        if too_hot := self._too_hot(vm, targets):
            return too_hot
        if targets:
            rule, words = not_worth_it(vm, self._goal, self._book, self._unfinished)
            return Objection(rule=rule, code=None, words=f"may go to {counted(len(targets), 'host')}, but {words}")
        return self._refused_everywhere(vm)

    def _too_hot(self, vm: VM, targets: Collection[Uuid]) -> Objection | None:
        """The ceiling on load, where it closes every host that *vm* may go to once the plan is done."""
        if not targets or self._problem.policy.limits.host_load is None:
            return None
        asked = (self._at_the_end.objections(vm.uuid, host) for host in targets)
        found = [next((each.words for each in said if each.rule == HOST_LOAD), "") for said in asked]
        if not all(found):
            return None
        words = f"may go to {counted(len(targets), 'host')}, and none has room below the ceiling; with it {found[0]}"
        return Objection(rule=HOST_LOAD, code=None, words=words)

    @cached_property
    def _at_the_end(self) -> Ledger:
        return self._book.ledger(self._goal)

    def _refused_everywhere(self, vm: VM) -> Objection:
        refusals = [
            objections[0] for host in self._problem.pool.hosts.values() if (objections := self._book.why_not(vm, host))
        ]
        if not refusals:
            return Objection(rule="only-host", code=None, words="there is no other host")
        rules = [each.rule for each in refusals]
        chosen = max(refusals, key=lambda each: rules.count(each.rule))
        words = f"no other host may take it; {rules.count(chosen.rule)} of {len(rules)} because: {chosen.words}"
        return replace(chosen, words=words + self._with_disks(vm))

    def _with_disks(self, vm: VM) -> str:
        """What it would take for *vm* to go somewhere with its disks, where the policy lets none go along."""
        if self._problem.policy.storage_motion.enabled:
            return ""
        routes = self._book.with_disks.targets(vm).values()
        if not routes:
            return ""
        size = size_in_words(min(route.copied_bytes for route in routes))
        hosts = counted(len(routes), "host")
        return f"; with its disks it could go to {hosts}, copying {size}: set storage_motion.enabled"

    def _old(self, violation: Violation) -> OldViolation:
        left = [each for each in self._left_broken if _same(each, violation)]
        return OldViolation(
            rule=violation.rule,
            words=self._told(violation, self._problem.initial),
            mended=not left,
            why_not=self._why_not(violation, left[0].excess) if left else "",
        )

    def _told(self, violation: Violation, placement: Placement) -> str:
        vms = [vm for vm in violation.vms if vm in placement.host_of]
        hosts = sorted({self._host(placement[vm]) for vm in vms} or map(self._host, violation.hosts))
        return f"{violation.words}; on {first_few(hosts, SHOWN)}" + (f": {self._names(vms)}" if vms else "")

    def _why_not(self, violation: Violation, excess: int) -> str:
        """What holds the VMs of something that stays broken, by *excess*; only a soft group can become worse."""
        if excess > violation.excess:
            return "the plan breaks it further, to repair more elsewhere or to empty a host"
        staying = [vm for vm in violation.vms if self._goal[vm] == self._problem.initial[vm]]
        held = {vm: self._held(self._problem.pool.vms[vm]) for vm in staying}
        by_rule: dict[str, list[Uuid]] = {}
        for vm, objection in held.items():
            by_rule.setdefault(objection.rule, []).append(vm)
        parts = [f"{self._names(vms)}: {held[vms[0]].words} [{rule}]" for rule, vms in sorted(by_rule.items())]
        return "; ".join(parts) or "the plan eases it, but no legal placement was found that repairs it"

    def _host(self, host: Uuid) -> str:
        return self._problem.names.hosts[host]

    def _names(self, vms: Sequence[Uuid]) -> str:
        return first_few([self._problem.names.vms[vm] for vm in vms], SHOWN)


def _change(shares: tuple[float, float]) -> str:
    before, after = shares
    return f"{before:.0%} -> {after:.0%}"


def _same(one: Violation, other: Violation) -> bool:
    """Whether both are about one limit."""
    shared = set(one.hosts) & set(other.hosts) or set(one.vms) == set(other.vms)
    return one.rule == other.rule and bool(shared) and bool(set(one.vms) & set(other.vms) or not one.vms)
