"""Who may move where: all VM, host and pair rules, asked once per VM, host and kind of VM."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.base import HostRule, Objection, PairRule, PoolRule, Rule, VMRule


class Legality:
    """Answers of *rules* for single moves, in the order of the rules: the first objection is XAPI's answer.

    Pool rules are left out: they need a whole placement, see `rebalancer.rules.ledger`.
    """

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self.problem = problem
        self.rules = tuple(rules)
        self._of_vm: dict[Uuid, list[tuple[int, Objection]]] = {}
        self._of_host: dict[Uuid, list[tuple[int, Objection]]] = {}
        self._of_kind: dict[tuple[int, Hashable, Uuid], Objection | None] = {}

    @property
    def pool_rules(self) -> tuple[PoolRule, ...]:
        """The rules that need a whole placement."""
        return tuple(rule for rule in self.rules if isinstance(rule, PoolRule))

    def objections(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """Everything that speaks against moving *vm* to *host*; nothing speaks against staying."""
        if vm.resident_on == host.uuid:
            return ()
        found = [*self._vm(vm), *self._host(host), *self._pair(vm, host)]
        return tuple(objection for _, objection in sorted(found, key=lambda each: each[0]))

    def held_by(self, vm: VM) -> tuple[Objection, ...]:
        """What keeps *vm* from moving anywhere."""
        return tuple(objection for _, objection in self._vm(vm))

    def targets(self, vm: VM) -> tuple[Uuid, ...]:
        """Hosts that *vm* may move to, its own left out."""
        if self._vm(vm):
            return ()
        return tuple(
            host.uuid
            for host in self.problem.pool.hosts.values()
            if host.uuid != vm.resident_on and not self._host(host) and not any(True for _ in self._pair(vm, host))
        )

    def _vm(self, vm: VM) -> list[tuple[int, Objection]]:
        """Objections of VM rules, with the rank of the rule."""
        if vm.uuid not in self._of_vm:
            asked = ((rank, rule.objects(vm, self.problem)) for rank, rule in enumerate(self.rules) if isinstance(rule, VMRule))
            self._of_vm[vm.uuid] = [(rank, objection) for rank, objection in asked if objection]
        return self._of_vm[vm.uuid]

    def _host(self, host: Host) -> list[tuple[int, Objection]]:
        """Objections of host rules, with the rank of the rule."""
        if host.uuid not in self._of_host:
            asked = ((rank, rule.objects(host, self.problem)) for rank, rule in enumerate(self.rules) if isinstance(rule, HostRule))
            self._of_host[host.uuid] = [(rank, objection) for rank, objection in asked if objection]
        return self._of_host[host.uuid]

    def _pair(self, vm: VM, host: Host) -> Iterable[tuple[int, Objection]]:
        """Objections of pair rules, with the rank of the rule; VMs with equal needs share an answer."""
        for rank, rule in enumerate(self.rules):
            if not isinstance(rule, PairRule):
                continue
            needs = rule.needs(vm, self.problem)
            if needs is None:
                continue
            key = (rank, needs, host.uuid)
            if key not in self._of_kind:
                self._of_kind[key] = rule.objects(needs, host, self.problem)
            objection = self._of_kind[key]
            if objection:
                yield rank, objection
