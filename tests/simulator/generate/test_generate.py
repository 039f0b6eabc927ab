from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rebalancer.errors import InputError
from rebalancer.simulator import SimulatedPool, demo_pool, generate_pool, load_pool, save_pool
from rebalancer.simulator.checks import boot_here, vm_operations
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.pool import Records

DEMO_FILE = Path(__file__).resolve().parents[3] / "data" / "demo-pool.json.gz"


def host_profiles(pool: SimulatedPool) -> np.ndarray:
    """Load of each host, [host, hour of day], 95th percentile over the days, as a share of its pCPUs."""
    rows = []
    for ref, host in pool.records["host"].items():
        used = np.array(pool.host_load[host["uuid"]], dtype=float)
        for vm in pool.records["VM"].values():
            if vm["resident_on"] == ref and vm["uuid"] in pool.load:
                used = used + np.array(pool.load[vm["uuid"]], dtype=float)
        rows.append(np.percentile(used.reshape(-1, 24), 95, axis=0) / int(host["cpu_info"]["cpu_count"]))
    return np.array(rows)


def movable(pool: SimulatedPool) -> dict[str, bool]:
    """Whether each running guest may go to at least one host besides its own."""
    database, answer = Database(pool.records), {}
    for ref, vm in database.items("VM"):
        if vm["power_state"] == "Running" and not vm["is_control_domain"]:
            try:
                vm_operations.assert_not_refused(database, ref, "pool_migrate")
                vm_operations.assert_movable(database, ref, "pool_migrate", strict=True)
            except ApiFailure:
                answer[ref] = False
                continue
            others = [host for host, _ in database.items("host") if host != vm["resident_on"]]
            answer[ref] = any(boot_here.has_room(database, ref, host) for host in others)
    return answer


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two pools made alike are the same file, and another seed gives another one."""
    files = [tmp_path / f"{n}.json.gz" for n in range(3)]
    for file, seed in zip(files, (3, 3, 4), strict=True):
        save_pool(generate_pool(hosts=3, vms=9, seed=seed), file)
    first, second, other = (file.read_bytes() for file in files)
    assert first == second != other


def test_a_saved_pool_comes_back(tmp_path: Path) -> None:
    """A pool read from its file equals the one that was written, plain and compressed."""
    pool = generate_pool(hosts=2, vms=5, seed=1)
    for name in ("pool.json", "pool.json.gz"):
        save_pool(pool, tmp_path / name)
        assert load_pool(tmp_path / name) == pool


def test_the_demo_file_is_the_demo_pool(tmp_path: Path) -> None:
    """data/demo-pool.json.gz is what `python data/build.py demo-pool` writes today."""
    save_pool(demo_pool(), tmp_path / "again.json.gz")
    assert (tmp_path / "again.json.gz").read_bytes() == DEMO_FILE.read_bytes()


@pytest.mark.parametrize("fill", [0.6, 0.75, 0.9])
def test_hosts_are_as_full_as_asked_for(fill: float) -> None:
    """Guests take the asked share of the memory for guests, to 5 %, and no host is over its memory."""
    pool = generate_pool(hosts=8, vms=120, seed=2, fill=fill)
    database = Database(pool.records)
    need = sum(
        int(vm["memory_dynamic_min"]) + int(vm["memory_overhead"])
        for _, vm in database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    )
    room = sum(int(m["memory_total"]) - (5 << 30) for _, m in database.items("host_metrics"))
    assert need / room == pytest.approx(fill, rel=0.05)
    assert all(int(m["memory_free"]) >= 0 for _, m in database.items("host_metrics"))


def test_hot_hosts_are_hot_at_hours_of_their_own() -> None:
    """The asked share of hosts passes 85 % of its pCPUs, at different hours; no host uses more than it has."""
    profiles = host_profiles(generate_pool(hosts=16, vms=250, seed=1, hot=0.25))
    hot = profiles.max(axis=1) > 0.85
    assert hot.tolist() == [True] * 4 + [False] * 12
    assert len({int(hour) for hour in profiles[hot].argmax(axis=1)}) == 4
    assert profiles.max() <= 1.0


def test_no_guest_is_larger_than_asked_for() -> None:
    """The largest guest has the asked memory, and larger sizes are drawn without the limit."""
    sizes = [
        max(int(vm["memory_static_max"]) >> 30 for vm in pool.records["VM"].values() if not vm["is_control_domain"])
        for pool in (generate_pool(hosts=4, vms=80, seed=1, largest_gib=16), generate_pool(hosts=4, vms=80, seed=1))
    ]
    assert sizes == [16, 64]


def test_no_guest_uses_more_than_its_vcpus() -> None:
    """Every value of a guest's load lies above zero and below its vCPUs."""
    pool = generate_pool(hosts=4, vms=60, seed=9)
    vcpus = {vm["uuid"]: int(vm["VCPUs_max"]) for vm in pool.records["VM"].values()}
    assert all(0.0 <= value <= vcpus[uuid] for uuid, row in pool.load.items() for value in row if value is not None)


def test_the_demo_holds_some_guests() -> None:
    """Seven of the demo's 45 guests have nowhere to go, each for one of six reasons; all others may move."""
    assert Counter(movable(demo_pool()).values()) == {True: 38, False: 7}


def test_local_disks_are_on_the_host_of_their_guest() -> None:
    """As many guests as asked for have their disk on an SR that their host alone sees, and all else is as without."""
    pool, plain = (generate_pool(hosts=4, vms=40, seed=2, pinned=0, local=local).records for local in (0.5, 0))
    local = [vm for vm in pool["VM"] if pool["VM"][vm]["resident_on"] in seen_alone(pool, vm)]
    assert len(local) == 20
    assert not any(seen_alone(plain, vm) for vm in plain["VM"])
    assert pool["VM"] == plain["VM"]


def seen_alone(records: Records, vm: str) -> set[str]:
    """The hosts that alone see the SR of a disk of a running guest."""
    drives = [v for v in records["VBD"].values() if v["VM"] == vm and v["type"] == "Disk" and v["currently_attached"]]
    srs = [records["VDI"][drive["VDI"]]["SR"] for drive in drives]
    hosts = [{pbd["host"] for pbd in records["PBD"].values() if pbd["SR"] == sr} for sr in srs]
    return {host for each in hosts if len(each) == 1 for host in each}


def test_references_hold() -> None:
    """Every reference of a generated pool leads to a record, in both directions where XAPI keeps both."""
    records = demo_pool().records
    known = {ref for rows in records.values() for ref in rows}
    for rows in records.values():
        for record in rows.values():
            values = [v for value in record.values() for v in (value if isinstance(value, list) else [value])]
            refs = {v for v in values if isinstance(v, str) and v.startswith("OpaqueRef:") and v != "OpaqueRef:NULL"}
            assert refs <= known
    assert all(ref in records["VM"][vbd["VM"]]["VBDs"] for ref, vbd in records["VBD"].items())


def test_unusable_sizes_are_refused() -> None:
    """A pool without hosts, or fuller than full, is refused with a sentence."""
    with pytest.raises(ValueError, match="a pool needs hosts"):
        generate_pool(hosts=0)
    with pytest.raises(ValueError, match="fill"):
        generate_pool(fill=1.2)


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"records": {}}', b'{"format": "other"}'])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no pool is refused by name, plain or posing as gzip."""
    for name in ("x.json", "x.json.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"simulated pool|no XenAPI records"):
            load_pool(tmp_path / name)
