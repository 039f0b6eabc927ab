from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality
from rebalancer.errors import SnapshotError
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.inventory.digest import inventory_digest
from rebalancer.inventory.dump import records_from_dump
from rebalancer.snapshot import FORMAT, Snapshot, read_snapshot, write_snapshot
from tests.inventory.small import small_records

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def profile_of(pool: Pool, slots: int = 24) -> LoadProfile:
    """A load profile with numbers that need all their digits."""
    random = np.random.default_rng(1)
    vms, hosts = tuple(vm.uuid for vm in pool.guests()), tuple(pool.hosts)
    return LoadProfile(
        vms=vms,
        hosts=hosts,
        vm_pcpu=random.random((len(vms), slots)) / 3,
        host_base_pcpu=random.random((len(hosts), slots)) / 3,
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.SHORT),
        percentile=95.0,
        window_start=NOON - timedelta(days=7),
        window_end=NOON,
        timezone="Europe/Berlin",
        source="rrd of 1 host",
    )


def small_snapshot() -> Snapshot:
    """The small pool with a profile."""
    pool = pool_from_records(small_records())
    return Snapshot(pool=pool, demand=profile_of(pool), taken_at=NOON, source="https://pool")


def written(tmp_path: Path, name: str = "pool.json") -> Path:
    """The small snapshot in a file."""
    path = tmp_path / name
    write_snapshot(small_snapshot(), path)
    return path


def edited(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The small snapshot in a file that somebody edited."""
    path = written(tmp_path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("name", ["pool.json", "pool.json.gz"])
def test_round_trip_is_exact(tmp_path: Path, name: str) -> None:
    """What is read equals what was written, to the last digit and microsecond, compressed or not."""
    assert read_snapshot(written(tmp_path, name)) == small_snapshot()


def test_every_recorded_pool_comes_back(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """All recorded pools and real dumps, with everything rare in them, come back equal, with an equal digest."""
    pools = [pool_from_records(records_from_dump(each)) for each in shared_data("xapi-db").glob("*.gz")]
    for file in shared_data("xapi-verdicts").glob("*.json.gz"):
        with gzip.open(file) as content:
            pools.append(pool_from_records(json.load(content)["records"]))
    for pool in pools:
        write_snapshot(Snapshot(pool=pool, demand=None, taken_at=NOON, source="x"), tmp_path / "pool.json")
        back = read_snapshot(tmp_path / "pool.json").pool
        assert back == pool
        assert inventory_digest(back) == inventory_digest(pool)


def test_same_snapshot_same_bytes(tmp_path: Path) -> None:
    """Writing twice gives the same bytes, compressed too, and no other file stays behind."""
    assert written(tmp_path, "a.json.gz").read_bytes() == written(tmp_path, "b.json.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json.gz", "b.json.gz"]


def test_time_zones_become_utc(tmp_path: Path) -> None:
    """A moment in another zone is written and read as the same moment in UTC."""
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    write_snapshot(replace(small_snapshot(), taken_at=berlin), tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json").taken_at == NOON
    assert read_snapshot(tmp_path / "pool.json").taken_at.tzinfo is UTC


def test_memory_in_use_is_kept_and_older_files_have_none(tmp_path: Path) -> None:
    """Only VMs that tell stand in it; a file without it is read as one where nobody tells."""
    snapshot = small_snapshot()
    assert snapshot.demand is not None
    told = replace(snapshot, demand=replace(snapshot.demand, memory_used={"vm": 3 << 30}))
    write_snapshot(told, tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json") == told
    assert read_snapshot(edited(tmp_path, lambda document: document["demand"].pop("memory_used"))) == snapshot


def test_no_demand_stays_no_demand(tmp_path: Path) -> None:
    """A snapshot without metrics comes back without, not with zeros."""
    write_snapshot(replace(small_snapshot(), demand=None), tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json").demand is None


def test_no_reference_is_in_the_file(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Snapshots name objects by uuid, never by XAPI's references; notes in `other_config` are not ours."""
    with gzip.open(shared_data("xapi-verdicts/sriov.json.gz")) as content:
        pool = pool_from_records(json.load(content)["records"])
    write_snapshot(Snapshot(pool=pool, demand=None, taken_at=NOON, source="x"), tmp_path / "pool.json")
    lines = (tmp_path / "pool.json").read_text().splitlines()
    assert {line.split('"')[1] for line in lines if "OpaqueRef:" in line} <= {"storage_driver_domain"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is truncated or no JSON"),
        (b'{"format": "rebalancer-snap', "it is truncated or no JSON"),
        (b"[1, 2]", "it states no format"),
        (b'{"pool": {}}', "it states no format"),
        (b'{"format": 1}', "it states no format"),
        (b'{"format": "xs-neutral/1"}', "it is not a snapshot: its format is 'xs-neutral/1'"),
        (b'{"format": "rebalancer-snapshot/2"}', "its format is rebalancer-snapshot/2, this program reads"),
        (b'{"format": "rebalancer-snapshot/1"}', "taken_at is missing (and 3 more"),
        (b"\xff\xfe", "it is truncated or no JSON"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    """A file that is truncated, something else or newer is refused with its name, the problem and the fix."""
    path = tmp_path / "pool.json"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        read_snapshot(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert problem in str(raised.value)
    assert "rebalancer" in raised.value.remedy


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("rebalancer-simulated-pool/1", "Serve it with `rebalancer simulate {path}`"),
        ("rebalancer-plan/1", "Name the pool or the snapshot that it was made from"),
        ("rebalancer-journal/1", "Take a new one with `rebalancer snapshot`"),
    ],
)
def test_other_files_of_ours_are_told_what_to_do_with(tmp_path: Path, name: str, way: str) -> None:
    """A simulated pool has to be served first, and a plan names where it came from."""
    path = tmp_path / "pool.json"
    path.write_text(json.dumps({"format": name}))
    with pytest.raises(SnapshotError) as raised:
        read_snapshot(path)
    assert raised.value.remedy.startswith(way.format(path=path))


def vm_in(document: dict[str, Any]) -> dict[str, Any]:
    """The VM of the small snapshot."""
    vm: dict[str, Any] = document["pool"]["vms"]["vm"]
    return vm


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: vm_in(file).update(power_state="Asleep"), "pool.vms.vm.power_state should be"),
        (lambda file: vm_in(file).update(vcpus_max="2"), "pool.vms.vm.vcpus_max should be a valid integer"),
        (lambda file: vm_in(file).pop("memory"), "pool.vms.vm.memory is missing"),
        (lambda file: file["pool"].update(coordinator="dangling"), "the coordinator is not one of the hosts"),
        (lambda file: file["pool"].update(coordinator="nobody"), "the coordinator is not one of the hosts"),
        (lambda file: file.update(taken_at="0001-01-01T00:00:00+23:59"), "taken_at: the year should be one from 1970"),
        (lambda file: file.update(taken_at=1764500000), "taken_at should be a time as text"),
        (lambda file: vm_in(file).update(uuid="other"), "vms has other under vm"),
        (lambda file: file["demand"]["vm_pcpu"][0].pop(), "the load profile's lists differ in length"),
        (lambda file: file["demand"]["vms"].append("another"), "the load profile's lists differ in length"),
        (lambda file: file["demand"].update(timezone="Europe"), "is in 'Europe', which is no time zone"),
        (lambda file: file["demand"]["quality"].clear(), "the load profile rates other VMs"),
        (lambda file: file["demand"]["vm_pcpu"][0].__setitem__(0, -1.0), "demand.vm_pcpu[0][0] should be"),
        (lambda file: file["demand"]["vm_pcpu"][0].__setitem__(0, None), "demand.vm_pcpu[0][0] should be"),
        (lambda file: file["demand"]["vm_pcpu"][0].__setitem__(0, 1e308), "demand.vm_pcpu[0][0] should be"),
        (lambda file: file["demand"].update(slot_hours=1e308), "demand.slot_hours should be"),
        (lambda file: vm_in(file)["memory"].update(static_max_bytes=1 << 61), "bytes of memory, which no machine has"),
        (lambda file: vm_in(file)["metrics"].update(memory_actual_bytes=10**30), "a number of 31 digits"),
        (lambda file: file.update(taken_at="2026-11-22T12:00:00"), "taken_at should have timezone info"),
    ],
)
def test_edited_files_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str) -> None:
    """A wrong type, a missing field or a contradiction is refused with the path to the object."""
    with pytest.raises(SnapshotError) as raised:
        read_snapshot(edited(tmp_path, change))
    assert problem in str(raised.value)


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    """Half a compressed snapshot, or none, is a `SnapshotError`."""
    path = written(tmp_path, "pool.json.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SnapshotError, match="it is not a whole gzip file"):
        read_snapshot(path)
    with pytest.raises(SnapshotError, match="it cannot be read"):
        read_snapshot(tmp_path / "absent.json")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, the old snapshot is still there, whole, and nothing else."""
    path = written(tmp_path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SnapshotError, match="No space left on device"):
        write_snapshot(replace(small_snapshot(), source="other"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there is a `SnapshotError`, not a traceback."""
    with pytest.raises(SnapshotError, match="it cannot be written"):
        write_snapshot(small_snapshot(), tmp_path / "absent" / "pool.json")


def large_records(hosts: int, vms: int) -> dict[str, Any]:
    """The small pool many times over."""
    small = small_records()
    large: dict[str, Any] = {kind: dict(table) for kind, table in small.items()}
    for number in range(hosts):
        large["host"][f"H{number}"] = {**small["host"]["H"], "uuid": f"host-{number:036}"}
    for number in range(vms):
        ref = f"V{number}"
        large["VM"][ref] = {**small["VM"]["V"], "uuid": f"vm-{number:036}", "resident_on": f"H{number % hosts}"}
        large["VDI"][f"D{number}"] = {**small["VDI"]["D"], "uuid": f"vdi-{number:036}"}
        drive = {"uuid": f"vbd-{number:036}", "VM": ref, "VDI": f"D{number}"}
        large["VBD"][f"B{number}"] = {**small["VBD"]["B"], **drive}
        large["VIF"][f"F{number}"] = {**small["VIF"]["F"], "uuid": f"vif-{number:036}", "VM": ref}
    return large


def test_a_large_pool_comes_back(tmp_path: Path) -> None:
    """64 hosts and 3000 VMs with their profile come back exactly."""
    pool = pool_from_records(large_records(64, 3000))
    snapshot = Snapshot(pool=pool, demand=profile_of(pool), taken_at=NOON, source="x")
    write_snapshot(snapshot, tmp_path / "pool.json.gz")
    assert read_snapshot(tmp_path / "pool.json.gz") == snapshot


def test_format_is_stated_first(tmp_path: Path) -> None:
    """The first thing in the file is its format, so that people see what it is."""
    assert written(tmp_path).read_text().lstrip("{\n ").startswith(f'"format": "{FORMAT}"')


def test_peaks_come_back_as_they_were_written(tmp_path: Path) -> None:
    """A profile that knows how far VMs peak keeps every digit of it."""
    snapshot = small_snapshot()
    assert snapshot.demand is not None
    peaks = replace(snapshot.demand, vm_deviation_pcpu=snapshot.demand.vm_pcpu / 7)
    write_snapshot(replace(snapshot, demand=peaks), tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json").demand == peaks != snapshot.demand
