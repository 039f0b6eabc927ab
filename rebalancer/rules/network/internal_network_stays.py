"""An internal network is still on the target when the VM gets there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebalancer.inventory import PowerState, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Origin, PoolRule, StateLimit, When
from rebalancer.rules.facts.internal_networks import internal_network


class InternalNetworkStays(PoolRule):
    """`network-on-target` knows where the network is tonight; the VMs that carry it may move away first."""

    id = "internal-network-stays"
    sentence = "When a VM comes to a host for an internal network, another VM still runs on that network there."
    source = "xapi_network_attach_helpers.ml: assert_can_see_named_networks"
    origin = Origin.XAPI
    code = "VM_REQUIRES_NETWORK"
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[StateLimit, ...]:
        """One judgement for each internal network on which VMs run on several hosts."""
        spread = (internal_network(uuid, problem) for uuid in problem.pool.networks)
        return tuple(
            _Anchored(network=each.name, members=_members(each.network, problem))
            for each in spread
            if each and not each.everywhere and len(each.hosts) > 1
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Anchored(StateLimit):
    """The VMs that run on one internal network, with the host of those that no placement names."""

    network: str
    members: Mapping[Uuid, Uuid]

    def refuses(self, vm: Uuid, host: Uuid, where: Mapping[Uuid, Sequence[Uuid]]) -> str | None:
        """Nobody of the network runs on *host* in this state."""
        if vm not in self.members:
            return None
        others = (where.get(member, (home,)) for member, home in self.members.items())
        if any(hosts[0] == host for hosts in others):
            return None
        return f"needs internal network '{self.network}', on which nobody runs on this host any more"

    def broken(self, where: Mapping[Uuid, Sequence[Uuid]]) -> str | None:
        """Never: whoever is on the network stays connected to those on the same host."""
        return None


def _members(network: Uuid, problem: Problem) -> Mapping[Uuid, Uuid]:
    return {
        vm.uuid: vm.resident_on
        for vm in problem.pool.vms.values()
        if vm.power_state is PowerState.RUNNING
        and vm.resident_on is not None
        and any(vif.network == network for vif in vm.vifs)
    }
