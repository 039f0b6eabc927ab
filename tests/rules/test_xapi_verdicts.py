"""The rules against answers of XAPI's own code; `pytest -s -k verdict` shows agreed/total for each code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rebalancer.rules import Rulebook
from tests.rules.memory_now import free_bytes
from tests.rules.recordings import FILES, LEAST, NONE_FOUND, Case, Recording, read_all, share_that_agrees
from tests.rules.storage_verdicts import StorageVerdicts
from tests.rules.verdicts import Verdicts

pytestmark = pytest.mark.skipif(not FILES, reason=NONE_FOUND)


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    """All recorded pools."""
    return read_all()


@pytest.fixture(scope="module")
def moves(recordings: list[Recording]) -> list[Case]:
    """`pool_migrate` for every VM and every host."""
    return [case for recording in recordings for case in migrations(recording)]


def migrations(recording: Recording) -> Iterator[Case]:
    """`pool_migrate` for every VM and every host of one pool."""
    problem = recording.enforced()
    verdicts = Verdicts(Rulebook.of(problem))
    for vm_ref, answers in recording.vms.items():
        for host_ref, answer in answers["hosts"].items():
            vm, host = recording.vm(vm_ref), recording.host(host_ref)
            yield recording.case(f"{vm.name} to {host.name}", answer["pool_migrate"], verdicts.first(vm, host))


def operations(recording: Recording) -> Iterator[Case]:
    """`assert_operation_valid` of migrate_send for every VM of one pool."""
    verdicts = StorageVerdicts(recording.enforced())
    for ref, answers in recording.vms.items():
        vm, said = recording.vm(ref), answers["assert_operation_valid"]["migrate_send"]
        yield recording.case(f"{vm.name}, migrate_send", said, verdicts.operation(vm), {})


def motions(recording: Recording) -> Iterator[Case]:
    """`assert_can_migrate` wherever it was asked in one pool, without force."""
    verdicts = StorageVerdicts(recording.enforced())
    for vm_ref, host_ref, disks, said in asked_motions(recording.content):
        vm, host = recording.vm(vm_ref), recording.host(host_ref)
        targets = {recording.uuid("VDI", disk): recording.uuid("SR", sr) for disk, sr in disks.items()}
        yield recording.case(f"{vm.name} with disks to {host.name}", said, verdicts.motion(vm, host, targets))


def asked_motions(content: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str], str | list[str]]]:
    """VM, host, map of disks and answer, all in refs."""
    for vm, answers in content["verdicts"]["vms"].items():
        for host, answer in answers["hosts"].items():
            if "assert_can_migrate" in answer:
                yield vm, host, answer["assert_can_migrate"]["vdi_map"], answer["assert_can_migrate"]["verdict"]
    for extra in content.get("extra", ()):
        if extra["call"] == "VM.assert_can_migrate" and extra["params"][3] == {}:
            yield *extra["params"][:3], extra["answer"]


def test_verdicts_of_pool_migrate_agree(moves: list[Case]) -> None:
    """For at least 99.9 % of all pairs the first objection has the code that xapi answered."""
    share, table = share_that_agrees(moves)
    print(table)  # noqa: T201 - the figures are what the test is for
    assert share >= LEAST, table


def test_verdicts_of_storage_motion_agree(recordings: list[Recording]) -> None:
    """The same for `assert_can_migrate` with its map of disks, and for `assert_operation_valid` of migrate_send."""
    for kind in (operations, motions):
        share, table = share_that_agrees(case for recording in recordings for case in kind(recording))
        print(f"{kind.__name__}\n{table}")  # noqa: T201
        assert share >= LEAST, table


@pytest.mark.parametrize("code", ["HOST_NOT_ENOUGH_FREE_MEMORY", "HOST_NOT_ENOUGH_PCPUS"])
def test_numbers_in_verdicts_agree_to_the_byte(moves: list[Case], code: str) -> None:
    """What is needed and what is there are exactly the numbers that xapi names."""
    found = [case for case in moves if case.expected == code and case.answered == code]
    if not found:
        pytest.skip(f"{code} is in none of the recorded pools")
    assert [case.where for case in found if case.objection and list(case.objection.params) != case.recorded[1:]] == []


def test_free_memory_in_verdicts_agrees_to_the_byte(recordings: list[Recording]) -> None:
    """`free_bytes` is what host.compute_free_memory answered, for every host of every pool."""
    wrong = [
        (recording.name, host, answer["compute_free_memory"])
        for recording in recordings
        for free in [free_bytes(recording.pool)]
        for host, answer in recording.hosts.items()
        if free[recording.uuid("host", host)] != answer["compute_free_memory"]
    ]
    assert wrong == []


def test_verdicts_of_ha_agree(moves: list[Case]) -> None:
    """Where xapi refuses for its failover plan, or the rules do, both do."""
    code = "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"
    asked = [case for case in moves if code in (case.expected, case.answered)]
    if not asked:
        pytest.skip("in none of the recorded pools a move would break the failover plan")
    wrong = [case.where for case in asked if case.expected != case.answered]
    assert len(wrong) <= (1 - LEAST) * len(asked), wrong
