"""Quiet pools whose hosts can sleep, and the policies under which they do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from rebalancer.simulator import SimulatedPool, generate_pool

POLICY = """name = "saving"
mode = "consolidate"
[limits]
solve_seconds = 0.05
[objective]
threshold = 0.75
[execution]
power = ["disable", "shutdown", "power-on"]
[sleep]
margin_hosts = {margin}
boot_minutes = 10
rest_hours = 4
"""
SPARE = "[spare]\nhosts = 1\nvms = 'all'\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a storm's policy and pool are like: hosts to spare, high availability, and a margin."""

    spare: bool = False
    ha: bool = False
    margin: int = 0

    @property
    def policy(self) -> str:
        """The text of the policy."""
        return POLICY.format(margin=self.margin) + (SPARE if self.spare else "")


PLAIN = Wishes()
"""None of them."""


@cache
def pool_of(seed: int, *, ha: bool) -> SimulatedPool:
    """A quiet pool whose hosts can be switched on; with *ha*, one of them may fail."""
    chance = Random(f"power {seed}")
    hosts = chance.choice([3, 4, 5])
    pool = generate_pool(
        hosts=hosts,
        vms=chance.randint(hosts, 3 * hosts),
        seed=chance.randrange(10**6),
        fill=chance.choice([0.15, 0.3]),
        pinned=0.0,
        hot=0.0,
        largest_gib=16,
        cpus=8,
        days=1,
    )
    for host in pool.records["host"].values():
        host["power_on_mode"] = "wake-on-lan"
    if ha:
        for record in pool.records["pool"].values():
            record.update(ha_enabled=True, ha_allow_overcommit=False, ha_plan_exists_for=1)
            record.update(ha_host_failures_to_tolerate=1)
        for vm in pool.records["VM"].values():
            if vm["power_state"] == "Running" and not vm["is_control_domain"]:
                vm.update(ha_restart_priority="restart", ha_always_run=True)
    return pool
