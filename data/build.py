"""Makes the files that the simulator carries, from the recorded facts and traces beside the checkout.

    python data/build.py schema        rebalancer/simulator/schema.json      from xenapi-datamodel.json.gz
    python data/build.py load-model    rebalancer/simulator/load-model.json  from the traces
    python data/build.py demo-pool     data/demo-pool.json.gz                from nothing but its seed
    python data/build.py demo-traces   data/demo-snapshot.json.gz, data/demo-traces.csv.gz, likewise

The first two need ../shared/data; the others do not. Same input, same bytes.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from rebalancer.inventory import pool_from_records
from rebalancer.simulator import SimulatedPool, demo_pool, generate_pool, save_pool
from rebalancer.snapshot import Snapshot, write_snapshot

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
PACKAGE = ROOT / "rebalancer" / "simulator"

# The demo's pool, but for the days of its load, which begins on a Thursday.
DEMO: dict[str, Any] = {
    "hosts": 5,
    "vms": 45,
    "seed": 7,
    "fill": 0.65,
    "hot": 0.6,
    "pinned": 0.16,
    "cpus": 16,
    "largest_gib": 16,
}
TRACED_FROM = datetime(2026, 11, 5, tzinfo=UTC)
TRACED_DAYS = 14

# A VM has a rhythm when its busiest hour of the day is this many times its mean, over four weeks.
RHYTHMIC = 1.3

GENERIC = {"get_all", "get_all_records", "get_record", "get_by_uuid", "get_by_name_label"}

# From the most privileged down.
ROLES = ("pool-admin", "pool-operator", "vm-power-admin", "vm-admin", "vm-operator", "client-cert", "read-only")

# How many parameters at the end of a call may be left out: those with a param_default in xapi's datamodel, which the
# recorded data model does not have.
OPTIONAL: dict[str, dict[str, int]] = {
    "VM": {"assert_can_migrate": 1, "migrate_send": 1, "snapshot": 1, "create_new_blob": 1},
    "host": {
        "evacuate": 2,
        "create_new_blob": 1,
        "emergency_ha_disable": 1,
        "install_server_certificate": 1,
        "disable_external_auth": 1,
        "apply_edition": 1,
    },
    "pool": {"create_new_blob": 1, "disable_external_auth": 1},
    "SR": {"create": 1, "make": 1, "introduce": 1, "probe": 1, "create_new_blob": 1},
    "VDI": {"snapshot": 1, "clone": 1, "copy": 3},
    "VIF": {"configure_ipv4": 2, "configure_ipv6": 2},
    "VGPU": {"create": 3},
    "VUSB": {"create": 1},
    "GPU_group": {"create": 3},
    "USB_group": {"create": 3},
    "SDN_controller": {"introduce": 3},
    "Bond": {"create": 2},
    "tunnel": {"create": 1},
    "network": {"create_new_blob": 1},
    "blob": {"create": 1},
}

# Classes and fields that XAPI 26 sends and the recorded data model, older than it, does not know.
NEWER: dict[str, dict[str, str]] = {
    "VM": {"groups": "VM_group ref set", "secureboot_certificates_state": "string"},
    "VM_group": {
        "uuid": "string",
        "name_label": "string",
        "name_description": "string",
        "placement": "string",
        "VMs": "VM ref set",
    },
    "VM_metrics": {"numa_optimised": "bool", "numa_nodes": "int", "numa_node_memory": "(int -> int) map"},
    "VM_guest_metrics": {"netbios_name": "(string -> string) map", "services": "(string -> string) map"},
    "VIF": {"trunks": "int set"},
    "SM": {"supported_image_formats": "string set"},
    "PCI": dict.fromkeys(
        ["class_id", "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id"], "string"
    ),
    "host": {
        **dict.fromkeys(["max_cstate", "ntp_mode", "timezone"], "string"),
        **dict.fromkeys(["secure_boot", "ssh_auto_mode", "ssh_enabled"], "bool"),
        "ntp_custom_servers": "string set",
        **dict.fromkeys(["console_idle_timeout", "ssh_enabled_timeout"], "int"),
        "ssh_expiry": "datetime",
    },
    "pool": {
        **dict.fromkeys(["ext_auth_cache_expiry", "ext_auth_cache_size", "vm_console_idle_timeout"], "int"),
        "license_server": "(string -> string) map",
        **dict.fromkeys(
            [
                "auto_update_vm_secureboot_certificates",
                "ext_auth_cache_enabled",
                "ha_reboot_vm_on_internal_shutdown",
                "limit_console_sessions",
            ],
            "bool",
        ),
        "recommendations": "(string -> string) map",
    },
}


def wire_type(text: str) -> str:
    """The type of a field without the names of its enums, which are strings on the wire."""
    return re.sub(r"enum \w+", "string", text)


def schema() -> None:
    """Write what every class has: {class: {fields: {name: type}, calls: {name: [..]}, generic: [..], roles: {..}}}.

    Under `roles` stand the calls that not every role may make, each with the roles that may, under `optional` those
    whose last parameters may be left out, each with how many.
    """
    model = json.loads(gzip.decompress((SHARED / "xenapi-datamodel.json.gz").read_bytes()))
    classes: dict[str, dict[str, Any]] = {}
    for entry in model:
        fields = {field["name"]: wire_type(field["type"]) for field in entry["fields"]}
        calls = {
            message["name"]: [*(wire_type(p["type"]) for p in message["params"]), wire_type(message["result"][0])]
            for message in entry["messages"]
            if message["name"] not in GENERIC and message["name"].removeprefix("get_") not in fields
        }
        generic = sorted(GENERIC & {message["name"] for message in entry["messages"]})
        roles = {
            message["name"]: " ".join(role for role in ROLES if role in message["roles"])
            for message in entry["messages"]
            if set(message["roles"]) != set(ROLES)
        }
        classes[entry["name"]] = {"fields": fields, "calls": calls, "generic": generic, "roles": roles}
        classes[entry["name"]]["optional"] = OPTIONAL.get(entry["name"], {})
    for name, fields in NEWER.items():
        known = classes.setdefault(
            name, {"fields": {}, "calls": {}, "generic": sorted(GENERIC), "roles": {}, "optional": {}}
        )
        known["fields"].update(fields)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(classes[name], sort_keys=True)}" for name in sorted(classes))
    (PACKAGE / "schema.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def hourly_shapes(count: int, seed: int) -> np.ndarray:
    """Days of hourly CPU shares from PlanetLab, array [count, 24] in 0..1, busy days first choice."""
    days = np.load(SHARED / "traces" / "planetlab.npz")["cpu_pct"].reshape(-1, 24, 12).mean(axis=2) / 100.0
    chosen = np.random.default_rng(seed).choice(len(days), size=count, replace=False)
    return np.asarray(days[np.sort(chosen)])


def load_model() -> None:
    """Write the figures that `rebalancer.simulator.generate.loads` draws from."""
    shapes = hourly_shapes(4000, 1)
    mean = shapes.mean(axis=1)
    swing = shapes.std(axis=1) / np.maximum(mean, 0.01)
    residue = np.diff(shapes, axis=1).std(axis=1) / np.maximum(mean, 0.01)
    azure = np.load(SHARED / "traces" / "azure_v1_avg_100.npz")["cpu_pct_x100"][:, : 27 * 288] / 10000.0
    hours = azure.reshape(100, 27, 24, 12).mean(axis=3)
    daily = hours.mean(axis=1)
    daily = daily / daily.mean(axis=1, keepdims=True)
    rhythmic = daily[daily.max(axis=1) > RHYTHMIC]
    shape = np.array([np.roll(row, -int(row.argmax())) for row in rhythmic]).mean(axis=0)
    quantiles = np.linspace(0.0, 1.0, 21)
    model = {
        "source": "PlanetLab (CoMon, CloudSim): level, swing, noise; Azure Public Dataset V1: the shape of a day",
        "mean_share_quantiles": np.quantile(mean, quantiles).round(4).tolist(),
        "swing_quantiles": np.quantile(swing, quantiles).round(4).tolist(),
        "noise_quantiles": np.quantile(residue, quantiles).round(4).tolist(),
        "day_after_peak": (shape / shape.mean()).round(4).tolist(),
    }
    (PACKAGE / "load-model.json").write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def make_demo_pool() -> None:
    """Write the demo's pool, so that it can be looked at and served as a file."""
    save_pool(demo_pool(), ROOT / "data" / "demo-pool.json.gz")


def demo_traces(days: int) -> str:
    """So many days of CPU of the demo's pool, one hour a row, as `rebalancer replay --traces` reads them.

    The hosts' rows hold their VMs, where these are in that pool.
    """
    pool = generate_pool(**DEMO, days=days)
    guests = {vm["uuid"]: pool.records["host"][vm["resident_on"]]["uuid"] for vm in _running(pool)}
    rows = ["vm_uuid,host_uuid,time,pcpu"]
    for step in range(days * 24):
        time = (TRACED_FROM + timedelta(hours=step)).isoformat().replace("+00:00", "Z")
        whole = {host: series[step] or 0.0 for host, series in pool.host_load.items()}
        for vm, host in guests.items():
            used = pool.load[vm][step] or 0.0
            whole[host] += used
            rows.append(f"{vm},,{time},{used:.2f}")
        rows += [f",{host},{time},{used:.2f}" for host, used in whole.items()]
    return "\n".join(rows) + "\n"


def _running(pool: SimulatedPool) -> list[dict[str, Any]]:
    return [vm for vm in pool.records["VM"].values() if vm["uuid"] in pool.load]


def make_demo_traces() -> None:
    """Write the demo's pool as a snapshot without metrics, and two weeks of traces that go with it."""
    content = gzip.compress(demo_traces(TRACED_DAYS).encode(), mtime=0)
    (ROOT / "data" / "demo-traces.csv.gz").write_bytes(content)
    pool = pool_from_records(demo_pool().records)
    snapshot = Snapshot(pool=pool, demand=None, taken_at=TRACED_FROM, source="data/build.py")
    write_snapshot(snapshot, ROOT / "data" / "demo-snapshot.json.gz")


def main() -> None:
    """Make the one file that is asked for."""
    commands: dict[str, Callable[[], None]] = {
        "schema": schema,
        "load-model": load_model,
        "demo-pool": make_demo_pool,
        "demo-traces": make_demo_traces,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in commands:  # noqa: PLR2004 - the program and one word
        sys.exit(f"usage: python data/build.py {'|'.join(commands)}")
    commands[sys.argv[1]]()


if __name__ == "__main__":
    main()
