"""Rules and simulator, written apart from each other, hold the same of pools that nobody recorded.

Such a pool is a recorded one in which some fields have the value that the same field has in another recorded pool.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest

from rebalancer.errors import InventoryError
from rebalancer.inventory import pool_from_records
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Objection, Rulebook
from rebalancer.simulator.checks import storage_motion, vm_operations
from rebalancer.simulator.state.database import Database
from tests.pools import policy_of
from tests.rules.recordings import ASKED_LATER, content_of
from tests.rules.storage_verdicts import StorageVerdicts
from tests.rules.verdicts import Verdicts
from tests.simulator.asked import code, moved, verdict
from tests.simulator.mixing import Recorded, mix
from tests.simulator.other_ends import Records, name_other_ends

MIXED = (
    *("VM", "VM", "VM", "VM_metrics", "VM_guest_metrics", "VBD", "VDI", "VIF", "VGPU", "VUSB"),
    *("host", "host_metrics", "PBD", "PIF", "PGPU", "PCI", "network", "pool"),
)
# A logical PIF of a card that has no functions, or a card of another bus or host, is in no pool; nor is room that is
# kept for a VM of which nothing is under way (the rules count it, even against the VM itself). An older coordinator
# would ask less, and the simulator is always the newest.
NOT_MIXED = {
    ("PIF", "sriov_logical_PIF_of"),
    ("PIF", "PCI"),
    ("PCI", "pci_id"),
    ("PCI", "host"),
    ("VM", "scheduled_to_be_resident_on"),
    ("pool", "master"),
}


def odd_pool(known: Recorded, chance: random.Random) -> tuple[Records, list[str]]:
    """A recorded pool with three to twenty-four fields of others, and what was changed."""
    records = copy.deepcopy(chance.choice(known.pools))
    done = [mix(records, known, chance, kinds=MIXED, never=NOT_MIXED) for _ in range(chance.choice((3, 6, 12, 24)))]
    name_other_ends(records)
    return records, [words for words in done if words]


@cache
def recorded(folder: Path) -> Recorded:
    """The pools in a folder."""
    return Recorded.of(content_of(file)["records"] for file in sorted(folder.glob("*.gz")))


def disagreements(records: Records, problem: Problem) -> Iterator[str]:
    """Where the first objection has another code than the simulator's refusal."""
    database, hosts = Database(records), problem.pool.hosts
    verdicts, storage = Verdicts(Rulebook.of(problem)), StorageVerdicts(problem)
    for vm_ref, record in records["VM"].items():
        vm = problem.pool.vms[record["uuid"]]
        yield from _differ(f"{vm.name}: migrate_send", storage.operation(vm), operation(database, vm_ref))
        for host_ref, there in records["host"].items():
            where, host = f"{vm.name} to {there['name_label']}", hosts[there["uuid"]]
            yield from _differ(where, verdicts.first(vm, host), moved(database, vm_ref, host_ref), ASKED_LATER)
            call = storage_motion.MigrateSend(vm=vm_ref, host=host_ref, vdi_map={})
            asked = verdict(lambda: storage_motion.assert_can_migrate(database, call))  # noqa: B023 - called at once
            yield from _differ(f"{where} with disks", storage.motion(vm, host, {}), asked, {"vgpu-driver": "ok"})


def operation(database: Database, vm: str) -> str | list[str]:
    """What the simulator says to VM.assert_operation_valid of migrate_send."""

    def ask() -> None:
        vm_operations.assert_not_refused(database, vm, "migrate_send")
        vm_operations.assert_free(database, vm)
        vm_operations.assert_movable(database, vm, "migrate_send", strict=True)

    return verdict(ask)


def _differ(
    where: str, objection: Objection | None, answer: str | list[str], said: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """The two answers, unless they are the same; *said*: what a rule's objection stands for where it is no refusal."""
    ours = "ok" if objection is None else said.get(objection.rule, objection.code)
    if ours != code(answer):
        yield f"{where}: the rules say {ours}, the simulator {code(answer)}"


def agree(folder: Path, seeds: range) -> None:
    """Fail where rules and simulator differ for any of the pools of *seeds*."""
    wrong = []
    for seed in seeds:
        records, done = odd_pool(recorded(folder), random.Random(seed))
        try:
            pool = pool_from_records(copy.deepcopy(records))
        except InventoryError:
            continue
        problem = make_problem(pool, None, policy_of(rules={"set": "enforced"}))
        wrong += [f"seed {seed}: {each}; {done}" for each in disagreements(records, problem)]
    assert wrong == []


def test_rules_and_simulator_agree_on_odd_pools(shared_data: Callable[[str], Path]) -> None:
    """Forty pools, each with a few fields of other pools: pool_migrate, assert_can_migrate, assert_operation_valid."""
    agree(shared_data("xapi-verdicts"), range(40))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(start, start + 150) for start in range(100, 1000, 150)], ids=str)
def test_rules_and_simulator_agree_on_many_odd_pools(shared_data: Callable[[str], Path], seeds: range) -> None:
    """The same for 900 pools."""
    agree(shared_data("xapi-verdicts"), seeds)
