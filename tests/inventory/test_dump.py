from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import SnapshotError
from rebalancer.inventory import PowerState, pool_from_records
from rebalancer.inventory.dump import MAPS, SETS, records_from_dump
from rebalancer.inventory.sexpr import NotAnExpression, read_map, read_set
from rebalancer.placement import current_placement
from tests.inventory.small import small_records
from tests.inventory.spy import spied


@dataclass(frozen=True)
class Counted:
    """What was counted in the XML of one dump with ElementTree, outside this program."""

    hosts: int
    vms: int
    running: int
    templates: int
    snapshots: int
    control_domains: int
    disks: int
    srs: int
    drives: int
    interfaces: int
    product: str


DUMPS = {
    "Cowley-db": Counted(1, 73, 9, 64, 15, 1, 196, 9, 56, 27, "5.6.100"),
    "TampaTwoHostPoolSelectioniSCSI": Counted(2, 67, 6, 61, 0, 2, 12, 10, 12, 8, "6.0.50"),
    "boston-db": Counted(2, 60, 4, 56, 0, 2, 10, 8, 8, 4, "5.9.950"),
    "cowley1": Counted(2, 94, 5, 88, 1, 2, 149, 10, 17, 18, "5.6.900"),
    "tampa-db_inc_snapshots": Counted(2, 70, 4, 66, 5, 2, 18, 8, 14, 7, "6.1.0"),
    "xapidb_app": Counted(2, 66, 4, 60, 0, 2, 51, 8, 10, 8, "6.0.0"),
}


@pytest.mark.parametrize("name", DUMPS)
def test_real_dumps_hold_what_was_counted(shared_data: Callable[[str], Path], name: str) -> None:
    """Hosts, VMs by kind and state, disks, SRs, drives and interfaces of a real dump are those of its XML."""
    pool = pool_from_records(records_from_dump(shared_data(f"xapi-db/{name}.xml.gz")))
    vms = pool.vms.values()
    assert DUMPS[name] == Counted(
        hosts=len(pool.hosts),
        vms=len(vms),
        running=sum(vm.power_state is PowerState.RUNNING for vm in vms),
        templates=sum(vm.is_a_template for vm in vms),
        snapshots=sum(vm.is_a_snapshot for vm in vms),
        control_domains=sum(vm.is_control_domain for vm in vms),
        disks=len(pool.vdis),
        srs=len(pool.srs),
        drives=sum(len(vm.vbds) for vm in vms),
        interfaces=sum(len(vm.vifs) for vm in vms),
        product=pool.hosts[pool.coordinator].software_version["product_version"],
    )


@pytest.mark.parametrize("name", DUMPS)
def test_real_dumps_lack_nothing_of_their_version(shared_data: Callable[[str], Path], name: str) -> None:
    """What XenServer 5.6 to 6.1 did not know yet, such as `VM.VUSBs`, holds nobody of a real dump."""
    pool = pool_from_records(records_from_dump(shared_data(f"xapi-db/{name}.xml.gz")))
    assert {host.unsaid for host in pool.hosts.values()} == {()}
    assert {vm.unsaid for vm in pool.vms.values()} == {()}
    assert {vdi.unsaid for vdi in pool.vdis.values()} == {()}


@pytest.mark.parametrize("name", DUMPS)
def test_only_guests_can_be_placed(shared_data: Callable[[str], Path], name: str) -> None:
    """No template, snapshot or control domain of a real dump is a guest or has a place."""
    pool = pool_from_records(records_from_dump(shared_data(f"xapi-db/{name}.xml.gz")))
    counted = DUMPS[name]
    others = {vm.uuid for vm in pool.vms.values() if vm.is_a_template or vm.is_a_snapshot or vm.is_control_domain}
    assert not others & {vm.uuid for vm in pool.guests()}
    assert not others & set(current_placement(pool))
    assert len(current_placement(pool)) == counted.running - counted.control_domains


@pytest.mark.parametrize(
    ("name", "dangling"),
    [
        ("Cowley-db", ("VDI SCOM installation names a VDI that is not in the database",)),
        ("tampa-db_inc_snapshots", ("VDI Suspend image names a VDI that is not in the database",)),
        ("xapidb_app", ()),
    ],
)
def test_dangling_references_are_told(shared_data: Callable[[str], Path], name: str, dangling: tuple[str, ...]) -> None:
    """A reference of a real database that leads nowhere is told in a sentence and does not stop the reading."""
    assert pool_from_records(records_from_dump(shared_data(f"xapi-db/{name}.xml.gz"))).dangling == dangling


def test_relations_are_completed(shared_data: Callable[[str], Path]) -> None:
    """XenServer 5.6 writes neither `network.PIFs` nor `VM.snapshots`: both are found from their other side."""
    pool = pool_from_records(records_from_dump(shared_data("xapi-db/Cowley-db.xml.gz")))
    assert sum(len(vm.snapshots) for vm in pool.vms.values()) == 15
    assert sum(len(network.pifs) for network in pool.networks.values()) == 3


def test_white_space_comes_back(shared_data: Callable[[str], Path]) -> None:
    """`%_` is two spaces: the model name of a real CPU has its eleven spaces again."""
    pool = pool_from_records(records_from_dump(shared_data("xapi-db/Cowley-db.xml.gz")))
    assert pool.hosts[pool.coordinator].cpu_info["modelname"] == "Intel(R) Xeon(R) CPU           X5650  @ 2.67GHz"


def test_sets_and_maps_agree_with_the_data_model(shared_data: Callable[[str], Path]) -> None:
    """A field that the inventory reads is in MAPS or SETS exactly if the data model says that it is a map or a set."""
    with gzip.open(shared_data("xenapi-datamodel.json.gz")) as file:
        model = {each["name"]: {field["name"]: field["type"] for field in each["fields"]} for each in json.load(file)}
    seen: set[tuple[str, str]] = set()
    for recorded in shared_data("xapi-verdicts").glob("*.json.gz"):
        with gzip.open(recorded) as file:
            pool_from_records(spied(json.load(file)["records"], seen))
    types = [(field, model[kind][field]) for kind, field in seen if field in model.get(kind, {})]
    assert {field for field, kind in types if kind.endswith(" map")} == MAPS
    assert {field for field, kind in types if kind.endswith(" set")} == SETS - {
        "groups",
        "VMs",
        "supported_image_formats",
    }


ROW = '<row ref="OpaqueRef:1" uuid="u" name_label="a%.b%%" tags="(\'x\')"/>'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is not XML"),
        (b"<database><table name='pool'>", "it is not XML, or only a part of it"),
        (b"<xport/>", "it is a <xport> document, not a database dump"),
        (b"{}", "it is not XML"),
        (b"<database/>", "it holds no pool"),
        (b"<!DOCTYPE database [<!ENTITY a 'b'>]><database/>", "it declares a document type"),
        (
            b"<database><table name='pool'><row ref='P' uuid='u' tags=\"('x'\"/></table></database>",
            "dump.xml, pool u: tags is a broken set: \"('x'\".",
        ),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    """A file that is no dump is refused with its name, what is wrong with it and the fix."""
    path = tmp_path / "dump.xml"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        records_from_dump(path)
    assert str(raised.value).startswith(str(path))
    assert problem in str(raised.value)
    assert "xe pool-dump-database" in str(raised.value)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    """Half a gzip file is a `SnapshotError`, and so is a file that is not there."""
    path = tmp_path / "dump.xml.gz"
    path.write_bytes(gzip.compress(b"<database/>" * 1000)[:-10])
    with pytest.raises(SnapshotError, match="it is not a whole gzip file"):
        records_from_dump(path)
    with pytest.raises(SnapshotError, match="it cannot be read"):
        records_from_dump(tmp_path / "absent.xml")


def test_a_row_is_a_record(tmp_path: Path) -> None:
    """Escapes are undone, `__` becomes `_`, inner fields are left out, sets become lists."""
    path = tmp_path / "dump.xml"
    path.write_text(f'<database><table name="pool">{ROW}</table></database>')
    assert records_from_dump(path)["pool"] == {
        "OpaqueRef:1": {"uuid": "u", "name_label": "a b%", "tags": ["x"]},
    }


def escaped(text: str) -> str:
    """A string as XAPI writes it into an s-expression."""
    return "'" + "".join(f"\\{each}" if each in "\\\"'" else each for each in text) + "'"


@given(st.dictionaries(st.text(), st.text()))
def test_maps_come_back(mapping: dict[str, str]) -> None:
    """Any map from text to text survives being written as XAPI writes it."""
    written = " ".join(f"({escaped(key)} {escaped(value)})" for key, value in mapping.items())
    assert read_map(f"({written})") == mapping


@given(st.lists(st.text()))
def test_sets_come_back(members: list[str]) -> None:
    """Any set of texts survives being written as XAPI writes it."""
    assert read_set(f"({' '.join(map(escaped, members))})") == members


@pytest.mark.parametrize(
    "text", ["", "()()", "('a'", "'a'", "('a' ('b'))", "(a)", "('a') x", "(('a' 'b' 'c'))", "((('a' 'b')))"]
)
def test_broken_expressions_are_refused(text: str) -> None:
    """What is neither a set nor a map is refused by both readers."""
    with pytest.raises(NotAnExpression):
        read_map(text)
    with pytest.raises(NotAnExpression):
        read_set(text)


def test_small_pool_loads() -> None:
    """The smallest pool that the other tests change is whole."""
    assert pool_from_records(small_records()).dangling == ()
