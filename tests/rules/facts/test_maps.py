"""The map of the disks of a move: whole, in legal terms, and with what it copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebalancer.placement import DiskMove
from rebalancer.rules.facts.disk_maps import unseen_cds, whole_map
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.rules.routes import DisksAlong
from rebalancer.units import GIB
from tests.local_disks import (
    carried,
    full_disk,
    local_problem,
    local_vm,
    ways_of,
    with_disks,
)
from tests.pools import make_cd, make_disk, make_vm


def test_the_one_map_that_there_is_says_why_it_is_none() -> None:
    """With a single SR to go to, the words are those about it."""
    other = local_vm("other", vbds=(make_disk("other", vdi="web-disk0"),))
    problem = local_problem(local_vm("web"), other, policy=with_disks(srs=["l2"]))
    (why,) = ways_of(problem).why_no_disks(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert why.rule == "disk-of-one-vm"


def cds(**drives: str | None) -> tuple[Any, ...]:
    """A disk, and CD drives: one without an image, and those with the images named."""
    return (make_disk("web"), *(replace(make_cd("web", image), device=device) for device, image in drives.items()))


def test_cds_that_the_target_sees_are_in_the_map_and_the_others_are_ejected() -> None:
    """An empty drive and an image that the database lacks are in no map; the latter counts as not seen."""
    vm = local_vm("web", vbds=cds(a="seen", b="hidden", c=None, d="lost"))
    problem = local_problem(vm, vdis=[full_disk("seen", "shared"), full_disk("hidden", "l1")])
    pool = replace(problem.pool, vdis={uuid: vdi for uuid, vdi in problem.pool.vdis.items() if uuid != "lost"})
    web, host = pool.vms["web"], pool.hosts["h2"]
    assert whole_map(web, host, carried("web").disks, pool) == {"web-disk0": "l2", "seen": "shared"}
    assert list(unseen_cds(web, host, pool)) == [("b", "hidden"), ("d", "unknown")]


def test_a_move_copies_memory_and_disks() -> None:
    """2 GiB of memory and a disk of 20 GiB; the disks alone are 20 GiB."""
    problem = local_problem(local_vm("web"))
    sizes = DiskSizes(problem)
    assert (sizes.copied_by(carried("web")), sizes.copied_on("web", carried("web").disks)) == (22 * GIB, 20 * GIB)


def test_the_map_says_where_a_disk_goes_that_could_stay() -> None:
    """A disk that the target sees goes all the same if it is to: only CDs are held to where they are."""
    problem = local_problem(vms=[make_vm("web")])
    web, host = problem.pool.vms["web"], problem.pool.hosts["h2"]
    disk = DiskMove(drive="web-xvd0", source="shared", target="l2")
    assert whole_map(web, host, [disk], problem.pool) == {"web-disk0": "l2"}


def test_nothing_is_carried_that_the_target_sees() -> None:
    """Neither by a VM on shared disks, nor to where the VM is."""
    shared = local_problem(vms=[make_vm("web")])
    assert ways_of(shared).disks_along(shared.pool.vms["web"], shared.pool.hosts["h2"]) is None
    local = local_problem(local_vm("web"))
    assert ways_of(local).disks_along(local.pool.vms["web"], local.pool.hosts["h1"]) is None
    assert ways_of(local).disks_along(local.pool.vms["web"], local.pool.hosts["h2"]) == DisksAlong(
        drives=("web-xvd0",), srs=("l2", "shared")
    )
