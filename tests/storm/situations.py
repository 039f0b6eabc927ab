"""Situations in which storms begin: a made-up pool, or two, and a plan for it that the planner itself has made."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from random import Random
from typing import Any

import numpy as np

from rebalancer.demand import LoadProfile, Quality
from rebalancer.errors import Infeasible, NoLegalOrder, PolicyError
from rebalancer.inventory import Pool, join_pools, pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.whatif.evacuate import evacuate

MADE_AT = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
"""When plans are made, some weeks after the toolstacks of made-up pools were started."""
BEGINS = MADE_AT + timedelta(minutes=30)
"""When they are carried out."""
MANY = 120
"""Storm *n* begins in situation *n* modulo this many, so that plans are made once and serve many storms."""
NETS = (1, 101)
"""Where the hosts of the first and of the second pool have their addresses."""
BUDGET_SECONDS = 0.02
LEAST_STEPS, MOST_STEPS = 4, 9
HOT = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One or two pools as they are when the plan is made; the second is where VMs of the first go."""

    words: str
    pools: tuple[SimulatedPool, ...]
    plan: Plan


@lru_cache(maxsize=4)
def situation(seed: int, number: int) -> Situation:
    """The situation of that *number*: of what the chance draws, the first that leads to a plan worth a storm."""
    chance = Random(f"situation {seed} {number}")
    kind = KINDS[number % len(KINDS)]
    return next(found for tries in count() if (found := _drawn(kind, chance)) and _is_worth(found.plan, tries))


def _drawn(kind: Callable[[Random], Situation | None], chance: Random) -> Situation | None:
    """A situation of that kind; None where nothing can be planned in it."""
    try:
        return kind(chance)
    except (Infeasible, NoLegalOrder, PolicyError):
        return None


def _is_worth(plan: Plan, tries: int) -> bool:
    """Whether *plan* has some steps, of which some wait for others; the more tries, the less will do."""
    ordered = any(step.after for step in plan.steps)
    return max(2, LEAST_STEPS - tries // 4) <= len(plan.steps) <= MOST_STEPS and (ordered or tries >= 2)


def _policy(chance: Random, **sections: Any) -> Policy:  # noqa: ANN401 - sections of a policy
    limits = {
        "solve_seconds": BUDGET_SECONDS,
        "sanity_share": 1.0,
        "maximum_moves": chance.randint(3, MOST_STEPS),
        "concurrent": chance.randint(1, 4),
        "in_per_host": chance.randint(1, 2),
        "out_per_host": chance.randint(1, 2),
    }
    execution = {"patience_minutes": chance.choice([0, 1, 2])}
    return Policy.model_validate({"limits": limits, "execution": execution, **sections})


def _generated(chance: Random, **wanted: Any) -> SimulatedPool:  # noqa: ANN401 - as `generate_pool` takes it
    given = {
        "hosts": chance.randint(3, 6),
        "vms": chance.randint(8, 24),
        "fill": chance.choice([0.3, 0.5, 0.7]),
        "pinned": chance.choice([0.0, 0.1]),
    }
    return generate_pool(seed=chance.randrange(10**6), hot=0.0, largest_gib=16, cpus=8, days=1, **{**given, **wanted})


def seen(*pools: SimulatedPool) -> Pool:
    """The inventory of the *pools* as the simulator would show them."""
    both = zip(pools, NETS, strict=False)
    databases = [Simulator(pool, net=net).database for pool, net in both]
    read = [pool_from_records({cls: each.all(cls) for cls in CLASSES}) for each in databases]
    return read[0] if len(read) == 1 else join_pools(*read)


def _balanced(chance: Random, pool: SimulatedPool, policy: Policy) -> Plan:
    """A plan that takes load off hosts, as nights have it."""
    inventory = seen(pool)
    problem = make_problem(inventory, _load(chance, inventory, policy), policy)
    return rebalance(Rulebook.of(problem), made_at=MADE_AT)


def _load(chance: Random, pool: Pool, policy: Policy) -> LoadProfile:
    """Flat loads, of which some are high."""
    vms, hosts = tuple(sorted(vm.uuid for vm in pool.resident_guests())), tuple(pool.hosts)
    slots = policy.demand.slots
    heights = np.array([[chance.choice([0.1, 0.5, 1.0, HOT])] for _ in vms])
    return LoadProfile(
        vms=vms,
        hosts=hosts,
        vm_pcpu=np.repeat(heights, slots, axis=1),
        host_base_pcpu=np.full((len(hosts), slots), 0.25),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=policy.demand.percentile,
        window_start=MADE_AT - timedelta(days=7),
        window_end=MADE_AT,
        timezone=policy.demand.timezone,
        source="a storm",
    )


def _night(chance: Random) -> Situation:
    pool = _generated(chance)
    windows = [{"start": "01:00", "end": "02:30", "timezone": "UTC"}] if chance.random() < 0.5 else []
    return Situation(
        words="load is taken off hosts" + (" until 02:30" if windows else ""),
        pools=(pool,),
        plan=_balanced(chance, pool, _policy(chance, window=windows)),
    )


def _emptied(chance: Random, *, fill: float = 0.5, **sections: Any) -> Situation | None:  # noqa: ANN401 - of a policy
    pool = _generated(chance, fill=fill, vms=chance.randint(9, 20))
    inventory = seen(pool)
    host = chance.choice(sorted(inventory.hosts))
    found = evacuate(make_problem(inventory, None, _policy(chance, **sections)), [host], made_at=MADE_AT)
    return Situation(words="a host is emptied", pools=(pool,), plan=found.plan) if found.plan else None


def _tight(chance: Random) -> Situation | None:
    found = _emptied(chance, fill=0.72)
    return found and replace(found, words="a host of a nearly full pool is emptied")


def _wished(chance: Random) -> Situation:
    """VMs that share hosts are to be apart, and some have to run on few hosts."""
    pool = _generated(chance, pinned=0.0)
    inventory = seen(pool)
    vms = sorted(vm.uuid for vm in inventory.resident_guests())
    hosts = sorted(inventory.hosts)
    apart = {"name": "apart", "vms": chance.sample(vms, min(len(hosts) - 1, 4))}
    bound = {"name": "bound", "vms": chance.sample(vms, 2), "hosts": chance.sample(hosts, 2)}
    policy = _policy(chance, mode="repair", apart=[apart], run_on=[bound], intent={"vm_groups": "hard"})
    plan = rebalance(Rulebook.of(make_problem(inventory, None, policy)), made_at=MADE_AT)
    return Situation(words="VMs are to be apart, and on certain hosts", pools=(pool,), plan=plan)


def _local(chance: Random) -> Situation:
    """Some VMs have their disks on the local storage of their host, and take them along."""
    pool = _generated(chance, local=0.5, pinned=0.0, vms=chance.randint(8, 14))
    inventory = seen(pool)
    vms = sorted(vm.uuid for vm in inventory.resident_guests())
    bound = {"name": "bound", "vms": chance.sample(vms, 4), "hosts": chance.sample(sorted(inventory.hosts), 2)}
    policy = _policy(chance, mode="repair", run_on=[bound], storage_motion={"enabled": True})
    plan = rebalance(Rulebook.of(make_problem(inventory, None, policy)), made_at=MADE_AT)
    return Situation(words="disks go along", pools=(pool,), plan=plan)


def _protected(chance: Random) -> Situation:
    """HA is on, and restarts some of the VMs."""
    pool = _generated(chance, fill=0.4, pinned=0.0)
    records = deepcopy(pool.records)
    (pool_record,) = records["pool"].values()
    pool_record |= {"ha_enabled": True, "ha_host_failures_to_tolerate": "1", "ha_plan_exists_for": "1"}
    for vm in records["VM"].values():
        if vm["power_state"] == "Running" and not vm["is_control_domain"] and chance.random() < 0.5:
            vm |= {"ha_always_run": True, "ha_restart_priority": "restart"}
    protected = replace(pool, records=records)
    return Situation(words="HA is on", pools=(protected,), plan=_balanced(chance, protected, _policy(chance)))


def _crossing(chance: Random) -> Situation:
    """VMs go to another pool, disks and all."""
    home = _generated(chance, hosts=2, vms=4, fill=0.3, pinned=0.0)
    annex = _generated(chance, hosts=chance.randint(1, 2), vms=2, fill=0.2, pinned=0.0)
    inventory = seen(home, annex)
    here, *_ = (member.uuid for member in inventory.members)
    guests = sorted(vm.uuid for vm in inventory.resident_guests() if inventory.of_vm(vm).uuid == inventory.uuid)
    hosts = [uuid for uuid in inventory.hosts if inventory.of_host(uuid).uuid != here]
    policy = _policy(
        chance,
        mode="repair",
        run_on=[{"name": "out", "vms": chance.sample(guests, 2), "hosts": hosts}],
        storage_motion={"enabled": True},
        other_pools={"enabled": True},
        intent={"read_tags": False, "vm_groups": "ignore"},
    )
    plan = rebalance(Rulebook.of(make_problem(inventory, None, policy)), made_at=MADE_AT)
    return Situation(words="VMs go to another pool", pools=(home, annex), plan=plan)


KINDS: tuple[Callable[[Random], Situation | None], ...] = (
    _night,
    _emptied,
    _wished,
    _local,
    _tight,
    _protected,
    _crossing,
    _night,
)
