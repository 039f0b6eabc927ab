"""Plans that are carried out on simulated pools in a time of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.errors import InputError
from rebalancer.inventory import Pool
from rebalancer.inventory.records import pool_from_records
from rebalancer.plan import Plan
from rebalancer.rehearse import FinalPlace, Rehearsal, Take, rehearse
from tests.execute.scripted import plan_of
from tests.execute.stage import POOL, some_moves


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Four hosts, fourteen guests."""
    return pool_from_records(POOL.records)


@pytest.fixture(scope="module")
def plan(pool: Pool) -> Plan:
    """Three moves, sealed."""
    return plan_of(pool, *some_moves(pool))


def one(plan: Plan, pool: Pool, fault: str, seed: int = 1) -> Take:
    """A run in which a kind of fault strikes."""
    (take,) = rehearse(plan, pool, faults=[fault], runs=1, seed=seed).takes
    return take


def outcomes(found: Rehearsal) -> list[object]:
    """What came of each run, without words, in which references of tasks may stand."""
    return [
        (each.fault, each.first.name, each.first.seconds, each.vms, each.lost, each.trouble) for each in found.takes
    ]


def test_all_goes_well(plan: Plan, pool: Pool) -> None:
    """Every VM arrives, in about the time that the plan expects."""
    found = rehearse(plan, pool, runs=4)
    assert found.endings == (("complete", 4),)
    assert {where for take in found.takes for where in take.vms.values()} == {FinalPlace.ARRIVED}
    assert found.spread is not None
    slack = 15.0
    assert plan.schedule.seconds_low <= found.spread.least <= found.spread.median <= found.spread.most
    assert found.spread.most <= plan.schedule.seconds_high + slack
    assert (found.by_fault, found.troubles, found.missed) == ((), (), 0)


def test_the_same_seed_gives_the_same_runs(plan: Plan, pool: Pool) -> None:
    """And another one others."""
    kinds = ["stream-breaks", "network-away", "vm-busy", "toolstack-restart"]
    first, again, other = (rehearse(plan, pool, faults=kinds, runs=4, seed=seed) for seed in (7, 7, 8))
    assert outcomes(first) == outcomes(again)
    assert outcomes(first) != outcomes(other)


@pytest.mark.parametrize("fault", ["stream-breaks-late", "vm-halts"])
def test_a_vm_is_off_afterwards(plan: Plan, pool: Pool, fault: str) -> None:
    """The run stops at its step, nobody starts it, and neither resume nor rollback helps."""
    take = one(plan, pool, fault)
    assert take.struck
    assert take.first.name == "StoppedHalfWay"
    assert list(take.vms.values()).count(FinalPlace.HALTED) == 1
    assert len(take.lost) == 1
    assert take.trouble is not None
    assert take.resumed is not None
    assert not take.resumed.complete
    assert take.back is not None
    assert not take.back.whole


def test_a_step_that_fails_can_be_gone_on_with(plan: Plan, pool: Pool) -> None:
    """Once all works again, and there is a way back as well."""
    take = one(plan, pool, "stream-breaks")
    assert take.first.name == "StoppedHalfWay"
    assert take.resumed is not None
    assert take.resumed.complete
    assert take.back is not None
    assert take.back.whole


def test_a_lost_handshake_is_no_loss(plan: Plan, pool: Pool) -> None:
    """The task says failure, the pool shows the VM on its target, and the run goes on."""
    take = one(plan, pool, "handshake-lost")
    assert (take.struck, take.first.name) == (True, "complete")


@pytest.mark.parametrize(
    "form", ["malformed", "truncated", "dripping", "reset-before", "connection-reset", "unavailable"]
)
def test_calls_that_go_wrong_lose_no_vm(plan: Plan, pool: Pool, form: str) -> None:
    """However the run ends, every VM runs on a host that the plan names."""
    found = rehearse(plan, pool, faults=[form], runs=4)
    assert any(take.struck for take in found.takes)
    assert {take.lost for take in found.takes} == {()}
    allowed = {FinalPlace.ARRIVED, FinalPlace.NOT_MOVED}
    assert {where for take in found.takes for where in take.vms.values()} <= allowed


def test_faults_of_disks_are_left_out_where_none_moves(plan: Plan, pool: Pool) -> None:
    """Only what can befall the plan takes a turn."""
    found = rehearse(plan, pool, faults=["mirror-fails", "stalls"], runs=2)
    assert {take.fault.kind for take in found.takes if take.fault} == {"stalls"}


def test_what_each_fault_leaves_is_counted(plan: Plan, pool: Pool) -> None:
    """A row a kind, with runs, endings and VMs."""
    found = rehearse(plan, pool, faults=["vm-halts", "stream-breaks"], runs=4)
    broken, halted = found.by_fault
    assert (broken.kind, broken.runs, broken.resumed, broken.taken_back) == ("stream-breaks", 2, 2, 2)
    assert (halted.kind, halted.runs, halted.vms, halted.lost, halted.taken_back) == (
        "vm-halts",
        2,
        (("halted", 2),),
        2,
        0,
    )
    assert sum(count for _, count in found.troubles) == 4


def test_a_plan_without_steps_is_refused(plan: Plan, pool: Pool) -> None:
    """There is nothing to rehearse."""
    with pytest.raises(InputError, match="no steps"):
        rehearse(replace(plan, steps=()), pool, runs=1)


def test_another_pool_is_refused(plan: Plan, pool: Pool) -> None:
    """A snapshot of another pool tells nothing of this plan."""
    with pytest.raises(InputError, match="another pool"):
        rehearse(plan, replace(pool, uuid="another"), runs=1)


def test_an_unknown_fault_is_refused(plan: Plan, pool: Pool) -> None:
    """By its name."""
    with pytest.raises(InputError, match="earthquake"):
        rehearse(plan, pool, faults=["earthquake"], runs=1)
