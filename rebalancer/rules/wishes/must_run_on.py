"""VMs that may run on some hosts only run there."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.policy import named
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule, PoolRule, Row, Weights, When

Wanted = tuple[tuple[str, frozenset[Uuid]], ...]
"""The hosts of each wish that names a VM, with the name of the wish."""


class MustRunOn(PairRule[Wanted], PoolRule):
    """No move leads to another host, and whoever is on another host tonight is counted until it is mended.

    A soft tie is only counted.
    """

    id = "must-run-on"
    sentence = "A VM that is tied to some hosts goes to those only."
    source = "the policy's run_on; XenAPI VM.affinity, soft"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.AT_END

    def needs(self, vm: VM, problem: Problem) -> Wanted | None:
        """The hard wishes that name *vm*."""
        ties = (wish for wish in problem.intent.run_on if wish.hard and vm.uuid in wish.vms)
        return tuple((wish.name, wish.hosts) for wish in ties) or None

    def objects(self, needs: Wanted, host: Host, problem: Problem) -> Objection | None:
        """A host that a wish does not name."""
        broken = [name for name, hosts in needs if host.uuid not in hosts]
        if not broken:
            return None
        words = f"'{broken[0]}' in the policy ties it to other hosts"
        return self.objection(words, remedy="change the policy's run_on", disruption=Disruption.POLICY)

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row for each wish: nobody of it on any other host."""
        return tuple(
            Row(
                subject=f"VMs of {named(wish)} on hosts that it does not name",
                places=others,
                weights=weights,
                upper=0,
                hard=wish.hard,
            )
            for wish in problem.intent.run_on
            for weights in [Weights.same(dict.fromkeys(sorted(wish.vms), 1))]
            if (others := frozenset(problem.pool.hosts) - wish.hosts)
        )
