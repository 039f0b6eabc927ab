"""Space on SRs, held twice while disks are on their way, against sums by hand."""

from __future__ import annotations

from rebalancer.policy import Policy
from rebalancer.problem import Problem
from rebalancer.rules import Ledger, Rulebook, rules_for
from rebalancer.rules.core.kinds import PoolRule
from rebalancer.rules.disks.sr_space import SRSpace
from rebalancer.units import GIB
from tests.local_disks import carried, full_disk, local_problem, local_sr, local_vm, two_disks, with_disks
from tests.pools import policy_of


def tight(gib: float, *, policy: Policy | None = None, used: float = 0) -> Problem:
    """VMs a and b on h1; the local SR of h2 has *gib*, of which strangers use *used*."""
    sr = local_sr("l2", physical_size_bytes=int(gib * GIB), physical_utilisation_bytes=int(used * GIB))
    return local_problem(local_vm("a"), local_vm("b"), srs=[sr], policy=policy)


def ledger(problem: Problem) -> Ledger:
    """The ledger of `sr-space` alone."""
    return Rulebook(problem, [SRSpace()]).ledger(problem.initial)


def refused(held: Ledger, vm: str) -> list[str]:
    """What is broken if *vm* goes to h2 with its disk."""
    move = carried(vm)
    return [each.words for each in held.objections(move.vm, move.target, move.disks)]


def test_disk_on_its_way_takes_two_disks_and_then_one() -> None:
    """40 GiB while the mirror runs, 20 GiB afterwards: in 60 GiB one comes after the other, not both at once."""
    held = ledger(tight(60))
    first, second = carried("a"), carried("b")
    assert refused(held, "a") == []
    held.join("a", "h2", first.disks)
    assert refused(held, "b") == ["space of SR 'l2' for disks: 80.0 GiB (limit 60.0 GiB)"]
    held.settle("a", "h1", first.disks)
    assert refused(held, "b") == []
    held.join("b", "h2", second.disks)
    held.settle("b", "h1", second.disks)
    assert held.broken() == ()


def test_just_enough_is_enough() -> None:
    """Free == need is accepted, one byte less is not."""
    assert refused(ledger(tight(40)), "a") == []
    assert refused(ledger(tight(40 - 1 / GIB)), "a") != []


def test_what_others_use_and_what_is_kept_free_count() -> None:
    """10 GiB of strangers and 5 GiB kept free leave 40 of 55."""
    assert refused(ledger(tight(55, used=10, policy=with_disks(keep_free_gib=5))), "a") == []
    assert refused(ledger(tight(55, used=10, policy=with_disks(keep_free_gib=5.1))), "a") != []


def test_mirror_needs_no_snapshot_where_the_manual_does_not_bind() -> None:
    """Without `space-on-target` a disk needs its own size."""
    policy = policy_of(storage_motion={"enabled": True}, rules={"relax": ["space-on-target"]})
    assert refused(ledger(tight(20, policy=policy)), "a") == []
    assert refused(ledger(tight(20)), "a") != []


def test_disks_of_one_vm_count_together() -> None:
    """Each of two disks would fit alone, both do not."""
    vm = local_vm("a", vbds=two_disks("a"))
    sr = local_sr("l2", physical_size_bytes=79 * GIB)
    problem = local_problem(vm, srs=[sr], vdis=[full_disk("a-disk1", "l1")])
    goal = problem.initial.srs_of["a"]
    held = ledger(problem)
    disks = tuple(
        carried("a").disks[0].__class__(drive=drive, source=source, target="l2") for drive, source in goal.items()
    )
    assert held.objections("a", "h2", disks[:1]) == held.objections("a", "h2", disks[1:]) == ()
    (both,) = held.objections("a", "h2", disks)
    assert (both.rule, both.code, both.hosts, both.vms) == ("sr-space", "SR_BACKEND_FAILURE_44", (), ())


def test_disk_that_left_gives_free_what_it_filled() -> None:
    """The local SR of h1 is full with a; only once a is gone does c, which comes from h2, fit."""
    sr = local_sr("l1", physical_size_bytes=45 * GIB, physical_utilisation_bytes=20 * GIB)
    problem = local_problem(local_vm("a"), local_vm("c", on=2), srs=[sr])
    back, held = carried("c", source=2, target=1), ledger(problem)
    assert held.objections("c", "h1", back.disks) != ()
    held.join("a", "h2", carried("a").disks)
    assert held.objections("c", "h1", back.disks) != ()
    held.settle("a", "h1", carried("a").disks)
    assert held.objections("c", "h1", back.disks) == ()


def test_full_sr_is_no_breach_tonight() -> None:
    """An SR that has less free than the policy keeps free takes nothing, and there is nothing to repair."""
    problem = tight(60, used=59, policy=with_disks(keep_free_gib=100))
    rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
    assert Rulebook(problem, rules).violations(problem.initial) == ()
    assert refused(ledger(problem), "a") != []


def test_end_is_judged_with_its_disks() -> None:
    """Two arrivals that do not fit together are a violation of the end, counted in GiB."""
    problem = tight(60)
    goal = problem.initial.after(carried("a"), carried("b"))
    assert [
        (each.rule, each.excess) for each in Rulebook(problem, [SRSpace()]).violations(goal, since=problem.initial)
    ] == [("sr-space", 20)]
    assert Rulebook(problem, [SRSpace()]).violations(problem.initial.after(carried("a")), since=problem.initial) == ()


def test_there_is_no_limit_where_disks_stay() -> None:
    """With Storage XenMotion off, the rule sets none, and no drive stands in the placement."""
    problem = tight(60, policy=policy_of())
    assert (SRSpace().limits(problem), problem.initial.srs_of) == ((), {})


def test_refusal_says_what_is_needed_and_what_is_left() -> None:
    """In sizes; where more is held than there may be, nothing is left."""
    rule, problem = SRSpace(), tight(60)
    (row,) = (row for row in rule.limits(problem) if row.places == {"l2"})
    said = [rule.refusal(row, held * GIB, 40 * GIB).words for held in (0, 45, 75)]
    left = ("60.0 GiB", "15.0 GiB", "0 MiB")
    assert said == [f"needs 40.0 GiB: space of SR 'l2' for disks, of which {each} are left" for each in left]
