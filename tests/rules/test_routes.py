"""The ways of VMs to hosts: which disks go along, to which SRs, in which order of preference."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.inventory import VM, HighAvailability
from rebalancer.placement import DiskMove
from rebalancer.policy import Policy
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.routes import DisksAlong, Route, Routes
from rebalancer.units import GIB
from tests.local_disks import (
    carried,
    full_disk,
    local_host,
    local_problem,
    local_sr,
    local_vm,
    two_disks,
    ways_of,
    with_disks,
)
from tests.pools import make_cd, make_disk, make_pbd, make_vm, policy_of

HA_ON = HighAvailability(enabled=True, host_failures_to_tolerate=0, plan_exists_for=0, allow_overcommit=False)


def to_h2(problem: Problem, vm: str = "web") -> tuple[Route, ...]:
    """The ways of *vm* to h2."""
    return ways_of(problem).routes(problem.pool.vms[vm], problem.pool.hosts["h2"])


def srs(ways: tuple[Route, ...]) -> list[tuple[str, ...]]:
    """The new SRs of the disks, way by way."""
    return [tuple(disk.target for disk in way.disks) for way in ways]


def test_vm_whose_disks_are_shared_takes_none_along() -> None:
    """XenMotion is the one way where it is legal: only the memory is copied."""
    problem = local_problem(vms=[make_vm("web")])
    assert to_h2(problem) == (Route(disks=(), copied_bytes=2 * GIB),)


def test_disk_on_a_local_sr_goes_to_one_of_its_kind_first() -> None:
    """Memory and disk are copied; the host's own SR comes before the shared one, because the disk was local."""
    problem = local_problem(local_vm("web"))
    local, shared = to_h2(problem)
    assert local.disks == (DiskMove(drive="web-xvd0", source="l1", target="l2"),)
    assert (local.copied_bytes, shared.copied_bytes) == (22 * GIB, 22 * GIB)
    assert srs((local, shared)) == [("l2",), ("shared",)]


def test_disk_on_a_shared_sr_that_the_target_lacks_goes_to_a_shared_one_first() -> None:
    """Of its kind means shared, too."""
    problem = local_problem(
        make_vm("web"),
        hosts=[local_host(1, "san"), local_host(2)],
        srs=[local_sr("l1"), local_sr("l2"), local_sr("san", shared=True)],
        vdis=[full_disk("web-disk0", "san")],
    )
    assert srs(to_h2(problem)) == [("shared",), ("l2",)]


def test_disks_that_the_target_sees_stay() -> None:
    """Only the disk on the local SR goes along, although the VM has two."""
    vm = local_vm("web", vbds=two_disks("web"))
    (way, _) = to_h2(local_problem(vm, vdis=[full_disk("web-disk1", "shared")]))
    assert [disk.drive for disk in way.disks] == ["web-xvd0"]


def test_of_equal_srs_the_one_with_most_room_comes_first() -> None:
    """An emptier local SR of the target is preferred."""
    problem = local_problem(
        local_vm("web"),
        hosts=[local_host(1), local_host(2, "l2big")],
        srs=[local_sr("l2big", physical_size_bytes=2048 * GIB)],
    )
    assert srs(to_h2(problem)) == [("l2big",), ("l2",), ("shared",)]


def test_disks_that_no_single_sr_takes_are_packed() -> None:
    """Two disks of 30 GiB need 60 GiB each on arrival: SRs of 100 and 70 GiB take one each."""
    vm = local_vm("web", vbds=two_disks("web"))
    problem = local_problem(
        vm,
        hosts=[local_host(1), local_host(2, "l2big")],
        srs=[local_sr("l2", physical_size_bytes=70 * GIB), local_sr("l2big", physical_size_bytes=100 * GIB)],
        vdis=[full_disk("web-disk0", "l1", gib=30), full_disk("web-disk1", "l1", gib=30)],
        policy=with_disks(never=["shared"]),
    )
    assert srs(to_h2(problem)) == [("l2big", "l2")]


def test_disks_that_nothing_takes_have_no_way_and_say_so() -> None:
    """40 GiB on arrival do not fit 39."""
    problem = local_problem(
        local_vm("web"),
        srs=[local_sr("l2", physical_size_bytes=40 * GIB - 1)],
        policy=with_disks(srs=["l2"]),
    )
    assert to_h2(problem) == ()
    (why,) = ways_of(problem).why_no_disks(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert (why.rule, why.words) == ("sr-space", "no SR of the host has room for its disks, which need 40.0 GiB")


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (with_disks(), [("l2",), ("shared",)]),
        (with_disks(srs=["shared"]), [("shared",)]),
        (with_disks(never=["shared"]), [("l2",)]),
        (with_disks(srs=["l1"]), []),
        (with_disks(keep_free_gib=984), [("l2",), ("shared",)]),
        (with_disks(keep_free_gib=985), [("shared",)]),
        (policy_of(), []),
    ],
)
def test_policy_says_which_srs_disks_go_to(policy: Policy, left: list[tuple[str, ...]]) -> None:
    """Allowed ones, never others, with what stays free; none at all where it is off."""
    assert srs(to_h2(local_problem(local_vm("web"), policy=policy))) == left


BLOCKED = {
    "op-not-blocked": ({"blocked_operations": {"migrate_send": "no"}}, {}),
    "never-move": ({"tags": ("rebalancer:never-move",)}, {}),
    "ha-off": ({}, {"ha": HA_ON}),
    "six-disks": ({"vbds": tuple(make_disk("web", number) for number in range(7))}, {}),
    "storage-licence": ({}, {"restrictions": {"restrict_xen_motion": "false"}}),
    "no-cbt": ({}, {"vdis": (full_disk("web-disk0", "l1", cbt_enabled=True),)}),
    "on-boot-persist": ({}, {"vdis": (full_disk("web-disk0", "l1", on_boot="reset"),)}),
}


@pytest.mark.parametrize(("rule", "changes"), BLOCKED.items())
def test_rules_of_carrying_hold_the_vm(rule: str, changes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Rules of Storage XenMotion, of the manual and of the operator leave no way, and are named."""
    vm, pool = changes
    problem = local_problem(local_vm("web", **vm), **pool)
    assert to_h2(problem) == ()
    why = ways_of(problem).why_no_disks(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert [each.rule for each in why] == [rule]


@pytest.mark.parametrize("rules", [{"set": "enforced"}, {"relax": ["six-disks"]}])
def test_manuals_rules_can_be_left_out(rules: dict[str, Any]) -> None:
    """Seven disks go along under the set `enforced`, and where `six-disks` is relaxed."""
    vm = local_vm("web", vbds=tuple(make_disk("web", number) for number in range(7)))
    policy = policy_of(storage_motion={"enabled": True}, rules=rules)
    assert len(to_h2(local_problem(vm, policy=policy))) == 2


def test_disk_of_two_vms_stays() -> None:
    """The other VM would lose it."""
    other = local_vm("other", vbds=(make_disk("other", vdi="web-disk0"),))
    problem = local_problem(local_vm("web"), other)
    (why,) = ways_of(problem).why_no_disks(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert (why.rule, why.words) == ("disk-of-one-vm", "its disk 'web-disk0' is in a drive of VM 'other', too")


@pytest.mark.parametrize(
    ("origin", "ways"), [("web-disk0", 2), ("web-disk9", 0)], ids=["of a disk", "of a disk that is gone"]
)
def test_snapshot_has_to_follow_a_disk(origin: str, ways: int) -> None:
    """A snapshot's disk of which the VM has the original goes along and counts; another would go astray."""
    snapshot = make_vm("snap", on=None, is_a_snapshot=True, is_a_template=True)
    vm = local_vm("web", snapshots=("snap",))
    problem = local_problem(
        vm, vms=[vm, snapshot], vdis=[full_disk("snap-disk0", "l1", is_a_snapshot=True, snapshot_of=origin)]
    )
    found = to_h2(problem)
    assert [way.copied_bytes for way in found] == [42 * GIB] * ways


def test_cd_that_the_target_does_not_see_is_no_disk() -> None:
    """It is ejected, not copied; by itself it needs no Storage XenMotion but an empty drive."""
    disk, cd = make_disk("web"), make_cd("web", "image")
    parts: dict[str, Any] = {"srs": [local_sr("iso", type="iso")], "vdis": [full_disk("image", "iso")]}
    hosts = [replace(local_host(1), pbds=(*local_host(1).pbds, make_pbd("h1", "iso"))), local_host(2)]
    with_disk = local_problem(local_vm("web", vbds=(disk, cd)), hosts=hosts, **parts)
    assert [len(way.disks) for way in to_h2(with_disk)] == [1, 1]
    alone = local_problem(vms=[make_vm("web", vbds=(disk, cd))], hosts=hosts, **parts)
    assert to_h2(alone) == ()


def test_nobody_goes_where_it_is() -> None:
    """Staying is no way."""
    problem = local_problem(local_vm("web"))
    assert ways_of(problem).routes(problem.pool.vms["web"], problem.pool.hosts["h1"]) == ()


def test_chosen_way_has_no_objection_and_a_wrong_one_has() -> None:
    """Single moves are judged with the disks that they name: the right map passes, no map and a blind SR do not."""
    problem = local_problem(local_vm("web"))
    ways: Routes = ways_of(problem)
    assert ways.objections(carried("web")) == ()
    assert [each.rule for each in ways.objections(replace(carried("web"), disks=()))] == ["shared-sr-visible"]
    assert [each.rule for each in ways.objections(carried("web", sr="l1"))] == ["target-sr-attached"]


def test_driver_that_cannot_receive_is_no_candidate() -> None:
    """An ISO library takes no disks, however empty it is."""
    problem = local_problem(
        local_vm("web"),
        hosts=[local_host(1), local_host(2, "iso")],
        srs=[local_sr("iso", type="iso", physical_size_bytes=9999 * GIB)],
        policy=with_disks(srs=["iso"]),
    )
    (why,) = ways_of(problem).why_no_disks(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert why.words == "the host has no SR attached to which disks may go and that can receive them"


def test_vm_that_may_not_receive_anything_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the policy off, the rules of carrying are never asked."""
    problem = local_problem(local_vm("web"), policy=policy_of())
    ways: Routes = Rulebook.of(problem).routes
    monkeypatch.setattr(ways, "_with_storage", None)
    vm: VM = problem.pool.vms["web"]
    assert (ways.routes(vm, problem.pool.hosts["h2"]), ways.why_no_disks(vm, problem.pool.hosts["h2"])) == ((), ())


@pytest.mark.parametrize(
    ("policy", "sr", "legal"),
    [
        (with_disks(), "l2", True),
        (with_disks(srs=["l2"]), "l2", True),
        (with_disks(srs=["l2"]), "shared", False),
        (with_disks(never=["shared"]), "shared", False),
        (with_disks(never=["shared"]), "l2", True),
        (policy_of(), "l2", False),
        (with_disks(), "nowhere", False),
    ],
)
def test_moves_to_srs_that_the_policy_does_not_allow_are_objected_to(policy: Policy, sr: str, *, legal: bool) -> None:
    """Whoever proposes them: an edited plan is asked the same. A disk that stays asks nothing."""
    ways = ways_of(local_problem(local_vm("web"), policy=policy))
    assert ("sr-allowed" not in {each.rule for each in ways.objections(carried("web", sr=sr))}) is legal
    assert "sr-allowed" not in {each.rule for each in ways.objections(replace(carried("web"), disks=()))}


@pytest.mark.parametrize("never", [[], ["shared"], ["l2"], ["l2", "shared"]])
def test_any_combination_of_srs_that_are_open_is_legal(never: list[str]) -> None:
    """What may be carried is what the checker accepts, disk by disk, in the order of preference."""
    vm = local_vm("web", vbds=two_disks("web"))
    problem = local_problem(vm, vdis=[full_disk("web-disk1", "l1")], policy=with_disks(never=never))
    ways, (web, h2) = ways_of(problem), (problem.pool.vms["web"], problem.pool.hosts["h2"])
    found = ways.disks_along(web, h2) or DisksAlong(drives=("web-xvd0", "web-xvd1"), srs=())
    moves = {
        pair: replace(carried("web"), disks=tuple(map(_disk, found.drives, pair)))
        for pair in itertools.product(problem.pool.srs, repeat=2)
    }
    assert found.drives == ("web-xvd0", "web-xvd1")
    assert list(found.srs) == [sr for sr, _ in srs(ways.routes(web, h2))]
    legal = {pair for pair, move in moves.items() if not ways.objections(move)}
    assert legal == set(itertools.product(found.srs, repeat=2))


def _disk(drive: str, sr: str) -> DiskMove:
    """The move of a disk from the local SR of h1."""
    return DiskMove(drive=drive, source="l1", target=sr)


def test_targets_with_disks_and_without() -> None:
    """A VM on a local SR has no host by XenMotion alone, and every other one with its disk; its own is no target."""
    problem = local_problem(local_vm("web"), count=3)
    ways, vm = ways_of(problem), problem.pool.vms["web"]
    assert tuple(ways.targets(vm)) == ("h2", "h3")
    assert ways.live.targets(vm) == ()
    shared = local_problem(vms=[make_vm("web")])
    assert ways_of(shared).live.targets(shared.pool.vms["web"]) == ("h2",)


@pytest.mark.parametrize(("gib", "packed"), [(40.0, [("l2", "x2")]), (40 - 1 / GIB, [])])
def test_packing_to_the_last_byte(gib: float, packed: list[tuple[str, ...]]) -> None:
    """Two disks that need 40 GiB each fill two SRs of 40 GiB; with a byte less on one of them there is no way."""
    problem = local_problem(
        local_vm("web", vbds=two_disks("web")),
        hosts=[local_host(1), local_host(2, "x2")],
        vdis=[full_disk("web-disk1", "l1")],
        srs=[
            local_sr("l2", physical_size_bytes=int(gib * GIB)),
            local_sr("x2", physical_size_bytes=40 * GIB),
        ],
        policy=with_disks(srs=["l2", "x2"]),
    )
    assert srs(to_h2(problem)) == packed
