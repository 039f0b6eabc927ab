"""Rules and simulator hold the same of failover plans, in pools in every state in which HA may find them.

Such a pool is a generated one, part of it upgraded, with hosts that are disabled, dead or without metrics, VMs under
way, halted and out of place, and next to no memory to spare.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rebalancer.inventory import pool_from_records
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.ha_plan import HAPlan
from rebalancer.simulator import generate_pool
from rebalancer.simulator.checks import failover
from rebalancer.simulator.checks.facts import is_live
from rebalancer.simulator.checks.memory import overhead_mib
from rebalancer.simulator.state.database import Database
from tests.pools import policy_of
from tests.simulator.asked import verdict
from tests.simulator.other_ends import NULL, Records, name_other_ends

GIB, MIB = 1 << 30, 1 << 20
NEWEST = "26.6.0"
"""What the coordinator runs, and whose arithmetic counts."""
ODD_BYTES = (0, 0, 0, 0, 0, 0, 0, 1, -1, MIB)


def ha_pool(chance: random.Random) -> Records:
    """A pool where HA is on, each thing in it in a state of its own."""
    hosts = chance.randint(2, 8)
    vms, seed = chance.randint(hosts, 4 * hosts), chance.randrange(1000)
    records = copy.deepcopy(generate_pool(hosts=hosts, vms=vms, seed=seed, fill=0.4, pinned=0.0, cpus=8).records)
    (pool,) = records["pool"].values()
    coordinator = records["host"][pool["master"]]
    coordinator["software_version"] = coordinator["software_version"] | {"xapi_build": NEWEST}
    pool |= {"ha_enabled": True, "ha_plan_exists_for": str(chance.choice((0, 1, 1, 1, 1, 2, 2, 3, 5)))}
    if chance.random() < 0.5:
        pool["other_config"] = {"rolling_upgrade_in_progress": "yes"}
    for vm in guests(records):
        _spoil_vm(vm, list(records["host"]), chance)
    for host in records["host"].values():
        _spoil_host(host, records, chance)
    for sr in records["SR"].values():
        sr["shared"] = sr["shared"] and chance.random() < 0.95
    name_other_ends(records)
    for ref, host in records["host"].items():
        _tighten(ref, host, records, chance)
    return records


def guests(records: Records) -> list[dict[str, Any]]:
    """The records of all machines of users."""
    return [vm for vm in records["VM"].values() if not vm["is_control_domain"] and not vm["is_a_template"]]


def _spoil_vm(vm: dict[str, Any], hosts: list[str], chance: random.Random) -> None:
    vm["ha_restart_priority"] = chance.choice(("", "restart", "restart", "restart", "best-effort"))
    vm["ha_always_run"] = chance.random() < 0.8
    vm["VCPUs_max"] = vm["VCPUs_at_startup"] = "2"
    vm["memory_static_max"] = str(chance.choice((1, 2, 2, 3)) * GIB + chance.choice(ODD_BYTES))
    vm["memory_overhead"] = str(overhead_mib(vm, vm["domain_type"]) * MIB + chance.choice(ODD_BYTES))
    if chance.random() < 0.1:
        vm["scheduled_to_be_resident_on"] = chance.choice(hosts)
    if chance.random() < 0.1:
        vm |= {"power_state": "Halted", "resident_on": NULL}


def _spoil_host(host: dict[str, Any], records: Records, chance: random.Random) -> None:
    host["enabled"] = chance.random() < 0.8
    records["host_metrics"][host["metrics"]]["live"] = chance.random() < 0.9
    if chance.random() < 0.3 and host["software_version"]["xapi_build"] != NEWEST:
        build = {"xapi_build": chance.choice(("24.19.2", "26.1.3")), "platform_version": "3.4.0"}
        host["software_version"] = host["software_version"] | build
    if chance.random() < 0.05:
        host["metrics"] = NULL


def _tighten(ref: str, host: dict[str, Any], records: Records, chance: random.Random) -> None:
    """Leave a host the room for a few VMs of the pool, to the byte or one short."""
    if host["metrics"] == NULL:
        return
    held = sum(
        int(vm["memory_static_max"]) + int(vm["memory_overhead"])
        for vm in records["VM"].values()
        for place in ("resident_on", "scheduled_to_be_resident_on")
        if vm[place] == ref
    )
    fitting = chance.sample(guests(records), min(chance.choice((0, 1, 2, 4)), len(guests(records))))
    room = sum(-(-int(vm["memory_static_max"]) // MIB) * MIB + int(vm["memory_overhead"]) for vm in fitting)
    total = int(host["memory_overhead"]) + held + room + chance.choice((0, 0, -1, MIB))
    records["host_metrics"][host["metrics"]]["memory_total"] = str(total)


def asked(records: Records) -> Iterator[tuple[str, bool, bool]]:
    """Words, and whether rules and simulator see the plan broken, for each running guest and each live host."""
    database, pool = Database(records), pool_from_records(copy.deepcopy(records))
    problem = make_problem(pool, None, policy_of(rules={"set": "enforced"}))
    ledger = Rulebook(problem, [HAPlan()]).ledger()
    for ref, host in database.items("host"):
        for vm, guest in database.items("VM"):
            if guest["power_state"] == "Running" and not guest["is_control_domain"] and _may_take(database, host):
                refused = any(True for _ in ledger.refusals(guest["uuid"], host["uuid"]))
                answer = verdict(lambda: failover.assert_plan_survives(database, vm, ref))  # noqa: B023 - called at once
                yield f"{guest['name_label']} to {host['name_label']}", refused, answer != "ok"


def _may_take(database: Database, host: dict[str, Any]) -> bool:
    """Whether a host comes to be asked about HA at all."""
    return bool(host["enabled"]) and is_live(database, host)


@given(st.integers(min_value=0, max_value=2**32))
def test_failover_plans_break_for_both_or_for_none(seed: int) -> None:
    """Whatever is disabled, dead, under way, halted or half upgraded."""
    answers = asked(ha_pool(random.Random(seed)))
    assert [words for words, refused, broken in answers if refused != broken] == []


def test_the_pools_are_worth_asking_about() -> None:
    """In sixty of them there are moves of both kinds."""
    found = Counter(refused for seed in range(60) for _, refused, _ in asked(ha_pool(random.Random(seed))))
    assert min(found[True], found[False]) > 50
