from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InventoryError
from rebalancer.inventory import DANGLING, DomainType, PowerState, VBDType, pool_from_records
from rebalancer.inventory.reading.known import ALWAYS, BELONGS_TO
from rebalancer.inventory.records import CLASSES
from tests.inventory.small import small_records
from tests.inventory.spy import spied

# Younger than the data model file, or never public in it; each with the release that has it.
NEWER = {
    ("VM", "groups"): "24.19",
    ("VM_group", "uuid"): "24.19",
    ("VM_group", "name_label"): "24.19",
    ("VM_group", "placement"): "24.19",
    ("VM_group", "VMs"): "24.19",
    ("SM", "supported_image_formats"): "26.14",
    ("VIF", "reserved_pci"): "internal: in database dumps since 7.5, never on the wire",
}


def recorded(path: Path) -> dict[str, Any]:
    """The records of one recorded pool."""
    with gzip.open(path) as file:
        records: dict[str, Any] = json.load(file)["records"]
    return records


def test_every_recorded_pool_loads(shared_data: Callable[[str], Path]) -> None:
    """All recorded pools, broken ones included, become a `Pool` with every VM, host and disk, and nothing dangles."""
    files = sorted(shared_data("xapi-verdicts").glob("*.json.gz"))
    assert len(files) >= 50
    for file in files:
        records = recorded(file)
        pool = pool_from_records(records)
        assert (len(pool.vms), len(pool.hosts), len(pool.vdis)) == tuple(
            len(records[kind]) for kind in ("VM", "host", "VDI")
        ), file.name
        assert pool.dangling == (), file.name


def test_missing_metrics_are_unknown_not_zero(shared_data: Callable[[str], Path]) -> None:
    """A VM without metrics object has `metrics is None`; that is a fact of the pool, not an error."""
    pool = pool_from_records(recorded(shared_data("xapi-verdicts/no-metrics.json.gz")))
    assert any(vm.metrics is None for vm in pool.resident_guests())


def datamodel(path: Path) -> dict[str, dict[str, Any]]:
    """The public data model by class."""
    with gzip.open(path) as file:
        return {each["name"]: each for each in json.load(file)}


def fields_read(folder: Path) -> set[tuple[str, str]]:
    """All (class, field) that the readers ask for in any recorded pool."""
    seen: set[tuple[str, str]] = set()
    for file in folder.glob("*.json.gz"):
        pool_from_records(spied(recorded(file), seen))
    return seen


def test_fields_that_are_read_exist(shared_data: Callable[[str], Path]) -> None:
    """Every field that is read exists in XAPI's data model, or is listed here with the release that brought it."""
    model = datamodel(shared_data("xenapi-datamodel.json.gz"))
    known = {(kind, field["name"]) for kind, each in model.items() for field in each["fields"]}
    unknown = fields_read(shared_data("xapi-verdicts")) - known - set(NEWER)
    # `str(fields)` asks every class for a name.
    assert {pair for pair in unknown if pair[1] != "name_label"} == set()


def test_newer_fields_are_really_newer(shared_data: Callable[[str], Path]) -> None:
    """The list of newer fields holds nothing that the data model knows."""
    model = datamodel(shared_data("xenapi-datamodel.json.gz"))
    known = {(kind, field["name"]) for kind, each in model.items() for field in each["fields"]}
    assert set(NEWER) & known == set()


def test_classes_exist(shared_data: Callable[[str], Path]) -> None:
    """Every class that is read exists in the data model, `VM_group` excepted."""
    assert set(CLASSES) - set(datamodel(shared_data("xenapi-datamodel.json.gz"))) == {"VM_group"}


@pytest.mark.parametrize(
    ("kind", "enum", "ours"),
    [("VM", "vm_power_state", PowerState), ("VM", "domain_type", DomainType), ("VBD", "vbd_type", VBDType)],
)
def test_enums_agree_with_the_data_model(
    shared_data: Callable[[str], Path], kind: str, enum: str, ours: type[PowerState | DomainType | VBDType]
) -> None:
    """Our enums hold exactly the values of XAPI's."""
    model = datamodel(shared_data("xenapi-datamodel.json.gz"))
    values = next(each["values"] for each in model[kind]["enums"] if each["name"] == enum)
    assert {each.value for each in ours} == set(values)


@pytest.mark.parametrize(("host", "read"), [("H", PowerState.RUNNING), ("OpaqueRef:NULL", PowerState.HALTED)])
def test_an_unknown_power_state_is_unsaid(host: str, read: PowerState) -> None:
    """A VM in a state that nobody knows occupies the host where it is, and is said to be in none that can be read."""
    records = small_records()
    records["VM"]["V"] |= {"power_state": "Hibernating", "resident_on": host}
    vm = pool_from_records(records).vms["vm"]
    assert (vm.power_state, vm.unsaid) == (read, ("VM.power_state (it holds 'Hibernating')",))


def test_unknown_domain_type_is_unspecified() -> None:
    """A domain type of a later XAPI is read as unspecified, and noted with the VM's metrics."""
    records = small_records()
    records["VM_metrics"]["VMM"]["current_domain_type"] = "pvh2"
    pool = pool_from_records(records)
    metrics = pool.vms["vm"].metrics
    assert metrics is not None
    assert metrics.current_domain_type is DomainType.UNSPECIFIED
    assert "'pvh2'" in pool.dangling[0]


def test_unknown_drive_type_is_a_disk() -> None:
    """A drive of a kind that nobody knows counts as a disk, the strictest reading, and is noted."""
    records = small_records()
    records["VBD"]["B"]["type"] = "NVMe"
    pool = pool_from_records(records)
    assert pool.vms["vm"].vbds[0].type is VBDType.DISK
    assert "'NVMe'" in pool.dangling[0]


@pytest.mark.parametrize("field", ["VUSBs", "attached_PCIs", "VTPMs", "snapshots"])
def test_a_dangling_device_still_counts(field: str) -> None:
    """A device that the VM names, but that is gone, stays in the VM's list: XAPI refuses on it too."""
    records = small_records()
    records["VM"]["V"][field] = ["OpaqueRef:gone"]
    vm = pool_from_records(records).vms["vm"]
    lists = {"VUSBs": vm.vusbs, "attached_PCIs": vm.attached_pcis, "VTPMs": vm.vtpms, "snapshots": vm.snapshots}
    assert lists[field] == (DANGLING,)


def test_a_disk_on_a_lost_sr_dangles() -> None:
    """A disk whose SR is gone is on `DANGLING`, which no host has attached."""
    records = small_records()
    del records["SR"]["S"]
    pool = pool_from_records(records)
    assert pool.vdis["vdi"].sr == DANGLING
    assert pool.hosts["host"].attached_srs == {DANGLING}
    assert DANGLING not in pool.srs


EVERYWHERE = [(kind, field) for kind, fields in ALWAYS.items() for field in fields]


@pytest.mark.parametrize(("kind", "field"), EVERYWHERE)
def test_what_no_record_says_and_every_xapi_knows_refuses_the_pool(kind: str, field: str) -> None:
    """A field whose absence could be taken for permission, missing from a whole class, is named."""
    records = small_records()
    records.setdefault("VM_guest_metrics", {"G": {"uuid": "g", **{each: {} for each in ALWAYS["VM_guest_metrics"]}}})
    for record in records[kind].values():
        del record[field]
    with pytest.raises(InventoryError, match=f"no {kind} record has the field {field}"):
        pool_from_records(records)


@pytest.mark.parametrize(("kind", "owner"), BELONGS_TO.items())
def test_what_belongs_to_nobody_refuses_the_pool(kind: str, owner: str) -> None:
    """An interface of an unknown VM may be any VM's: nobody knows what it needs."""
    records = small_records()
    table = records.setdefault(kind, {"X": {"uuid": "x"}})
    for record in table.values():
        record.pop(owner, None)
    with pytest.raises(InventoryError, match=f"{kind} .* does not say whose it is: it has no field {owner}"):
        pool_from_records(records)


def test_what_came_later_is_missed_where_something_younger_is_there() -> None:
    """A pool that knows domain types knows USB devices as well: VMs without that field were cut."""
    records = small_records()
    assert pool_from_records(records).vms["vm"].unsaid == ()
    del records["VM"]["V"]["VUSBs"]
    assert pool_from_records(records).vms["vm"].unsaid == ("VM.VUSBs",)
    del records["VM"]["V"]["domain_type"], records["VM_metrics"]["VMM"]["current_domain_type"]
    del records["VDI"]["D"]["cbt_enabled"]
    assert pool_from_records(records).vms["vm"].unsaid == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_dynamic_min", "lots"),
        ("is_a_template", "perhaps"),
        ("VCPUs_max", "2.5"),
        ("other_config", "text"),
        ("HVM_shadow_multiplier", "nan"),
        ("current_operations", []),
    ],
)
def test_a_value_of_the_wrong_type_is_unsaid(field: str, value: object) -> None:
    """A value that is not what the field holds says nothing, and is put down with its VM."""
    records = small_records()
    records["VM"]["V"][field] = value
    assert f"VM.{field} (it holds {str(value)!r})" in pool_from_records(records).vms["vm"].unsaid


def test_a_running_vm_on_no_host_is_homeless() -> None:
    """It occupies no host of the pool, and is told apart from one that is halted."""
    records = small_records()
    records["VM"]["V"]["resident_on"] = "OpaqueRef:gone"
    pool = pool_from_records(records)
    assert ([vm.name for vm in pool.homeless()], list(pool.resident_guests())) == (["web"], [])
    records["VM"]["V"]["power_state"] = "Halted"
    assert list(pool_from_records(records).homeless()) == []


def test_a_pool_without_its_coordinator_is_refused() -> None:
    """Nothing that counts for the whole pool could be asked."""
    records = small_records()
    records["pool"]["P"]["master"] = "OpaqueRef:gone"
    with pytest.raises(InventoryError, match="the coordinator is not one of the hosts"):
        pool_from_records(records)


def test_uuids_are_unique() -> None:
    """Two hosts with one uuid, and an object without any, refuse the pool."""
    records = small_records()
    records["host"]["H2"] = records["host"]["H"]
    records["SR"]["S"] = {}
    with pytest.raises(InventoryError) as raised:
        pool_from_records(records)
    assert set(raised.value.reasons) == {"2 host records have the uuid host", "a SR has no uuid"}


@pytest.mark.parametrize("count", [0, 2])
def test_one_pool_record(count: int) -> None:
    """No pool record, or two, refuse the pool."""
    records = small_records()
    records["pool"] = {str(number): {**records["pool"]["P"], "uuid": str(number)} for number in range(count)}
    with pytest.raises(InventoryError, match=f"{count} pool records instead of one"):
        pool_from_records(records)


def test_integers_may_be_strings() -> None:
    """XML-RPC's strings and JSON's numbers give the same pool."""
    as_numbers = small_records()
    vm = as_numbers["VM"]["V"]
    as_numbers["VM"]["V"] = {key: int(value) if str(value).isdecimal() else value for key, value in vm.items()}
    assert pool_from_records(as_numbers) == pool_from_records(small_records())


def test_order_of_records_does_not_matter(shared_data: Callable[[str], Path]) -> None:
    """The same records in another order give an equal pool, in the same order."""
    records = recorded(shared_data("xapi-verdicts/random-1.json.gz"))
    backwards = {kind: dict(reversed(table.items())) for kind, table in reversed(records.items())}
    one, other = pool_from_records(records), pool_from_records(backwards)
    assert one == other
    assert list(one.vms) == list(other.vms) == sorted(one.vms)
