"""Disks that a storage manager would refuse half-way, as people reported them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rebalancer.inventory import pool_from_records
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Objection, Rulebook
from rebalancer.simulator import load_pool


def against_its_disks(case: Path) -> dict[str, tuple[Objection, ...]]:
    """What keeps the disks of file-025 from going to each other host of the pool of *case*."""
    pool = pool_from_records(load_pool(case / "pool.json.gz").records)
    book = Rulebook.of(make_problem(pool, None, Policy.load(case / "policy.toml")))
    vm = next(vm for vm in pool.guests() if vm.name == "file-025")
    others = (host for host in pool.hosts.values() if host.uuid != vm.resident_on)
    return {host.name: book.routes.why_no_disks(vm, host) for host in others}


def test_tracking_on_for_a_snapshots_disk_holds_the_vm(shared_data: Callable[[str], Path]) -> None:
    """The VM's own disk does not track its changes; the disk of its snapshot does, for ever."""
    found = against_its_disks(shared_data("cases/reports/014-cbt-on-snapshot-disk"))
    words = "changed block tracking is on for disk 'file-025 disk 0' of its snapshot 'file-025 backup snapshot'"
    assert len(found) == 4
    for each in found.values():
        assert [(why.rule, why.code, why.words) for why in each] == [("no-cbt", "VDI_CBT_ENABLED", words)]


def test_a_disk_beyond_vhd_does_not_go_where_only_vhd_is_known(shared_data: Callable[[str], Path]) -> None:
    """3 TiB in QCOW2, to XOSTOR, whose driver has none."""
    found = against_its_disks(shared_data("cases/reports/003-3tib-to-xostor"))
    words = "its disk 'file-025 disk 0' has 3072.0 GiB, and SR 'XOSTOR' takes vhd of at most 2040.0 GiB only"
    assert len(found) == 4
    for each in found.values():
        assert [(why.rule, why.code, why.words) for why in each] == [("image-fits", "SR_BACKEND_FAILURE_79", words)]


def test_a_disk_beyond_vhd_does_not_go_where_only_vhd_is_wanted(shared_data: Callable[[str], Path]) -> None:
    """The driver knows QCOW2, the SR's PBD is set to VHD; the fix is to let it."""
    found = against_its_disks(shared_data("cases/reports/005-3tib-to-vhd-only-pbd"))
    words = (
        "its disk 'file-025 disk 0' has 3072.0 GiB, and SR 'NFS vault 1' is set to take vhd of at most 2040.0 GiB only"
    )
    remedy = "add qcow2 to the preferred-image-formats of SR 'NFS vault 1'"
    assert len(found) == 4
    for each in found.values():
        assert [(why.rule, why.words, why.remedy) for why in each] == [("image-fits", words, remedy)]
