"""Whatever a record may lack: its pool is refused by name, or its object is held and named, or it decides nothing."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.errors import InventoryError
from rebalancer.held import Held
from rebalancer.inventory import pool_from_records
from rebalancer.simulator import generate_pool
from tests.inventory.spy import spied

RECORDS: dict[str, dict[str, dict[str, Any]]] = generate_pool(hosts=2, vms=4, seed=1).records
SEEN: set[tuple[str, str]] = set()
pool_from_records(spied(RECORDS, SEEN))
GUEST = next(
    ref
    for ref, vm in RECORDS["VM"].items()
    if vm["power_state"] == "Running" and not vm["is_control_domain"] and vm["VBDs"] and vm["VIFs"]
)
DRIVES = [drive for drive in RECORDS["VM"][GUEST]["VBDs"] if RECORDS["VBD"][drive]["VDI"] in RECORDS["VDI"]]
DISK = RECORDS["VBD"][DRIVES[0]]["VDI"]
INTERFACE = RECORDS["VM"][GUEST]["VIFs"][0]
CUT = {
    "VM": GUEST,
    "VM_metrics": RECORDS["VM"][GUEST]["metrics"],
    "VBD": DRIVES[0],
    "VDI": DISK,
    "SR": RECORDS["VDI"][DISK]["SR"],
    "VIF": INTERFACE,
    "network": RECORDS["VIF"][INTERFACE]["network"],
} | {kind: next(iter(RECORDS[kind])) for kind in ("host", "host_metrics", "PBD", "PIF", "PIF_metrics", "pool")}
"""The record of each class that loses a field: a guest, what it rests on, a host, and what belongs to that."""
DECIDES_NOTHING = {
    "pool.cpu_info": "rules ask the hosts themselves",
    "pool.default_SR": "no disk goes there by default",
    "pool.migration_compression": "how long steps take, which is an estimate",
    "pool.name_label": "the uuid stands in its place",
    "pool.wlb_enabled": "XAPI's own load balancing does not act by itself",
    "pool.wlb_url": "where nobody is asked, it does not matter whom; else only a named server is taken for quiet",
    "VM.snapshot_of": "asked of snapshots only",
}
FIELDS = sorted(
    (kind, field)
    for kind, field in SEEN
    if kind in CUT and field in RECORDS[kind][CUT[kind]] and f"{kind}.{field}" not in DECIDES_NOTHING
)


def cut(kind: str, field: str, **instead: object) -> dict[str, dict[str, dict[str, Any]]]:
    """The records, one of class *kind* without *field*, or with something else *instead*."""
    ref = CUT[kind]
    rest = {name: value for name, value in RECORDS[kind][ref].items() if name != field}
    return {**RECORDS, kind: {**RECORDS[kind], ref: rest | instead}}


def told_of(records: dict[str, dict[str, dict[str, Any]]]) -> str:
    """What is said of the pool: why it is refused, or what is held and why."""
    try:
        held = Held(pool_from_records(records), None)
    except InventoryError as error:
        return str(error)
    return "; ".join(reason.words for reason in (*held.hosts.values(), *held.vms.values()))


def test_a_whole_pool_holds_nobody() -> None:
    """So that what follows is due to the field that is missing."""
    assert told_of(RECORDS) == ""


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_what_one_record_lacks_is_named(kind: str, field: str) -> None:
    """The pool is refused by class and field, or whatever rests on the record is held and says so."""
    told = told_of(cut(kind, field))
    by_itself = {"host.metrics": "no metrics object", "VM.metrics": "no metrics object", "host_metrics.live": "lives"}
    known = {"host_metrics.memory_total": "how much memory", "host.cpu_info": "how many CPUs"}
    known["pool.master"] = "coordinator"
    words = {"uuid": f"a {kind} has no uuid"}.get(field, (by_itself | known).get(f"{kind}.{field}", field))
    assert words in told


@pytest.mark.parametrize("key", ["cpu_count", "vendor", "features_hvm", "features_pv"])
def test_what_one_host_does_not_say_of_its_cpus_is_named(key: str) -> None:
    """While the other host of its version does."""
    info = RECORDS["host"][CUT["host"]]["cpu_info"]
    records = cut("host", "cpu_info", cpu_info={name: value for name, value in info.items() if name != key})
    assert {"cpu_count": "how many CPUs"}.get(key, key) in told_of(records)


@pytest.mark.parametrize("missing", [("platform_version",), ("platform_version", "product_version"), None])
def test_a_host_that_does_not_say_its_version_is_held(missing: tuple[str, ...] | None) -> None:
    """Not taken for 0.0.0, which everybody may leave and nobody may enter; one key, two, or all of them."""
    said = RECORDS["host"][CUT["host"]]["software_version"]
    kept = {key: value for key, value in said.items() if missing is not None and key not in missing}
    assert "platform_version" in told_of(cut("host", "software_version", software_version=kept))
    emptied = dict.fromkeys(said, "")
    assert "platform_version" in told_of(cut("host", "software_version", software_version=emptied))


def test_what_has_words_of_its_own_is_told_once() -> None:
    """Without the name of the field beside it."""
    assert told_of(cut("host_metrics", "memory_total")) == "does not say how much memory it has"


@pytest.mark.parametrize("field", ["memory_dynamic_min", "memory_overhead", "VCPUs_max"])
def test_a_vm_of_unknown_size_closes_its_host(field: str) -> None:
    """What it takes there is not known, and so is not what others find."""
    pool = pool_from_records(cut("VM", field, **{field: "lots"}))
    home = pool.vms[RECORDS["VM"][GUEST]["uuid"]].resident_on
    assert home in Held(pool, None).roomless
    assert "of unknown size" in Held(pool, None).hosts[home or ""].words


def test_a_control_domain_without_a_host_closes_the_host_without_one() -> None:
    """Its memory would be taken for free."""
    domain = next(ref for ref, vm in RECORDS["VM"].items() if vm["is_control_domain"])
    home = RECORDS["host"][RECORDS["VM"][domain]["resident_on"]]["uuid"]
    rest = {name: value for name, value in RECORDS["VM"][domain].items() if name != "resident_on"}
    pool = pool_from_records({**RECORDS, "VM": {**RECORDS["VM"], domain: rest}})
    assert Held(pool, None).hosts.keys() == {home}


def test_an_sr_of_unknown_room_receives_no_disks() -> None:
    """Nor does one with a disk of unknown size."""
    sr = RECORDS["SR"][CUT["SR"]]["uuid"]
    assert Held(pool_from_records(cut("SR", "physical_utilisation")), None).srs == {sr}
    assert Held(pool_from_records(cut("VDI", "virtual_size")), None).srs == {sr}
