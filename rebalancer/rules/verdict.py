"""What XAPI answers when it is asked to migrate one VM to one host now."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin, Rule
from rebalancer.rules.ledger import step_ledger
from rebalancer.rules.legality import Legality, Ranked


class Verdicts:
    """XAPI's answers for a pool as it is now.

    Any VM may be asked about, control domains and templates too, and any host, even the one where it is: XAPI
    would migrate it there once more, with its memory counted twice.
    """

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self._legality = Legality(problem, [rule for rule in rules if rule.origin is Origin.XAPI])
        self._ledger = step_ledger(self._legality.pool_rules, problem, problem.initial)

    def first(self, vm: VM, host: Host) -> Objection | None:
        """The first objection in XAPI's order, pool rules included; None when XAPI would start the migration."""
        rank = {rule.id: number for number, rule in enumerate(self._legality.rules)}
        limits: list[Ranked] = [
            (rank[rule.id], objection) for rule, objection in self._ledger.refusals(vm.uuid, host.uuid)
        ]
        found = [*self._legality.ranked(vm, host), *limits]
        return min(found, key=lambda ranked: ranked[0])[1] if found else None
