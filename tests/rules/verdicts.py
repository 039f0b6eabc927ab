"""What XAPI answers when it is asked to migrate one VM to one host now."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.rules import Rulebook
from rebalancer.rules.core.kinds import HostRule, Objection, Origin
from rebalancer.rules.core.legality import Ranked


class Verdicts:
    """XAPI's answers for a pool as it is now.

    Any VM may be asked about, control domains and templates too, and any host, even the one where it is: XAPI
    would migrate it there once more, with its memory counted twice.
    """

    def __init__(self, book: Rulebook) -> None:
        own = Rulebook(book.problem, [rule for rule in book.rules if rule.origin is Origin.XAPI])
        self._legality, self._ledger = own.live, own.ledger()
        self._rank = {rule.id: rank for rank, rule in enumerate(own.rules) if rule.when}

    def first(self, vm: VM, host: Host) -> Objection | None:
        """The first objection in XAPI's order, pool rules included; None when XAPI would start the migration."""
        ranked = self._legality.ranked(vm, host)
        stays = vm.resident_on == host.uuid and vm.power_state is PowerState.RUNNING
        single = next((each for each in ranked if not (stays and self._spares(each[0]))), None)
        limits = self._limits(vm, host) if single is None or single[0] > min(self._rank.values(), default=0) else []
        found = [*limits, *([single] if single else [])]
        return min(found, key=lambda each: each[0])[1] if found else None

    def _limits(self, vm: VM, host: Host) -> list[Ranked]:
        """What pool rules say, with their ranks."""
        return [(self._rank[rule.id], objection) for rule, objection in self._ledger.refusals(vm.uuid, host.uuid)]

    def _spares(self, rank: int) -> bool:
        """Whether a rule says nothing of VMs that are on the host already."""
        rule = self._legality.rules[rank]
        return isinstance(rule, HostRule) and rule.spares_residents
