"""Who may move where: all VM, host and pair rules, asked once per VM, host and kind of VM."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import HostRule, Objection, PairRule, Rule, VMRule
from rebalancer.rules.core.ledger import Ledger

Ranked = tuple[int, Objection]
"""An objection with the rank of its rule."""


class Legality:
    """Answers of *rules* for single moves, in the order of the rules: the first objection is XAPI's answer.

    Pool rules are left out: they need a whole placement, see `rebalancer.rules.core.ledger`. VMs with equal needs share
    their answers, so that a matrix costs little more than one row per kind of VM.
    """

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self.problem = problem
        self.rules = tuple(rules)
        self._rank_of = {rule.id: rank for rank, rule in enumerate(self.rules)}
        self._vm_rules = [(rank, rule) for rank, rule in enumerate(self.rules) if isinstance(rule, VMRule)]
        self._host_rules = [(rank, rule) for rank, rule in enumerate(self.rules) if isinstance(rule, HostRule)]
        self._pair_rules = [(rank, rule) for rank, rule in enumerate(self.rules) if isinstance(rule, PairRule)]
        self._of_vm: dict[Uuid, tuple[Ranked, ...]] = {}
        self._of_host: dict[Uuid, tuple[Ranked, ...]] = {}
        self._of_kind: dict[tuple[int, Hashable], Mapping[Uuid, Objection]] = {}
        self._kinds: dict[Uuid, tuple[tuple[int, Mapping[Uuid, Objection]], ...]] = {}

    def at(self, problem: Problem) -> Legality:
        """The rules in *problem*, which differs in nothing but where VMs and disks are.

        Hosts, and kinds of VM on hosts, keep their answers: what depends on places is part of what a VM needs.
        """
        there = Legality(problem, self.rules)
        there._of_host, there._of_kind = self._of_host, self._of_kind
        return there

    def objections(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """Everything that speaks against moving *vm* to *host*; nothing speaks against staying."""
        if vm.resident_on == host.uuid:
            return ()
        return tuple(objection for _, objection in self.ranked(vm, host))

    def ranked(self, vm: VM, host: Host) -> list[Ranked]:
        """Objections with the rank of each rule, staying not excepted."""
        uuid = host.uuid
        found = [(rank, answers[uuid]) for rank, answers in self._pairs(vm) if uuid in answers]
        found += self._vm(vm)
        found += self._host(host)
        found.sort(key=itemgetter(0))
        return found

    def objections_with(self, ledger: Ledger, vm: VM, host: Host) -> tuple[Objection, ...]:
        """Everything that speaks against moving *vm* to *host* in the state of *ledger*, in the order of the rules."""
        found = self.ranked(vm, host)
        if limits := [(self._rank_of[rule.id], objection) for rule, objection in ledger.refusals(vm.uuid, host.uuid)]:
            found = sorted([*found, *limits], key=itemgetter(0))
        return tuple([objection for _, objection in found])

    def held_by(self, vm: VM) -> tuple[Objection, ...]:
        """What keeps *vm* from moving anywhere."""
        return tuple(objection for _, objection in self._vm(vm))

    def targets(self, vm: VM) -> tuple[Uuid, ...]:
        """Hosts that *vm* may move to, its own left out."""
        if self._vm(vm):
            return ()
        refused = {vm.resident_on, *self._closed}.union(*(answers for _, answers in self._pairs(vm)))
        return tuple([uuid for uuid in self.problem.pool.hosts if uuid not in refused])

    @cached_property
    def _closed(self) -> frozenset[Uuid]:
        """The hosts that take nobody."""
        return frozenset(uuid for uuid, host in self.problem.pool.hosts.items() if self._host(host))

    def _vm(self, vm: VM) -> tuple[Ranked, ...]:
        if vm.uuid not in self._of_vm:
            self._of_vm[vm.uuid] = tuple(
                (rank, objection) for rank, rule in self._vm_rules if (objection := rule.objects(vm, self.problem))
            )
        return self._of_vm[vm.uuid]

    def _host(self, host: Host) -> tuple[Ranked, ...]:
        if host.uuid not in self._of_host:
            self._of_host[host.uuid] = tuple(
                (rank, objection) for rank, rule in self._host_rules if (objection := rule.objects(host, self.problem))
            )
        return self._of_host[host.uuid]

    def _pairs(self, vm: VM) -> tuple[tuple[int, Mapping[Uuid, Objection]], ...]:
        """For each pair rule that has any: its objections to VMs of this kind, by host."""
        if vm.uuid not in self._kinds:
            self._kinds[vm.uuid] = tuple(
                (rank, answers) for rank, rule in self._pair_rules if (answers := self._answers(rank, rule, vm))
            )
        return self._kinds[vm.uuid]

    def _answers(self, rank: int, rule: PairRule[Any], vm: VM) -> Mapping[Uuid, Objection]:
        """The objections of one rule to VMs with the needs of *vm*, by host."""
        needs = rule.needs(vm, self.problem)
        if needs is None:
            return {}
        if (rank, needs) not in self._of_kind:
            asked = ((host.uuid, rule.objects(needs, host, self.problem)) for host in self.problem.pool.hosts.values())
            self._of_kind[rank, needs] = {uuid: objection for uuid, objection in asked if objection}
        return self._of_kind[rank, needs]
