"""What in another pool stands for a network or an SR of this one: what the policy says, else what has its name.

Nothing is guessed: a name that is missing there, or that two of them carry on either side, leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.inventory import SR, VM, Host, Network, Pool, Uuid
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
    return _led(found, problem.policy.other_pools.networks, home.networks, there.networks, there.called)


def sr_beyond(sr: Uuid, home: Pool, there: Pool, problem: Problem) -> Beyond | None:
    """The SR of pool *there* to which the policy leads disks on *sr* of pool *home*; None where it leaves that open."""
    found, chosen = home.srs.get(sr), problem.policy.other_pools.srs
    if found is None or not {found.uuid, found.name} & chosen.keys():
        return None
    return _led(found, chosen, home.srs, there.srs, there.called)


def _led(
    here: Network | SR,
    chosen: Mapping[str, str],
    beside: Mapping[Uuid, Network] | Mapping[Uuid, SR],
    there: Mapping[Uuid, Network] | Mapping[Uuid, SR],
    pool: str,
) -> Beyond:
    """Where *here* leads in *pool*: by its uuid, else by its name, which nothing *beside* it may carry, too."""
    kind, wanted = "SR" if isinstance(here, SR) else "network", chosen.get(here.uuid)
    if wanted is None:
        if not here.name or sum(each.name == here.name for each in beside.values()) > 1:
            called = f"another {kind} of its pool is also called '{here.name}'" if here.name else "it has no name"
            return Beyond(uuid=None, words=f"{kind} {here.uuid} leads nowhere: {called}")
        wanted = chosen.get(here.name, here.name)
    found = [wanted] if wanted in there else [each.uuid for each in there.values() if each.name == wanted]
    if len(found) == 1:
        return Beyond(uuid=found[0])
    count = f"{len(found)} {kind}s" if found else f"no {kind}"
    return Beyond(uuid=None, words=f"{kind} '{here.name}' leads nowhere: pool {pool} has {count} called '{wanted}'")
