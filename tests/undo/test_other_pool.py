"""Who went to another pool comes home, with disks and interfaces that have other names, or it is said why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from rebalancer.inventory import VM, Pool, join_pools
from rebalancer.placement import DiskMove, Migration, disks_of
from rebalancer.plan import Plan, sealed
from rebalancer.plan.progress import is_done
from rebalancer.planner.rebalance import rebalance
from rebalancer.problem import Problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.undo.undo import undo
from rebalancer.verify.verify import verify_plan
from tests.local_disks import full_disk, two_disks
from tests.plan.crossed import OVER, PLAN, PROBLEM, after_crossing, over, two_ways
from tests.plan.made import LATER, MADE_AT, plan_of
from tests.pools import make_vif
from tests.solve.both_pools import random_problem
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools


def carried_out(plan: Plan, pool: Pool) -> Pool:
    """*pool* once *plan* is done: who went over has drives, disks and interfaces of new uuids, and other networks."""
    crossed = {step.vm: step for step in plan.steps if step.crossing}
    networks = {
        network.vif: network.target for step in crossed.values() if step.crossing for network in step.crossing.networks
    }
    parts = [_renamed(part, crossed, networks) for part in pool_at(pool, plan.predicted).parts]
    return join_pools(*parts)


def _renamed(part: Pool, crossed: Mapping[str, object], networks: Mapping[str, str]) -> Pool:
    """*part* with new uuids for what the VMs in *crossed* brought."""
    vms, vdis = dict(part.vms), dict(part.vdis)
    for vm in [vm for vm in part.vms.values() if vm.uuid in crossed]:
        vms[vm.uuid] = replace(
            vm,
            vbds=tuple(replace(each, uuid=f"{each.uuid}+", vdi=f"{each.vdi}+") for each in vm.vbds),
            vifs=tuple(replace(each, uuid=f"{each.uuid}+", network=networks[each.uuid]) for each in vm.vifs),
        )
        for _, disk in disks_of(vm, part):
            del vdis[disk.uuid]
            vdis[f"{disk.uuid}+"] = replace(disk, uuid=f"{disk.uuid}+")
    return replace(part, vms=vms, vdis=vdis)


def where(pool: Pool) -> dict[str, tuple[str | None, list[tuple[str, str]], list[str]]]:
    """The host of every guest, the SRs of its disks by their names, and the networks of its interfaces."""
    return {vm.uuid: (vm.resident_on, _disks(vm, pool), [vif.network for vif in vm.vifs]) for vm in pool.guests()}


def _disks(vm: VM, pool: Pool) -> list[tuple[str, str]]:
    """The names of its disks, with their SRs."""
    return sorted((disk.name, disk.sr) for _, disk in disks_of(vm, pool))


def test_a_vm_comes_home_with_its_disk_and_its_interface() -> None:
    """By the names that these have over there; the way back is accepted, and says by its policy where networks lead."""
    gone = after_crossing()
    back = undo(PLAN, gone, made_at=MADE_AT)
    (step,) = [each for each in back.steps if each.crossing]
    assert step.migration == Migration(
        vm="a",
        source="w1",
        target="e1",
        disks=(DiskMove(drive="new-drive", source="w-shared", target="e-shared"),),
    )
    assert step.crossing is not None
    assert [(each.vif, each.target) for each in step.crossing.networks] == [("new-vif", "e-lan")]
    assert back.policy.other_pools.networks == {"w-lan": "e-lan"}
    assert (back.made_from.undoes, back.missing) == (PLAN.digest, ())
    assert verify_plan(back, gone, now=LATER) == ()


@pytest.mark.parametrize("seed", range(12))
def test_everybody_is_where_the_plan_found_it(seed: int) -> None:
    """What the solver finds for two pools, carried out with new uuids and taken back: hosts, SRs and networks agree."""
    problem = random_problem(seed)
    plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
    there = carried_out(plan, problem.pool)
    assert is_done(plan, there) == bool(plan.steps)
    back = undo(plan, there, made_at=MADE_AT)
    assert verify_plan(back, there, now=LATER) == ()
    stays = {each.vm for each in back.missing}
    home, start = where(carried_out(back, there)), where(problem.pool)
    assert {vm for vm in start if home[vm] != start[vm]} == stays


def test_who_has_come_home_is_no_stray() -> None:
    """Taken back, a plan leaves nothing to take back: what came home has new uuids, and nobody else has moved it."""
    back = undo(PLAN, after_crossing(), made_at=MADE_AT)
    again = undo(PLAN, carried_out(back, after_crossing()), made_at=MADE_AT)
    assert (again.steps, [each for each in again.warnings if "VM" in each]) == ((), [])
    assert "every VM is where plan" in again.reason


def test_random_pools_bring_vms_home() -> None:
    """In a third of them at least somebody goes over, and comes home."""
    returned = 0
    for seed in range(12):
        problem = random_problem(seed)
        plan = rebalance(Rulebook.of(problem), made_at=MADE_AT)
        back = undo(plan, carried_out(plan, problem.pool), made_at=MADE_AT)
        returned += any(step.crossing for step in back.steps)
    assert returned >= 4


def test_networks_lead_back_by_what_led_there() -> None:
    """The policy led `lan` to `two`; on the way home `two` leads to `lan`, and the SR map of the way there is gone."""
    _, problem = two_ways()
    plan = plan_of(problem, problem.initial.after(over("a")))
    there = carried_out(plan, problem.pool)
    back = undo(plan, there, made_at=MADE_AT)
    (step,) = back.steps
    assert step.crossing is not None
    assert [(each.source, each.target) for each in step.crossing.networks] == [("w-two", "e-lan")]
    assert where(carried_out(back, there)) == where(problem.pool)


def test_networks_that_were_made_one_are_not_told_apart() -> None:
    """Two networks led to one: who was on which cannot be said by a map, so that the VM stays, with the reason."""
    vifs = (make_vif("a", "e-lan"), replace(make_vif("a", "e-two"), device="1"))
    two = replace(PROBLEM.pool.networks["e-lan"], uuid="e-two", name="two")
    east = one_pool(
        "e", pool_vm("a", on="e1", vifs=vifs), hosts=[pool_host("e1", networks=("e-lan", "e-two"))], networks=[two]
    )
    problem = two_pools(east, one_pool("w"), policy=crossing_policy(networks={"two": "lan"}))
    plan = plan_of(problem, problem.initial.after(over("a")))
    back = undo(plan, carried_out(plan, problem.pool), made_at=MADE_AT)
    assert back.steps == ()
    assert "VM a stays in pool west: several networks led to 'lan', so that no map leads back" in back.warnings


def alike(first: str, second: str, name: str) -> tuple[Problem, Plan]:
    """A VM that went over with two disks of one *name*, or of two, which came from two SRs and are on one now."""
    drives = two_disks("a")
    disks = [full_disk("a-disk0", first), full_disk("a-disk1", second)]
    named = [replace(disks[0], name="data"), replace(disks[1], name=name)]
    east = one_pool("e", pool_vm("a", on="e1", vbds=drives))
    problem = two_pools(replace(east, vdis={**east.vdis, **{each.uuid: each for each in named}}), one_pool("w"))
    moves = [
        DiskMove(drive=drive.uuid, source=disk.sr, target="w-shared") for drive, disk in zip(drives, named, strict=True)
    ]
    move = Migration(vm="a", source="e1", target="w1", disks=tuple(sorted(moves)))
    return problem, plan_of(problem, problem.initial.after(move))


@pytest.mark.parametrize(
    ("srs", "name", "returns"),
    [
        (("e-shared", "e-l1"), "log", True),
        (("e-shared", "e-shared"), "data", True),
        (("e-shared", "e-l1"), "data", False),
    ],
)
def test_disks_are_known_by_name(srs: tuple[str, str], name: str, returns: bool) -> None:
    """Two of one name from one SR are as good as each other; from two SRs nobody can tell them apart."""
    problem, plan = alike(*srs, name)
    there = carried_out(plan, problem.pool)
    back = undo(plan, there, made_at=MADE_AT)
    assert bool(back.steps) is returns
    assert where(carried_out(back, there) if returns else problem.pool) == where(problem.pool)
    said = "VM a stays in pool west: disks of one name came from several SRs, and nobody can tell which from which"
    assert (said in back.warnings) is not returns


def changed(name: str) -> Pool:
    """Both pools after the crossing, with something that is not as the plan left it."""
    there = after_crossing()
    east, west = there.members
    disk = west.vdis["new-disk"]
    match name:
        case "another SR":
            return join_pools(east, replace(west, vdis={**west.vdis, "new-disk": replace(disk, sr="w-l1")}))
        case "another name":
            return join_pools(east, replace(west, vdis={**west.vdis, "new-disk": replace(disk, name="renamed")}))
        case "no SR":
            hosts = {uuid: replace(host, pbds=()) for uuid, host in east.hosts.items()}
            return join_pools(replace(east, srs={}, hosts=hosts, vdis={}, vms={}), west)
        case "no network":
            return join_pools(replace(east, networks={}), west)
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("another SR", "its disks are not as the plan brought them"),
        ("another name", "its disks are not as the plan brought them"),
        ("no SR", "SR 'e-shared', from which a disk came, is gone"),
        ("no network", "network 'lan' is gone"),
    ],
)
def test_what_is_not_as_it_was_keeps_it_there(name: str, words: str) -> None:
    """Moved by somebody else, renamed, or without a place to return to: nothing is guessed."""
    back = undo(PLAN, changed(name), made_at=MADE_AT)
    assert "a" not in {step.vm for step in back.steps}
    assert f"VM a stays in pool west: {words}" in back.warnings


def test_nobody_comes_back_to_an_older_pool() -> None:
    """XAPI's rules bind the way home as any other: the move is missing, with the rule."""
    there = after_crossing()
    east, west = there.members
    newer = {
        uuid: replace(host, software_version=dict(host.software_version) | {"platform_version": "99.0.0"})
        for uuid, host in west.hosts.items()
    }
    back = undo(PLAN, join_pools(east, replace(west, hosts=newer)), made_at=MADE_AT)
    assert [(each.vm, each.rule) for each in back.missing] == [("a", "version-order-pools")]
    assert back.outcome == "incomplete"


def test_a_plan_is_done_where_everything_is_as_it_leads() -> None:
    """Not before, not with one VM missing, not when it was edited, not in other pools, and not without steps."""
    there = carried_out(PLAN, PROBLEM.pool)
    assert is_done(PLAN, there)
    assert not is_done(PLAN, PROBLEM.pool)
    assert not is_done(PLAN, after_crossing())
    assert not is_done(replace(PLAN, reason="edited"), there)
    assert not is_done(PLAN, there.members[0])
    assert not is_done(sealed(replace(PLAN, steps=())), there)
    disk = there.vdis["a-disk0+"]
    elsewhere = replace(there.members[1], vdis={**there.members[1].vdis, disk.uuid: replace(disk, sr="w-l1")})
    assert not is_done(PLAN, join_pools(there.members[0], elsewhere))
    assert OVER.crossing is not None
