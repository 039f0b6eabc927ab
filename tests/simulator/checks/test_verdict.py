from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from rebalancer.simulator.checks import (
    agility,
    boot_here,
    evacuation,
    failover,
    memory,
    migration,
    storage_motion,
    vm_operations,
)
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from tests.rules.recordings import FILES, NONE_FOUND, content_of
from tests.simulator.asked import code, moved, verdict

REACHED = 0.999
FREE_TEXT = {"VM_INCOMPATIBLE_WITH_THIS_HOST", "INTERNAL_ERROR", "(unknown)"}


pytestmark = pytest.mark.skipif(not FILES, reason=NONE_FOUND)


@pytest.fixture(scope="module")
def pools() -> list[dict[str, Any]]:
    """Recorded pools with XAPI's answers."""
    return [content_of(file) for file in FILES]


def pairs(pools: list[dict[str, Any]], call: str) -> Iterator[tuple[Database, str, str, Any]]:
    """Every pair of VM and host with the recorded answer to a call."""
    for pool in pools:
        database = Database(pool["records"])
        for vm, said in pool["verdicts"]["vms"].items():
            for host, answers in said["hosts"].items():
                yield database, vm, host, answers[call]


def report(title: str, total: Counter[str], agreed: Counter[str], capsys: pytest.CaptureFixture[str]) -> float:
    """Print agreed/total per code and return the share that agrees; of nothing, all does."""
    with capsys.disabled():
        print(f"\n{title}: {agreed.total()}/{total.total()}")  # noqa: T201 - the table is the point
        for name in sorted(total, key=lambda name: (-total[name], name)):
            print(f"  {name:60} {agreed[name]:5}/{total[name]}")  # noqa: T201
    return agreed.total() / total.total() if total else 1.0


def test_pool_migrate_verdicts_agree(pools: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """The simulator refuses a move with the code, and for fixed texts the parameters, that XAPI's own code gave."""
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for database, vm, host, said in pairs(pools, "pool_migrate"):
        ours = moved(database, vm, host)
        same = code(ours) == code(said) and (ours == said or code(said) in FREE_TEXT)
        total[code(said)] += 1
        agreed[code(said)] += same
    assert report("simulator, pool_migrate", total, agreed, capsys) >= REACHED


def test_assert_can_boot_here_verdicts_agree(pools: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """VM.assert_can_boot_here names the code that XAPI named, whose order differs from that of a move."""
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for database, vm, host, said in pairs(pools, "assert_can_boot_here"):
        ours = verdict(lambda: boot_here.assert_can_boot_here(database, vm, host))  # noqa: B023 - called at once
        total[code(said)] += 1
        agreed[code(said)] += code(ours) == code(said)
    assert report("simulator, assert_can_boot_here", total, agreed, capsys) >= REACHED


def storage_motions(pools: list[dict[str, Any]]) -> Iterator[tuple[Database, str, str, dict[str, str], Any]]:
    """Every pair of VM and host that was asked about with disks: the map of its disks, and the recorded answer."""
    for pool in pools:
        database = Database(pool["records"])
        for vm, said in pool["verdicts"]["vms"].items():
            for host, answers in said["hosts"].items():
                if asked := answers.get("assert_can_migrate"):
                    yield database, vm, host, asked["vdi_map"], asked["verdict"]


def test_assert_can_migrate_verdicts_agree(pools: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """A move with disks is refused with the code, and for fixed texts the parameters, that XAPI's own code gave."""
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for database, vm, host, vdi_map, said in storage_motions(pools):
        call = storage_motion.MigrateSend(vm=vm, host=host, vdi_map=vdi_map)
        ours = verdict(lambda: storage_motion.assert_can_migrate(database, call))  # noqa: B023 - called at once
        same = code(ours) == code(said) and (ours == said or code(said) in FREE_TEXT)
        total[code(said)] += 1
        agreed[code(said)] += same
    assert report("simulator, assert_can_migrate", total, agreed, capsys) >= REACHED


def test_extra_assert_can_migrate_verdicts_agree(pools: list[dict[str, Any]]) -> None:
    """Other maps of the disks, and force, change the answer to VM.assert_can_migrate as they do in XAPI."""
    wrong, seen = [], 0
    for pool in pools:
        database = Database(pool["records"])
        for extra in pool.get("extra", []):
            if extra["call"] != "VM.assert_can_migrate":
                continue
            vm, host, vdi_map, options = extra["params"]
            call = storage_motion.MigrateSend(vm=vm, host=host, vdi_map=vdi_map, options=options)
            ours = verdict(lambda: storage_motion.assert_can_migrate(database, call))  # noqa: B023 - called at once
            seen += 1
            if ours != extra["answer"]:
                wrong.append((pool["name"], extra["about"], extra["answer"], ours))
    assert wrong == []
    assert seen or os.environ.get("XAPI_VERDICTS"), "the shared recordings hold such answers"


def test_assert_operation_valid_verdicts_agree(pools: list[dict[str, Any]]) -> None:
    """VM.assert_operation_valid names the code and parameters that XAPI named, for both kinds of move."""
    wrong = []
    for pool in pools:
        database = Database(pool["records"])
        for vm, said in pool["verdicts"]["vms"].items():
            for operation, answer in said["assert_operation_valid"].items():

                def ask(vm: str = vm, operation: str = operation, database: Database = database) -> None:
                    vm_operations.assert_not_refused(database, vm, operation)
                    vm_operations.assert_free(database, vm)
                    vm_operations.assert_movable(database, vm, operation, strict=True)

                if verdict(ask) != answer:
                    wrong.append((pool["name"], vm, operation, answer))
    assert wrong == []


def blockers(database: Database, host: str) -> dict[str, list[str]]:
    """What stands against emptying a host, in the form of the recordings."""
    try:
        return evacuation.plan(database, host).blocked
    except ApiFailure as refused:
        return {"error": refused.description}


def test_evacuation_verdicts_agree(pools: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """For every host the same VMs stand against emptying it, each with its code and, for fixed texts, parameters."""
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for pool in pools:
        database = Database(pool["records"])
        for host, said in pool["verdicts"]["hosts"].items():
            theirs, ours = said["vms_which_prevent_evacuation"], blockers(database, host)
            total["a host that nothing keeps"] += not theirs
            agreed["a host that nothing keeps"] += not theirs and not ours
            for vm in theirs.keys() | ours.keys():
                one, other = theirs.get(vm, "ok"), ours.get(vm, "ok")
                total[code(one)] += 1
                agreed[code(one)] += code(one) == code(other) and (one == other or code(one) in FREE_TEXT)
    assert report("simulator, evacuation", total, agreed, capsys) >= REACHED


def test_possible_hosts_verdicts_agree(pools: list[dict[str, Any]]) -> None:
    """VM.get_possible_hosts names the hosts that XAPI named, and fails where XAPI failed."""
    wrong = []
    for pool in pools:
        database = Database(pool["records"])
        for vm, said in pool["verdicts"]["vms"].items():
            bound_for = database.get("VM", vm)["scheduled_to_be_resident_on"]
            hosts = [bound_for] if bound_for != "OpaqueRef:NULL" else list(pool["verdicts"]["hosts"])
            try:
                ours: object = sorted(h for h in hosts if h == bound_for or boot_here.has_room(database, vm, h))
            except ApiFailure as refused:
                ours = {"error": refused.code}
            theirs = said["possible_hosts"]
            if isinstance(theirs, dict):
                theirs = {"error": theirs["error"][0]}
            if ours != theirs:
                wrong.append((pool["name"], database.get("VM", vm)["name_label"], ours, theirs))
    assert wrong == []


def test_free_memory_verdicts_agree_to_the_byte(pools: list[dict[str, Any]]) -> None:
    """host.compute_free_memory gives XAPI's number for every recorded host."""
    ours, theirs = {}, {}
    for pool in pools:
        database = Database(pool["records"])
        for host, said in pool["verdicts"]["hosts"].items():
            theirs[pool["name"], host] = said["compute_free_memory"]
            ours[pool["name"], host] = memory.free_memory(database, host)
    assert ours == theirs


def test_ha_verdicts_agree(pools: list[dict[str, Any]]) -> None:
    """How many failures HA survives, for which counts a plan exists, and which VMs are agile agree with XAPI."""
    wrong = []
    for pool in pools:
        said, database = pool["verdicts"]["pool"], Database(pool["records"])
        if not said:
            continue
        plans = {count: failover.plan_exists(database, int(count)) for count in said["ha_failover_plan_exists"]}
        most = str(failover.failures_tolerated(database))
        agile = {
            vm: code(verdict(lambda: agility.assert_agile(database, vm)))  # noqa: B023 - called at once
            for vm in pool["verdicts"]["vms"]
        }
        theirs = {vm: code(v["assert_agile"]) for vm, v in pool["verdicts"]["vms"].items()}
        if (plans, most) != (said["ha_failover_plan_exists"], said["ha_compute_max_host_failures_to_tolerate"]):
            wrong.append((pool["name"], plans, most, said))
        wrong += [
            (pool["name"], database.get("VM", vm)["name_label"], agile[vm], theirs[vm])
            for vm in agile
            if agile[vm] != theirs[vm]
        ]
    assert wrong == []


def test_extra_pool_migrate_verdicts_agree(pools: list[dict[str, Any]]) -> None:
    """Options of a move (force, compress, network) change the answer as they do in XAPI."""
    wrong = []
    for pool in pools:
        for extra in pool.get("extra", []):
            if extra["call"] != "VM.pool_migrate":
                continue
            database, (vm, host, options) = Database(pool["records"]), extra["params"]

            def ask(
                vm: str = vm, host: str = host, options: dict[str, str] = options, database: Database = database
            ) -> None:
                if not migration.must_wait(database, vm, host, options):
                    migration.assert_may_start(database, vm, host, options)

            if code(verdict(ask)) != code(extra["answer"]):
                wrong.append((pool["name"], extra["about"], extra["answer"], verdict(ask)))
    assert wrong == []
