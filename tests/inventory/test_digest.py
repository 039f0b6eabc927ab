from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import rebalancer
from rebalancer.inventory import VM, GuestMetrics, Network, Pool, VMMetrics, pool_from_records
from rebalancer.inventory.digest import (
    KEYS_READ,
    KINDS,
    LEFT_OUT,
    NAMES,
    WISHES,
    digest_form,
    inventory_digest,
    of_one_form,
)
from rebalancer.inventory.renaming import names_in, renamings
from rebalancer.units import GIB
from tests.inventory.changed import rich_pool, with_changed
from tests.inventory.small import small_records
from tests.pools import make_pool

PACKAGE = Path(rebalancer.__file__).parent


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
    records["VM_guest_metrics"] = {
        "G": {"uuid": "g", "networks": networks, "PV_drivers_version": {}, "os_version": {}, "other": {}}
    }
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
    for table in (NAMES, WISHES, LEFT_OUT):
        for kind, names in table.items():
            assert names <= set(kind.__slots__)  # type: ignore[attr-defined]
    assert set(KEYS_READ) == {"other", "other_config"}


BY_PART = {(Pool, "vms"), (Pool, "vdis"), (VM, "affinity"), (VMMetrics, "memory_actual_bytes")}
"""Fields of which a part counts, see the tests of that part."""


PLAIN = [
    (kind, field.name)
    for kind in KINDS
    for field in fields(kind)
    if not {each.__name__ for each in KINDS} & set(re.findall(r"\w+", str(field.type)))
    if (kind, field.name) not in BY_PART and field.name not in KEYS_READ
]
"""Every field of every class of an inventory that holds no object of such a class."""


@pytest.mark.parametrize(("kind", "name"), PLAIN, ids=lambda each: getattr(each, "__name__", each))
def test_each_field_decides_or_is_told_or_is_nothing(kind: type, name: str) -> None:
    """Docs/plan.md lists which; a field that is in no list decides."""
    pool = rich_pool()
    changed = with_changed(pool, kind, name)
    assert changed != pool
    decides = not any(name in table.get(kind, ()) for table in (NAMES, WISHES, LEFT_OUT))
    assert (inventory_digest(changed) != inventory_digest(pool)) is decides
    named = name in NAMES.get(kind, ())
    assert bool(list(renamings(changed, names_in(pool, ["full"])))) is named


def test_notes_do_not_count_and_keys_that_rules_read_do() -> None:
    """In `other_config` and what guests report, a key of somebody's own is nothing."""
    pool = rich_pool()
    for kind, name in ((Network, "other_config"), (VM, "other_config"), (Pool, "other_config")):
        assert inventory_digest(with_changed(pool, kind, name)) == inventory_digest(pool)
    assert inventory_digest(with_changed(pool, GuestMetrics, "other")) != inventory_digest(pool)


def test_the_affinity_of_a_control_domain_counts_and_that_of_a_guest_is_a_wish() -> None:
    """Where dom0 runs is where it belongs; where a VM starts is the policy's business."""
    pool = rich_pool()
    for vm, counts in (("full", False), ("dom0-h1", True)):
        moved = replace(pool, vms={**pool.vms, vm: replace(pool.vms[vm], affinity="h2")})
        assert (inventory_digest(moved) != inventory_digest(pool)) is counts


def test_digests_of_two_forms_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that reads other fields writes digests that say nothing of ours, and the other way round."""
    ours = inventory_digest(rich_pool())
    assert of_one_form(ours, inventory_digest(make_pool()))
    monkeypatch.setitem(KEYS_READ, "other_config", frozenset())
    digest_form.cache_clear()
    theirs = inventory_digest(rich_pool())
    monkeypatch.undo()
    digest_form.cache_clear()
    assert not of_one_form(ours, theirs)
    assert not of_one_form(ours, "0" * 64)


ROOMS_THAT_DECIDE = ("rules", "objectives", "order", "schedule", "solve", "describe", "undo")


def test_what_is_left_out_is_read_by_nothing_that_decides() -> None:
    """Nothing that decides reads a field that is left out, but what changes all the time and what tells a fix."""
    measured = {"physical_utilisation_bytes", "memory_actual_bytes", "networks", "other_config", "vms", "vdis"}
    fixes_only = {"ghost_operations"}
    read = {
        node.attr
        for room in ROOMS_THAT_DECIDE
        for path in (PACKAGE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    left_out = set[str]().union(*LEFT_OUT.values())
    assert read & (left_out - measured - fixes_only - {"dangling", "tags"}) == set()


def test_the_docs_say_of_each_field_what_a_change_of_it_does() -> None:
    """The table in docs/plan.md lists what is told, what the policy reads and what is nothing, class by class."""
    page = (PACKAGE.parent / "docs" / "plan.md").read_text()
    for kind in KINDS:
        cells = (sorted(table.get(kind, ())) for table in (NAMES, WISHES, LEFT_OUT))
        told = " | ".join(", ".join(f"`{name}`" for name in names) for names in cells)
        if told.strip(" |"):
            assert f"| {kind.__name__} | {told} |" in page
