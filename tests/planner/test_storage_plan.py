"""Plans in which VMs take their disks along: ordered, verified, undone, and refused with any single edit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.diff.diff import plan_differences
from rebalancer.diff.drift import differences
from rebalancer.inventory.digest import inventory_digest
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Migration
from rebalancer.plan import EjectedCD, StepDisk, StepKind, sealed
from rebalancer.problem import pool_at, problem_at
from rebalancer.rules import Rulebook
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from tests.local_disks import (
    carried,
    full_disk,
    local_host,
    local_pool,
    local_problem,
    local_sr,
    local_vm,
    two_disks,
    with_disks,
)
from tests.plan.made import LATER, MADE_AT, plan_of
from tests.planner.stored import PLAN, PROBLEM, findings, there, tight
from tests.pools import make_cd, make_disk, make_pbd, policy_of


def test_plan_says_which_disks_go_where() -> None:
    """Drive, disk, both SRs and the size stand in the step; the table of SRs has what each gains and loses."""
    problem = local_problem(local_vm("web"))
    plan = plan_of(problem, problem.initial.after(carried("web")))
    (step,) = plan.steps
    assert step.disks == (
        StepDisk(
            drive="web-xvd0",
            disk="web-disk0",
            name="web-disk0",
            source="l1",
            source_name="l1",
            target="l2",
            target_name="l2",
            size_bytes=20 * GIB,
        ),
    )
    assert (step.memory_bytes, step.copied_bytes) == (2 * GIB, 22 * GIB)
    assert [(row.name, row.gains, row.gained_bytes, row.loses, row.lost_bytes) for row in plan.srs] == [
        ("l1", (), 0, ("web-xvd0",), 20 * GIB),
        ("l2", ("web-xvd0",), 20 * GIB, (), 0),
    ]
    assert plan.predicted.srs_of == {"web": {"web-xvd0": "l2"}}
    assert "22.0 GiB to copy" in plan.summary


def test_disks_make_a_step_longer() -> None:
    """2 GiB of memory and 20 GiB of disk, 1.3 times, over four fifths of 1 Gbit/s, after 8 seconds."""
    problem = local_problem(local_vm("web"))
    (step,) = plan_of(problem, problem.initial.after(carried("web"))).steps
    assert step.seconds == pytest.approx(8 + 1.3 * 22 * GIB / (0.8 * 1e9 / 8), abs=0.1)


def test_plan_is_accepted_and_leads_back() -> None:
    """As it was made; its way back brings every disk home, and says so."""
    assert findings(PLAN) == ()
    assert PLAN.no_way_back == ()
    home = {(step.vm, disk.target) for step in PLAN.rollback for disk in step.disks}
    assert home == {("a", "l1"), ("b", "l1"), ("c", "l2")}


def test_space_decides_the_order() -> None:
    """In 80 GiB one of two disks has to wait until something has left; in plenty of space, nobody waits."""
    problem = tight(80)
    plan = plan_of(problem, there(problem))
    assert [bool(step.after) for step in plan.steps].count(True) == 1
    assert all(step.after == () for step in plan_of(tight(400), there(tight(400))).steps)


def test_disks_that_only_fit_one_after_another_deadlock_together() -> None:
    """Two SRs with no room for both of their disks: neither can be first."""
    problem = local_problem(
        local_vm("a"),
        local_vm("c", on=2),
        srs=[local_sr(f"l{n}", physical_size_bytes=59 * GIB, physical_utilisation_bytes=20 * GIB) for n in (1, 2)],
    )
    goal = problem.initial.after(carried("a"), carried("c", source=2, target=1))
    found = find_order(Rulebook.of(problem), goal, seed=1)
    assert isinstance(found, Deadlock)
    assert ("sr-space" in found.rules, {move.vm for move in found.moves}) == (True, {"a", "c"})


def test_order_that_ignores_space_is_refused() -> None:
    """Relations taken out: some interleaving fills the SR."""
    problem = tight(80)
    plan = plan_of(problem, there(problem))
    loose = sealed(replace(plan, steps=tuple(replace(step, after=()) for step in plan.steps)))
    assert "sr-space" in {finding.rule for finding in verify_plan(loose, problem.pool, now=LATER)}


def test_way_back_needs_space_on_the_old_sr() -> None:
    """Where somebody else needs most of the old SR, a disk that left it cannot come back, and the plan says so."""
    problem = local_problem(
        local_vm("web"), srs=[local_sr("l1", physical_size_bytes=39 * GIB, physical_utilisation_bytes=20 * GIB)]
    )
    plan = plan_of(problem, problem.initial.after(carried("web")))
    assert (plan.rollback, [(each.name, each.rule) for each in plan.no_way_back]) == ((), [("web", "sr-space")])
    assert verify_plan(plan, problem.pool, now=LATER) == ()


def test_limit_on_gib_counts_disks() -> None:
    """22 GiB are more than 21."""
    problem = local_problem(
        local_vm("web"), policy=policy_of(storage_motion={"enabled": True}, limits={"maximum_gib": 21})
    )
    plan = plan_of(problem, problem.initial.after(carried("web")))
    assert "limits" in {each.rule for each in verify_plan(plan, problem.pool, now=LATER)}


def test_ejected_cds_are_said_in_advance() -> None:
    """A CD that the target does not see is ejected; one that it sees stays in its drive."""
    vm = local_vm("web", vbds=(make_disk("web"), make_cd("web", "tools")))
    hosts = [local_host(1, pbds=(*local_host(1).pbds, make_pbd("h1", "iso"))), local_host(2)]
    parts: dict[str, Any] = {"srs": [local_sr("iso", type="iso")], "vdis": [full_disk("tools", "iso")]}
    problem = local_problem(vm, hosts=hosts, **parts)
    plan = plan_of(problem, problem.initial.after(carried("web")))
    said = "XAPI ejects the CD 'tools' from drive xvdd of VM web in step s01, and does not insert it again"
    assert [words for words in plan.warnings if "CD" in words] == [said]
    (step,) = plan.steps
    assert step.ejects == (EjectedCD(device="xvdd", name="tools"),)
    for told in ((), (EjectedCD(device="xvdd", name="drivers"),), (EjectedCD(device="xvde", name="tools"),)):
        (found,) = verify_plan(sealed(replace(plan, steps=(replace(step, ejects=told),))), problem.pool, now=LATER)
        assert found.words.startswith("steps[0].ejects[0]")
    untold = sealed(replace(plan, steps=(replace(step, ejects=None),)))
    assert verify_plan(untold, problem.pool, now=LATER) == ()
    seeing = [hosts[0], local_host(2, pbds=(*local_host(2).pbds, make_pbd("h2", "iso")))]
    problem = local_problem(vm, hosts=seeing, **parts)
    plan = plan_of(problem, problem.initial.after(carried("web")))
    assert not any("CD" in words for words in plan.warnings)
    assert [step.ejects for step in plan.steps] == [()]


def test_moved_disks_count_in_full_where_they_are() -> None:
    """The pool after a move: disk and snapshot on the new SR, in full; on the old one what the disk filled is free."""
    snapshot = full_disk("snap", "l1", is_a_snapshot=True, snapshot_of="web-disk0", physical_utilisation_bytes=GIB)
    thin = full_disk("web-disk0", "l1", physical_utilisation_bytes=5 * GIB)
    problem = local_problem(local_vm("web"), vdis=[thin, snapshot])
    pool = pool_at(problem.pool, problem.initial.after(carried("web")))
    assert {pool.vdis[name].sr for name in ("web-disk0", "snap")} == {"l2"}
    assert pool.srs["l2"].physical_utilisation_bytes == 40 * GIB
    assert pool.srs["l1"].physical_utilisation_bytes == 15 * GIB


def test_disk_that_somebody_moved_is_a_difference() -> None:
    """The words name VM, disk and both SRs; the plan is refused, because the disk is not where it starts."""
    problem = local_problem(local_vm("web"))
    plan = plan_of(problem, problem.initial.after(carried("web")))
    moved = local_pool(local_vm("web"), vdis=[full_disk("web-disk0", "shared")])
    assert differences(plan, moved) == ("disk web-disk0 of VM web is on SR shared, not on l1",)
    (first, *_) = verify_plan(plan, moved, now=LATER)
    assert (first.rule, first.words) == ("placement", "disk web-disk0 of VM web is not on SR l1")


def test_done_steps_are_believed_by_their_drives() -> None:
    """After the move the disk is another one in the same drive, and what is left is legal."""
    first = PLAN.steps[0]
    pool = pool_at(PROBLEM.pool, PROBLEM.initial.after(first.migration))
    (drive,) = [disk.drive for disk in first.disks]
    copy = replace(pool.vdis[f"{first.vm}-disk0"], uuid="a-copy")
    vm = pool.vms[first.vm]
    vms = {**pool.vms, vm.uuid: replace(vm, vbds=tuple(replace(each, vdi="a-copy") for each in vm.vbds))}
    assert drive == vm.vbds[0].uuid
    live = replace(pool, vms=vms, vdis={**pool.vdis, "a-copy": copy})
    assert verify_plan(PLAN, live, now=LATER, done={first.id}) == ()


def test_with_the_policy_off_no_disk_moves() -> None:
    """The same steps under a policy without Storage XenMotion are refused at the first disk."""
    made_from = replace(PLAN.made_from, policy=policy_of())
    (first, *_) = [each for each in findings(sealed(replace(PLAN, made_from=made_from))) if each.step]
    assert (first.step, first.rule) == (PLAN.steps[0].id, "placement")
    assert first.words.endswith("that the policy lets move")


def test_second_trip_of_a_disk_is_refused() -> None:
    """A plan that brings a disk away and back again on the way claims less space than that may need."""
    step = PLAN.steps[0]
    back = step.migration.back
    again = replace(
        step,
        id="s98",
        source=back.source,
        source_name=back.source,
        target=back.target,
        target_name=back.target,
        after=(PLAN.steps[-1].id,),
        disks=(replace(step.disks[0], source=back.disks[0].source, target=back.disks[0].target),),
    )
    found = findings(sealed(replace(PLAN, steps=(*PLAN.steps, again))))
    assert any(each.words.endswith("has moved in an earlier step") for each in found)


def test_hop_leaves_the_disks() -> None:
    """A VM that has to be parked goes without its disks, to a host that sees them, and takes them on its last step."""
    vms = [local_vm("x"), local_vm("y", on=2)]
    hosts = [
        local_host(1, memory_total_bytes=8 * GIB),
        local_host(2, "l1", memory_total_bytes=8 * GIB),
        local_host(3, "l1", "l2", memory_total_bytes=8 * GIB),
    ]
    problem = local_problem(*vms, count=3, hosts=hosts)
    goal = problem.initial.after(carried("x"), carried("y", source=2, target=1))
    plan = plan_of(problem, goal)
    assert [bool(step.disks) for step in plan.steps if step.kind is StepKind.HOP] in ([], [False])
    assert verify_plan(plan, problem.pool, now=LATER) == ()


def test_several_disks_of_a_vm_go_together() -> None:
    """Two disks, two SRs: one step, sorted by drive, undone by one step."""
    vm = local_vm("web", vbds=two_disks("web"))
    problem = local_problem(vm, vdis=[full_disk("web-disk1", "l1")])
    first = carried("web").disks[0]
    second = replace(first, drive="web-xvd1", target="shared")
    move = Migration(vm="web", source="h1", target="h2", disks=(first, second))
    plan = plan_of(problem, problem.initial.after(move))
    assert [[(disk.drive, disk.target) for disk in step.disks] for step in plan.steps] == [
        [("web-xvd0", "l2"), ("web-xvd1", "shared")]
    ]
    (back,) = plan.rollback
    home = (replace(first, source="l2", target="l1"), replace(second, source="shared", target="l1"))
    assert back.migration.disks == home
    assert verify_plan(plan, problem.pool, now=LATER) == ()


def test_differences_between_plans_name_the_sr() -> None:
    """The same move with its disk to another SR."""
    problem = local_problem(local_vm("web"))
    one, other = (plan_of(problem, problem.initial.after(carried("web", sr=sr))) for sr in ("l2", "shared"))
    told = [each.words for each in plan_differences(one, other) if each.kind == "step"]
    assert told == ["VM web takes disk web-disk0 to SR shared instead of l2"]


def test_plan_of_a_moved_problem_is_made_from_its_own_inventory() -> None:
    """The inventory digest covers where disks are: a pool whose disk is elsewhere is another pool."""
    problem = local_problem(local_vm("web"), policy=with_disks())
    later = problem_at(problem, problem.initial.after(carried("web")))
    assert inventory_digest(problem.pool) != inventory_digest(later.pool)
    assert plan_of(later, later.initial).made_at == MADE_AT
