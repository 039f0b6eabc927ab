"""Moves to another pool, judged twice: by the rules, and by the simulator, whose checks were written on their own."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from rebalancer.errors import InputError
from rebalancer.inventory import VM, Host, join_pools, pool_from_records
from rebalancer.placement import disks_of
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Legality, Objection, Origin, PoolRule, Rule
from rebalancer.rules.core.kinds import DiskRule
from rebalancer.rules.facts.counterparts import network_map
from rebalancer.simulator.checks import another_pool, vm_operations
from rebalancer.simulator.checks.storage_motion import OPERATION, MigrateSend
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from tests.rules.memory_now import MemoryThere
from tests.rules.motions import CROSSING, MOTION
from tests.rules.motions import OPERATION as OPERATIONS
from tests.two_pools import crossing_policy

SINGLE: tuple[Rule, ...] = tuple(
    rule
    for rule in (*OPERATIONS, *CROSSING, MemoryThere())
    if rule.origin is Origin.XAPI
    and not isinstance(rule, DiskRule)
    and rule.id not in {"crossed-stays", "networks-mapped", "enough-memory"}
)
"""What XAPI asks, without what nobody asks of a map that is whole."""
DISKS = tuple(rule for rule in MOTION if isinstance(rule, DiskRule))
ASKED_LATER = frozenset(
    {
        "licence-there",
        "no-conflicting-op",
        "sane-parameters",
        "target-live",
        "networks-there",
        "hvm-capable",
        "target-not-evacuating",
    }
)
"""What `assert_can_migrate` lets pass: asked by `host.migrate_receive`, waited for, or found out on the way."""
PAIRS = 25
Records = dict[str, dict[str, dict[str, Any]]]


def two_recorded(shared_data: Callable[[str], Path]) -> Iterator[tuple[Records, Records]]:
    """Recorded pools, each with the next one."""
    files = sorted(shared_data("xapi-verdicts").glob("*.json.gz"))[: PAIRS + 1]
    found = [json.loads(gzip.decompress(file.read_bytes()))["records"] for file in files]
    yield from pairwise(found)


def by_uuid(records: Records, cls: str) -> dict[str, str]:
    """Refs by uuid."""
    return {record["uuid"]: ref for ref, record in records[cls].items()}


def simulated(here: Records, there: Records, call: MigrateSend) -> str:
    """What the simulator says, or ok."""
    try:
        database = Database(here)
        vm_operations.assert_not_refused(database, call.vm, OPERATION)
        vm_operations.assert_movable(database, call.vm, OPERATION, strict=True)
        another_pool.assert_can_cross(database, Database(there), call)
    except ApiFailure as refused:
        return str(refused.description[0])
    return "ok"


def judged(problem: Problem, legality: Legality, vm: VM, host: Host, disks: dict[str, str]) -> list[Objection]:
    """What the rules say that speak for XAPI."""
    asked = (rule.objects(vm, host, disks, problem) for rule in DISKS)
    return [*legality.objections(vm, host), *(each for each in asked if each)]


def test_rules_know_whatever_the_simulator_refuses(shared_data: Callable[[str], Path]) -> None:
    """Every running guest of recorded pools, every host of the next pool: the simulator's code is one of the rules'."""
    agreed, wrong = Counter[str](), list[str]()
    for here, there in two_recorded(shared_data):
        for words, answer, objections in answers(here, there):
            codes = [each.code for each in objections if each.rule not in ASKED_LATER] or ["ok"]
            if answer in codes or (answer == "ok" and not objections):
                agreed[answer] += 1
            else:
                wrong.append(f"{words}: {answer}, not {codes}")
    print(f"{agreed.total()} of {agreed.total() + len(wrong)} agree: {dict(agreed)}")  # noqa: T201 - the figure
    assert not wrong
    assert len(agreed) > 5
    assert agreed["ok"] > 100


def answers(here: Records, there: Records) -> Iterator[tuple[str, str, list[Objection]]]:
    """Words, the simulator's code and the rules' objections, for each VM and host."""
    try:
        both = join_pools(pool_from_records(here), pool_from_records(there))
    except InputError:
        return
    problem = make_problem(both, None, crossing_policy())
    legality = Legality(problem, [rule for rule in SINGLE if not isinstance(rule, (DiskRule, PoolRule))])
    home, other = both.members
    for vm in home.resident_guests():
        for host in other.hosts.values():
            srs = sorted(host.attached_srs & other.srs.keys())
            if not srs:
                continue
            disks = {disk.uuid: srs[0] for _, disk in disks_of(vm, both)}
            call = MigrateSend(
                vm=by_uuid(here, "VM")[vm.uuid],
                host=by_uuid(there, "host")[host.uuid],
                vdi_map={by_uuid(here, "VDI")[vdi]: by_uuid(there, "SR")[sr] for vdi, sr in disks.items()},
                vif_map=vifs_of(problem, vm, host, here, there),
            )
            yield f"{vm.name} to {host.name}", simulated(here, there, call), judged(problem, legality, vm, host, disks)


def vifs_of(problem: Problem, vm: VM, host: Host, here: Records, there: Records) -> dict[str, str]:
    """Every interface to the network of its name, else to any."""
    led = dict(network_map(vm, host, problem))
    any_network = next(iter(there["network"]))
    refs = by_uuid(there, "network")
    return {by_uuid(here, "VIF")[vif.uuid]: refs.get(led.get(vif.uuid, ""), any_network) for vif in vm.vifs}
