from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebalancer.inventory import pool_from_records
from rebalancer.inventory.digest import KEYS_READ, LEFT_OUT, inventory_digest
from rebalancer.units import GIB
from tests.inventory.small import small_records


def digest_with(kind: str, ref: str, **changes: object) -> str:
    """The digest of the small pool with some fields of one object changed."""
    records = small_records()
    records[kind][ref].update(changes)
    return inventory_digest(pool_from_records(records))


UNCHANGED = inventory_digest(pool_from_records(small_records()))


@pytest.mark.parametrize(
    ("kind", "ref", "changes"),
    [
        ("VM", "V", {"memory_dynamic_min": str(GIB - 1)}),
        ("VM", "V", {"tags": ["rebalancer:never-move"]}),
        ("VM", "V", {"blocked_operations": {"pool_migrate": ""}}),
        ("VM", "V", {"current_operations": {"T": "snapshot"}}),
        ("VM", "V", {"power_state": "Paused"}),
        ("VM", "V", {"other_config": {"pci": "0/0000:01:00.0"}}),
        ("VM_metrics", "VMM", {"memory_actual": str(2 * GIB)}),
        ("VM_metrics", "VMM", {"nomigrate": True}),
        ("host", "H", {"enabled": False}),
        ("host_metrics", "HM", {"live": False}),
        ("PBD", "PBD", {"currently_attached": False}),
        ("VDI", "D", {"on_boot": "reset"}),
        ("VDI", "D", {"missing": True}),
        ("PBD", "PBD", {"device_config": {"preferred-image-formats": "vhd"}}),
        ("SR", "S", {"sm_config": {"allocation": "thin"}}),
        ("SR", "S", {"shared": False}),
        ("pool", "P", {"ha_enabled": True}),
        ("pool", "P", {"other_config": {"rolling_upgrade_in_progress": "master"}}),
    ],
)
def test_what_rules_read_changes_it(kind: str, ref: str, changes: dict[str, Any]) -> None:
    """A change of anything that some rule reads changes the digest."""
    assert digest_with(kind, ref, **changes) != UNCHANGED


@pytest.mark.parametrize(
    ("kind", "ref", "changes"),
    [
        ("VM_metrics", "VMM", {"memory_actual": str(GIB - 4096)}),
        ("VM_metrics", "VMM", {"start_time": "20261101T00:00:00Z"}),
        ("VM", "V", {"other_config": {"last_shutdown_time": "20261101T00:00:00Z"}}),
        ("host", "H", {"other_config": {"boot_time": "1"}}),
        ("SR", "S", {"physical_utilisation": "1"}),
        ("SR", "S", {"sm_config": {"allocation": "thick"}}),
        ("VDI", "D", {"missing": False}),
        ("PBD", "PBD", {"device_config": {"server": "192.0.2.9", "preferred-image-formats": ""}}),
        ("VDI", "D", {"physical_utilisation": "1"}),
        ("pool", "P", {"other_config": {"xo:clientInfo:1": "now"}}),
    ],
)
def test_what_changes_by_itself_does_not(kind: str, ref: str, changes: dict[str, Any]) -> None:
    """Measured memory within its range, uptime, used space and the notes of tools leave the digest alone."""
    assert digest_with(kind, ref, **changes) == UNCHANGED


def digest_of_guest(networks: dict[str, str]) -> str:
    """The digest of the small pool whose guest reports these addresses."""
    records = small_records()
    records["VM_guest_metrics"] = {"G": {"uuid": "g", "networks": networks, "os_version": {}, "other": {}}}
    records["VM"]["V"]["guest_metrics"] = "G"
    return inventory_digest(pool_from_records(records))


def test_whether_a_guest_uses_ipv6_counts_and_which_address_does_not() -> None:
    """A rule asks whether there is an IPv6 address; none asks which."""
    without = digest_of_guest({"0/ip": "10.0.0.8"})
    assert digest_of_guest({"0/ip": "10.0.0.9"}) == without
    assert digest_of_guest({"0/ipv6/0": "fd00::1"}) == digest_of_guest({"0/ipv6/0": "fd00::2"}) != without


def test_templates_do_not_count_and_control_domains_do() -> None:
    """A new template leaves the digest alone; a control domain on the host, which takes memory, does not."""
    template, control = small_records(), small_records()
    vm = template["VM"]["V"]
    template["VM"]["T"] = {**vm, "uuid": "t", "is_a_template": True, "power_state": "Halted", "resident_on": ""}
    control["VM"]["C"] = {**vm, "uuid": "c", "is_control_domain": True}
    assert inventory_digest(pool_from_records(template)) == UNCHANGED
    assert inventory_digest(pool_from_records(control)) != UNCHANGED


def test_digest_does_not_depend_on_refs(shared_data: Callable[[str], Path]) -> None:
    """The same pool under other refs and in another order has the same digest: refs are not part of it."""
    with gzip.open(shared_data("xapi-verdicts/random-1.json.gz"), "rt") as file:
        text = json.dumps(json.load(file)["records"])
    renamed = text.replace("OpaqueRef:", "OpaqueRef:x").replace("OpaqueRef:xNULL", "OpaqueRef:NULL")
    backwards = {kind: dict(reversed(table.items())) for kind, table in json.loads(renamed).items()}
    assert inventory_digest(pool_from_records(json.loads(text))) == inventory_digest(pool_from_records(backwards))


def test_left_out_names_real_fields() -> None:
    """Everything that is left out is a field of its class, so that a renamed field cannot slip back in unseen."""
    for kind, names in LEFT_OUT.items():
        assert names <= set(kind.__slots__)  # type: ignore[attr-defined]
    assert set(KEYS_READ) == {"other", "other_config"}
