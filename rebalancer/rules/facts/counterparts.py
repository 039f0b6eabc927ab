"""What in another pool stands for a network or an SR of this one: what the policy says, else what has its name.

Nothing is guessed: a name that is missing there, or that means several of them, leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.inventory import SR, VIF, VM, Host, Network, Pool, Uuid, xapi_uuid
from rebalancer.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """Where something leads: `uuid` in the other pool, or why nowhere, in words."""

    uuid: Uuid | None
    words: str = ""


def crosses(vm: VM, host: Host, problem: Problem) -> bool:
    """Whether *vm* would come to another pool with *host*."""
    return problem.pool.of_vm(vm) is not problem.pool.of_host(host.uuid)


def network_beyond(network: Uuid, home: Pool, there: Pool, problem: Problem) -> Beyond:
    """The network of pool *there* to which *network* of pool *home* leads."""
    found = home.networks.get(network)
    if found is None:
        return Beyond(uuid=None, words="has an interface on a network of which nothing is known")
    return _led(found, problem.policy.other_pools.networks, home, there)


def interfaces(vm: VM, problem: Problem) -> tuple[VIF, ...]:
    """All that XAPI wants in the map, sorted by uuid; snapshots of which nothing is known are for other rules."""
    found = (vif for each in (vm, *problem.pool.snapshots_of(vm)) for vif in each.vifs)
    return tuple(sorted(found, key=lambda vif: vif.uuid))


def interfaces_to_lead(vm: VM, problem: Problem) -> tuple[VIF, ...]:
    """Those that have to lead somewhere: a snapshot's interface follows the VM's with the same MAC address."""
    own = {vif.uuid for vif in vm.vifs}
    macs = {vif.mac for vif in vm.vifs}
    return tuple(vif for vif in interfaces(vm, problem) if vif.uuid in own or vif.mac not in macs)


def network_map(vm: VM, host: Host, problem: Problem) -> tuple[tuple[Uuid, Uuid], ...]:
    """The `vif_map` of `VM.migrate_send`: every interface with the network that it comes to in the pool of *host*.

    An interface whose network leads nowhere is left out: the rule `networks-mapped` objects to it, or it follows one
    of the VM.
    """
    home, there = problem.pool.of_vm(vm), problem.pool.of_host(host.uuid)
    led = ((vif.uuid, network_beyond(vif.network, home, there, problem).uuid) for vif in interfaces(vm, problem))
    return tuple((vif, network) for vif, network in led if network is not None)


def sr_beyond(sr: Uuid, home: Pool, host: Host, problem: Problem) -> Beyond | None:
    """The SR to which the policy leads disks on *sr* of pool *home* that go to *host*; None where it leaves that open.

    Each host of a pool may have an SR called "Local storage": from there, the name means all of them, and over there
    the one that *host* sees.
    """
    found, chosen = home.srs.get(sr), problem.policy.other_pools.srs
    if found is None or not {xapi_uuid(found.uuid), found.name} & chosen.keys():
        return None
    there = problem.pool.of_host(host.uuid)
    wanted = chosen.get(xapi_uuid(found.uuid)) or chosen[found.name]
    named = _named(wanted, there.srs)
    seen = [uuid for uuid in named if uuid in host.attached_srs] if len(named) > 1 else named
    if len(seen) == 1:
        return Beyond(uuid=seen[0])
    count = f"{len(named)} SRs called '{wanted}', of which the host sees {len(seen)}"
    has = count if named else f"no SR called '{wanted}'"
    return Beyond(uuid=None, words=f"SR '{found.name}' leads nowhere: pool {there.called} has {has}")


def _led(here: Network, chosen: Mapping[str, str], home: Pool, there: Pool) -> Beyond:
    """Where *here* leads in pool *there*: by its uuid, else by its name, which no other of *home* may carry, too."""
    wanted = chosen.get(xapi_uuid(here.uuid))
    if wanted is None:
        if not here.name or sum(each.name == here.name for each in home.networks.values()) > 1:
            called = f"another network of its pool is also called '{here.name}'" if here.name else "it has no name"
            return Beyond(uuid=None, words=f"network {here.uuid} leads nowhere: {called}")
        wanted = chosen.get(here.name, here.name)
    found = _named(wanted, there.networks)
    if len(found) == 1:
        return Beyond(uuid=found[0])
    count = f"{len(found)} networks" if found else "no network"
    words = f"network '{here.name}' leads nowhere: pool {there.called} has {count} called '{wanted}'"
    return Beyond(uuid=None, words=words)


def _named(wanted: str, there: Mapping[Uuid, Network] | Mapping[Uuid, SR]) -> list[Uuid]:
    """Whatever has *wanted* as its uuid, else all that have it as their name."""
    known = [uuid for uuid in there if xapi_uuid(uuid) == wanted]
    return known or [each.uuid for each in there.values() if each.name == wanted]
