"""Rules about a VM that takes its disks along, against a table that was written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.inventory.index import PoolIndex
from rebalancer.rules import LIVE, TO_ANOTHER_POOL, WITH_STORAGE, DiskRule, Rule
from rebalancer.rules.disks.disks_present import DiskNotBusy, DisksPresent, SourceSRAttached
from rebalancer.rules.disks.disks_that_move import NoCBT, NotEncrypted
from rebalancer.rules.disks.image_fits import ImageFits
from rebalancer.rules.disks.mirrors import SpaceOnSource
from rebalancer.rules.disks.snapshots import CheckpointStays, SnapshotsFollow
from rebalancer.rules.disks.suspend_images import SuspendImages
from rebalancer.units import GIB
from tests.pools import SOFTWARE, make_cd, make_disk, make_host, make_pbd, make_pool, make_vdi, make_vm, problem_of
from tests.rules.disks.motion_rows import (
    DRIVERS,
    LICENSED,
    LOCKED,
    MOVES,
    ROWS,
    SNAPPED,
    SRS,
    STAYS,
    SUSPENDED,
    TRACKED,
    Row,
    checkpoint,
    disk,
    snapshot,
)
from tests.rules.disks.storage_rows import BIGGER, BUSY, FEW, QCOW2, STORAGE_ROWS, held_to, left
from tests.rules.motions import MOTION, OPERATION, UNASKED
from tests.rules.storage_verdicts import StorageVerdicts

ALL = (*ROWS, *STORAGE_ROWS)
RULES: tuple[Rule, ...] = (*OPERATION, *MOTION, *UNASKED)
OWN = sorted({rule.id for rule in RULES} - {rule.id for rule in LIVE} - {"memory-now"})


@pytest.mark.parametrize("row", ALL, ids=lambda row: f"{row.rule}-{'legal' if row.legal else 'illegal'}")
def test_rule_objects_exactly_where_it_should(row: Row) -> None:
    """The rule of the row is the first to object if and only if the row is illegal."""
    problem = row.problem()
    verdicts, web, host = StorageVerdicts(problem), problem.pool.vms["web"], problem.pool.hosts["h2"]
    answers = (verdicts.operation(web), verdicts.motion(web, host, row.disks))
    held = next(rule for rule in WITH_STORAGE if isinstance(rule, DisksPresent)).objects(web, problem)
    found = {each.rule for each in (*answers, held, *verdicts.unasked(web, host, row.disks)) if each}
    assert (row.rule in found) is not row.legal


def test_ordinary_guest_may_take_its_disk_along() -> None:
    """To an ordinary storage motion nobody objects."""
    row = Row(rule="none", legal=True)
    problem = row.problem()
    verdicts, web, host = StorageVerdicts(problem), problem.pool.vms["web"], problem.pool.hosts["h2"]
    assert (verdicts.operation(web), verdicts.motion(web, host, MOVES), verdicts.unasked(web, host, MOVES)) == (
        None,
        None,
        (),
    )


@pytest.mark.parametrize("rule", OWN)
def test_every_rule_has_its_row(rule: str) -> None:
    """Each rule of storage motion has a row that is just illegal."""
    assert any(row.rule == rule and not row.legal for row in ALL)


def test_host_that_holds_more_than_it_has_has_nothing_free() -> None:
    """XAPI's second number is never negative."""
    problem = Row(rule="memory-now", legal=False, target={"memory_total_bytes": GIB}).problem()
    found = StorageVerdicts(problem).motion(problem.pool.vms["web"], problem.pool.hosts["h2"], MOVES)
    assert found is not None
    assert found.params == (str((2048 + 21) * 2**20), "0")


@pytest.mark.parametrize(("version", "held"), [("1.249.41", True), ("25.14.9", True), ("25.15", False)])
def test_changed_blocks_held_every_disk_before_25_15(version: str, held: bool) -> None:
    """On XCP-ng 8.2 a disk that tracks its changes holds its VM even where it stays."""
    old = {"software_version": SOFTWARE | {"xapi_build": version}}
    vm = make_vm("web")
    hosts = (make_host("h1", **old), make_host("h2", **old))
    pool = make_pool(
        hosts=hosts, vms=[vm], srs=SRS, restrictions=LICENSED, storage_drivers=DRIVERS, **disk(cbt_enabled=True)
    )
    found = StorageVerdicts(problem_of(pool)).motion(vm, hosts[1], STAYS)
    assert (found.code if found else None) == ("VDI_CBT_ENABLED" if held else None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (snapshot("web-disk0", taken=TRACKED), "changed block tracking is on for disk 's1-disk0' of its snapshot 's1'"),
        (checkpoint("raw", **TRACKED), "changed block tracking is on for the memory of its snapshot 's1'"),
        (snapshot("web-disk0", taken=LOCKED), "disk 's1-disk0' of its snapshot 's1' is encrypted"),
        (checkpoint("raw", **LOCKED), "the memory of its snapshot 's1' is encrypted"),
    ],
)
def test_what_follows_by_itself_is_named_with_the_way_out(change: dict[str, Any], words: str) -> None:
    """Which disk of which snapshot; nobody can change a snapshot's disk, so the snapshot goes."""
    problem = Row(rule="", legal=False, vm=SNAPPED, pool=change).problem()
    rules = (NoCBT(), NotEncrypted())
    asked = (rule.objects(problem.pool.vms["web"], problem.pool.hosts["h2"], MOVES, problem) for rule in rules)
    assert [(each.words, each.remedy) for each in asked if each] == [(words, "delete the snapshot")]


def test_memory_that_would_travel_holds_the_disks() -> None:
    """A checkpoint on an SR that the target does not know: XAPI would choose an SR; on a known one it stays."""
    for change, held in ((checkpoint("raw"), True), (checkpoint("shared"), False), (snapshot("web-disk0"), False)):
        problem = Row(rule="", legal=True, vm=SNAPPED, pool=change).problem()
        found = CheckpointStays().objects(problem.pool.vms["web"], problem.pool.hosts["h2"], MOVES, problem)
        assert (found is not None) is held
        assert found is None or (found.remedy, "'s1'" in found.words) == ("delete the snapshot", True)


@pytest.mark.parametrize(
    ("rule", "change", "words", "remedy"),
    [
        (
            ImageFits(),
            {"pool": disk(**BIGGER)},
            "its disk 'web-disk0' has 2040.0 GiB, and SR 'local' takes vhd of at most 2040.0 GiB only",
            "",
        ),
        (
            ImageFits(),
            {"pool": disk(**BIGGER) | QCOW2, "target": held_to("vhd")},
            "its disk 'web-disk0' has 2040.0 GiB, and SR 'local' is set to take vhd of at most 2040.0 GiB only",
            "add qcow2 to the preferred-image-formats of SR 'local'",
        ),
        (
            ImageFits(),
            {"pool": FEW, "target": held_to("vhd")},
            "its disk 'web-disk0' has 20.0 GiB, and SR 'local' is set to take no format that it can",
            "add qcow2 to the preferred-image-formats of SR 'local'",
        ),
        (
            SpaceOnSource(),
            {"pool": left(GIB)},
            "the mirror needs 20.0 GiB on SR 'lvm', which it leaves and which has 1.0 GiB free",
            "",
        ),
        (DiskNotBusy(), {"pool": disk(**BUSY)}, "its disk 'web-disk0' is busy: copy", "wait until it ends"),
        (
            SourceSRAttached(),
            {"pool": disk(sr="raw")},
            "its disk 'web-disk0' is on SR 'raw', which its own host does not have attached",
            "attach the SR to its host",
        ),
        (
            SourceSRAttached(),
            {"pool": disk(sr="gone")},
            "its disk 'web-disk0' is on SR 'unknown', which its own host does not have attached",
            "",
        ),
    ],
)
def test_what_the_storage_manager_refuses_in_words(
    rule: DiskRule, change: dict[str, Any], words: str, remedy: str
) -> None:
    """Which disk, which SR, which numbers; a remedy where there is one that costs no VM anything."""
    problem = Row(rule="", legal=False, **change).problem()
    found = rule.objects(problem.pool.vms["web"], problem.pool.hosts["h2"], MOVES, problem)
    assert found is not None
    assert (found.words, found.remedy) == (words, remedy)


def test_a_missing_image_is_ejected_and_a_missing_disk_is_looked_for() -> None:
    """Nobody is told to shut down a VM that may run on a disk that is deleted already."""
    drives = (make_disk("web"), make_cd("web", "image"))
    for vdis, words, remedy in (
        ((make_vdi("image", missing=True),), "the image 'image' in drive xvdd", "eject the CD from drive xvdd"),
        ((make_vdi("web-disk0", missing=True),), "its disk 'web-disk0' is missing from SR 'shared'", "do not shut"),
        ((make_vdi("web-disk0", "gone", missing=True),), "its disk 'web-disk0' is missing from SR 'unknown'", "scan"),
    ):
        problem = Row(rule="", legal=False, vm={"vbds": drives}, pool={"vdis": vdis}).problem()
        found = DisksPresent().objects(problem.pool.vms["web"], problem)
        assert found is not None
        assert words in found.words
        assert remedy in found.remedy


def test_coordinators_pbd_decides_what_a_shared_sr_takes() -> None:
    """h1 coordinates: what h2 is told does not count where h1 has the SR; else all PBDs must agree."""
    told = {
        name: replace(make_pbd(name, "s"), image_formats=formats)
        for name, formats in {"h1": (), "h2": ("vhd",), "h3": ("vhd", "qcow2")}.items()
    }
    hosts = {name: make_host(name, pbds=(pbd,)) for name, pbd in told.items()}
    without = make_host("h1", pbds=())
    assert dict(PoolIndex(make_pool(hosts=hosts.values())).image_formats) == {}
    assert PoolIndex(make_pool(hosts=[without, hosts["h2"], hosts["h3"]])).image_formats == {"s": {"vhd"}}
    ruled = make_host("h1", pbds=(replace(told["h1"], image_formats=("qcow2",)),))
    assert PoolIndex(make_pool(hosts=[ruled, hosts["h2"]])).image_formats == {"s": {"qcow2"}}


def test_a_snapshot_without_data_copies_nothing() -> None:
    """Of a cbt_metadata disk only the list of changed blocks is left."""
    taken: dict[str, Any] = {"snapshot_of": "web-disk0", "virtual_size_bytes": GIB}
    vdis = [make_vdi("web-disk0"), make_vdi("old", **taken), make_vdi("gone", type="cbt_metadata", **taken)]
    assert PoolIndex(make_pool(vdis=vdis)).snapshot_bytes == {"web-disk0": GIB}


def test_ids_name_their_files() -> None:
    """A rule that has a file of its own gives it its name; siblings of one subject share one."""
    rules_in: dict[str, set[str]] = {}
    for rule in (*LIVE, *WITH_STORAGE, *TO_ANOTHER_POOL):
        rules_in.setdefault(type(rule).__module__.rpartition(".")[2], set()).add(rule.id.replace("-", "_"))
    assert all(rules == {file} for file, rules in rules_in.items() if len(rules) == 1)


def test_whose_memory_cannot_be_read_is_told() -> None:
    """A snapshot may be deleted for it; of a suspended VM, nothing else is known to help."""
    for change, vm, words, remedy in (
        (checkpoint("raw"), SNAPPED, "the memory of its snapshot 's1'", "delete the snapshot"),
        (checkpoint("raw"), {**SUSPENDED, "suspend_vdi": "memory"}, "its memory", ""),
    ):
        problem = Row(rule="", legal=False, vm=vm, pool=change).problem()
        web = problem.pool.vms["web"]
        found = SuspendImages().objects(web, problem.pool.hosts["h2"], MOVES, problem)
        assert found is not None
        assert (found.words, found.remedy) == (
            f"{words} is on an SR to which its host is not connected",
            remedy,
        )


@pytest.mark.parametrize(("default_sr", "code"), [("local", None), (None, "VDI_NOT_IN_MAP")])
def test_a_disk_that_only_a_snapshot_has_goes_to_the_default_sr(default_sr: str | None, code: str | None) -> None:
    """XAPI sends it there without a word, and refuses where there is no default SR."""
    pool = snapshot("gone") | {"default_sr": default_sr}
    problem = Row(rule="", legal=False, vm=SNAPPED, pool=pool).problem()
    found = SnapshotsFollow().objects(problem.pool.vms["web"], problem.pool.hosts["h2"], MOVES, problem)
    assert found is not None
    assert found.code == code
