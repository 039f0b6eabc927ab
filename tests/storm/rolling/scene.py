"""Pools whose hosts are worked on one after another, and the stages that are planned for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

import rebalancer as rb
from rebalancer.face.hosts import RollingPlans
from rebalancer.inventory import pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from tests.storm.situations import BEGINS

NEWER = "99.0.0"
TAG = "may-be-shut-down"
"""What VMs carry that cannot leave their host, and may be shut down while it is worked on."""
HELD = {"pool_migrate": "licence", "migrate_send": "licence"}
START_DELAYS = (0, 0, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A pool, and the stages of its hosts; they come back with that `version`, or as they were for None."""

    pool: SimulatedPool
    plans: RollingPlans
    version: str | None


def policy(*, pinned: bool = False, **sections: object) -> rb.Policy:
    """One under which XAPI reboots hosts; with *pinned*, VMs that carry `TAG` are shut down meanwhile."""
    words = ["disable", "reboot", *(["shutdown-vm", "start-vm"] if pinned else [])]
    given: dict[str, object] = {"limits": {"solve_seconds": 0.02}, "execution": {"power": words}}
    if pinned:
        given["rolling"] = {"shut_down": [f"tag:{TAG}"]}
    return rb.Policy.model_validate({**given, **sections})


def pin(pool: SimulatedPool, count: int, chance: Random) -> None:
    """Hold *count* VMs of a pool where they run; whoever shuts them down has things to turn down, and to put back."""
    vms, metrics = pool.records["VM"], pool.records["VM_guest_metrics"]
    able = [ref for ref, vm in vms.items() if vm["power_state"] == "Running" and vm["guest_metrics"] in metrics]
    for number, ref in enumerate(chance.sample(able, count)):
        vms[ref]["blocked_operations"].update(HELD)
        vms[ref]["tags"].append(TAG)
        vms[ref]["other_config"]["auto_poweron"] = "true"
        vms[ref]["ha_restart_priority"] = "restart" if number % 2 == 0 else ""
        vms[ref].update(order=str(chance.randrange(3)), start_delay=str(chance.choice(START_DELAYS)))
    for record in pool.records["pool"].values():
        record["other_config"]["auto_poweron"] = "true"


@cache
def small_pool(seed: int, pinned: int = 0) -> SimulatedPool:
    """A pool of which every host can be emptied, but for so many VMs that may be shut down."""
    chance = Random(f"rolling {seed}")
    hosts = chance.choice([3, 3, 4])
    pool = generate_pool(
        hosts=hosts,
        vms=chance.randint(2 * hosts, 3 * hosts),
        seed=chance.randrange(10**6),
        fill=chance.choice([0.3, 0.45]),
        pinned=0.0,
        hot=0.0,
        largest_gib=16,
        cpus=8,
        days=1,
    )
    if pinned:
        pin(pool, pinned, chance)
    return pool


@cache
def small_scene(seed: int, version: str | None, hosts: int, pinned: int = 0) -> Scene:
    """The stages for the first so many hosts of that pool, coordinator among them; of all for 0."""
    pool = small_pool(seed, pinned)
    return planned(pool, policy(pinned=pinned > 0), version=version, hosts=hosts)


def planned(pool: SimulatedPool, wanted: rb.Policy, *, version: str | None, hosts: int = 0) -> Scene:
    """The stages of the first so many hosts of a pool under a policy; of all for 0."""
    database = Simulator(pool).database
    read = pool_from_records({cls: database.all(cls) for cls in CLASSES})
    state = rb.PoolState(pool=read, demand=None, taken_at=BEGINS, source="a storm")
    chosen = sorted(read.hosts, key=lambda host: host not in read.coordinators)[:hosts] if hosts else ()
    pinned = bool(wanted.rolling.shut_down)
    plans = rb.rolling(rb.Model(state, wanted), chosen, version=version, shut_down=pinned, made_at=BEGINS)
    return Scene(pool=pool, plans=plans, version=version)
