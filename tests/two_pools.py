"""Two small pools for tests of what goes from one to the other: `east` with hosts e1 and e2, `west` with w1 and w2.

Every host sees the shared SR of its pool (`e-shared`, `w-shared`) and a local SR (`e-l1` and so on); both pools have a
network named `lan`. A VM has a disk of 20 GiB on its pool's shared SR.
"""

# ruff: noqa: ANN401 - a builder takes any field of the value that it makes

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rebalancer.demand import LoadProfile
from rebalancer.inventory import SR, VDI, VM, Host, Network, Pool, join_pools
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.routes import Routes
from tests.local_disks import DRIVERS, LICENSED, full_disk, local_sr
from tests.pools import LAN, SHARED_SR, make_host, make_network, make_pool, make_sr, make_vif, make_vm, policy_of

ENABLED = {"enabled": True}


def pool_host(name: str, **changes: Any) -> Host:
    """Host `e1`, `w2` and so on, with the SRs and the network of its pool."""
    side = name[0]
    seen = {"srs": (f"{side}-shared", f"{side}-l{name[1:]}"), "networks": (f"{side}-lan",)}
    return make_host(name, **seen | changes)


def pool_vm(name: str, *, on: str, **changes: Any) -> VM:
    """A VM on host *on* with an interface on the network of its pool."""
    return make_vm(name, on=on, **{"vifs": (make_vif(name, f"{on[0]}-lan"),)} | changes)


def one_pool(
    side: str,
    *vms: VM,
    hosts: Iterable[Host] | None = None,
    srs: Iterable[SR] = (),
    vdis: Iterable[VDI] = (),
    networks: Iterable[Network] = (),
    **changes: Any,
) -> Pool:
    """The pool of *side*, `e` or `w`, with *vms*, each with its disk on the shared SR."""
    machines = tuple(hosts) if hosts is not None else (pool_host(f"{side}1"), pool_host(f"{side}2"))
    local = [local_sr(f"{side}-l{host.uuid[1:]}") for host in machines]
    shared = make_sr(f"{side}-shared", physical_utilisation_bytes=len(vms) * 20 * (1 << 30))
    parts: dict[str, Any] = {
        "uuid": {"e": "east", "w": "west"}[side],
        "name": {"e": "east", "w": "west"}[side],
        "default_sr": shared.uuid,
        "restrictions": LICENSED,
        "storage_drivers": DRIVERS,
    }
    pool = make_pool(
        hosts=machines,
        vms=vms,
        srs=(*local, shared, *srs),
        vdis=(*(full_disk(f"{vm.uuid}-disk0", shared.uuid) for vm in vms), *vdis),
        networks=(replace(make_network(f"{side}-lan"), name=LAN), *networks),
        **parts | changes,
    )
    return replace(pool, srs=_without(pool.srs, SHARED_SR), networks=_without(pool.networks, LAN))


def crossing_policy(*, networks: Any = None, srs: Any = None, **sections: Any) -> Policy:
    """A policy that lets VMs go to the other pool, by the maps *networks* and *srs*."""
    maps = {"networks": networks or {}, "srs": srs or {}}
    return policy_of(**{"storage_motion": ENABLED, "other_pools": ENABLED | maps} | sections)


def two_pools(east: Pool, west: Pool, *, policy: Policy | None = None, demand: LoadProfile | None = None) -> Problem:
    """The problem of both pools, VMs free to go to the other one unless *policy* says otherwise."""
    return make_problem(join_pools(east, west), demand, policy or crossing_policy())


def ways_between(problem: Problem) -> Routes:
    """The ways of *problem* by the rules that bind it."""
    return Rulebook.of(problem).routes


def _without(table: Any, uuid: str) -> dict[str, Any]:
    """*table* without what every pool of the tests has."""
    return {key: each for key, each in table.items() if key != uuid}
