"""Virtual functions and USB devices: found by where they sit, because xapi keeps the plain answer to itself."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.inventory import DANGLING, pool_from_records
from tests.inventory.small import Mutable, small_records

NULL = "OpaqueRef:NULL"


def function(number: int, *, bus: str = "86", host: str = "H", vendor: str = "Mellanox") -> dict[str, Any]:
    """A PCI device on a bus."""
    return {
        "uuid": f"pci-{bus}-{number}",
        "host": host,
        "pci_id": f"0000:{bus}:{number:02}.0",
        "vendor_name": vendor,
    }


def with_card() -> Mutable:
    """The small pool with an SR-IOV network on a card with three virtual functions."""
    records = small_records()
    records["PIF"] |= {
        "PF": {
            "uuid": "pf",
            "host": "H",
            "network": "N",
            "bond_slave_of": NULL,
            "PCI": "F0",
            "sriov_logical_PIF_of": [],
        },
        "L": {
            "uuid": "logical",
            "host": "H",
            "network": "N2",
            "bond_slave_of": NULL,
            "PCI": "F0",
            "sriov_logical_PIF_of": ["S"],
        },
    }
    records["network"]["N2"] = {"uuid": "fast", "name_label": "fast", "PIFs": ["L"]}
    records["network_sriov"] = {"S": {"uuid": "sriov", "physical_PIF": "PF", "logical_PIF": "L"}}
    records["PCI"] = {f"F{number}": function(number) for number in range(4)}
    return records


def free(records: Mutable) -> dict[str, int | None]:
    """Free virtual functions behind each interface of the host."""
    pool = pool_from_records(records)
    return {pif.uuid: pif.free_virtual_functions for pif in pool.hosts["host"].pifs}


def test_functions_on_the_bus_of_the_card_are_counted() -> None:
    """The three devices beside the physical function; interfaces without SR-IOV have none to count."""
    assert free(with_card()) == {"pif": None, "pf": None, "logical": 3}


@pytest.mark.parametrize(
    "other", [function(9, bus="87"), function(9, host="elsewhere"), function(9, vendor="somebody else")]
)
def test_other_devices_are_not_counted(other: dict[str, Any]) -> None:
    """Another bus, another host, another maker."""
    records = with_card()
    records["PCI"]["X"] = other
    assert free(records)["logical"] == 3


def test_functions_that_somebody_has_are_not_free() -> None:
    """Neither one that is attached to a VM nor one that is reserved for an interface."""
    records = with_card()
    records["VM"]["V"]["attached_PCIs"] = ["F1"]
    records["VIF"]["F"]["reserved_pci"] = "F2"
    assert free(records)["logical"] == 1


def test_shared_bus_counts_for_nobody() -> None:
    """With two physical functions on one bus nobody can tell whose the others are."""
    records = with_card()
    records["PIF"]["PF2"] = {"uuid": "pf2", "host": "H", "network": "N", "bond_slave_of": NULL, "PCI": "F3"}
    assert free(records)["logical"] == 0


def test_card_that_is_not_in_the_database_has_nothing_free() -> None:
    """An SR-IOV network whose card is unknown permits nothing."""
    records = with_card()
    del records["PCI"]["F0"]
    assert free(records)["logical"] == 0


def test_vlan_on_an_sriov_network_counts_its_card() -> None:
    """A VLAN on the logical interface hands out the same functions."""
    records = with_card()
    records["VLAN"] = {"VL": {"uuid": "vlan", "tagged_PIF": "L", "untagged_PIF": "U"}}
    records["PIF"]["U"] = {
        "uuid": "vlan-pif",
        "host": "H",
        "network": "N",
        "bond_slave_of": NULL,
        "VLAN": "7",
        "VLAN_master_of": "VL",
    }
    assert free(records)["vlan-pif"] == 3


def test_usb_devices_are_where_their_group_has_them() -> None:
    """The first device of the group tells the host; without one nobody knows."""
    records = small_records()
    records["VUSB"] = {"U": {"uuid": "vusb", "VM": "V", "USB_group": "G"}}
    records["USB_group"] = {"G": {"uuid": "group", "PUSBs": ["P"]}}
    records["PUSB"] = {"P": {"uuid": "pusb", "host": "H", "USB_group": "G"}}
    assert pool_from_records(records).vms["vm"].usb_hosts == ("host",)
    records["USB_group"]["G"]["PUSBs"] = []
    assert pool_from_records(records).vms["vm"].usb_hosts == (DANGLING,)


def with_gpus() -> Mutable:
    """The small pool with a virtual GPU, whose group and two cards are of one kind of hardware."""
    records = small_records()
    records["GPU_group"] = {
        "G1": {"uuid": "group1", "GPU_types": ["10de/2", "10de/1"]},
        "G2": {"uuid": "group2", "GPU_types": ["10de/1", "10de/2"]},
    }
    card = {"host": "H", "PCI": NULL, "supported_VGPU_max_capacities": {}}
    records["PGPU"] = {"A": card | {"uuid": "a", "GPU_group": "G1"}, "Z": card | {"uuid": "z", "GPU_group": "G2"}}
    records["VGPU"] = {"V": {"uuid": "vgpu", "VM": "V", "type": NULL, "GPU_group": "G1", "resident_on": NULL}}
    return records


@pytest.mark.parametrize(
    ("listed", "order"), [({"PGPUs": ["Z", "A"]}, ["z", "a"]), ({"PGPUs": ["Z"]}, ["z", "a"]), ({}, ["a", "z"])]
)
def test_cards_come_in_the_order_of_their_host(listed: dict[str, list[str]], order: list[str]) -> None:
    """XAPI takes the first that will do; a dump that lists none has them by uuid."""
    records = with_gpus()
    records["host"]["H"] |= listed
    assert [card.uuid for card in pool_from_records(records).hosts["host"].pgpus] == order


def test_hardware_of_a_gpu_group_is_a_set() -> None:
    """Two groups of the same hardware, listed in whatever order, are of one kind; one that is lost has none."""
    records = with_gpus()
    records["VGPU"]["W"] = records["VGPU"]["V"] | {"uuid": "lost", "GPU_group": "nowhere"}
    pool = pool_from_records(records)
    kind = ("10de/1", "10de/2")
    assert {card.gpu_types for card in pool.hosts["host"].pgpus} == {kind}
    assert {vgpu.uuid: vgpu.gpu_types for vgpu in pool.vms["vm"].vgpus} == {"vgpu": kind, "lost": ()}
