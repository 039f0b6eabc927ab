"""Checks of the simulated XAPI that depend on one thing, tried on a generated pool."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.simulator import SimulatedPool
from rebalancer.simulator.checks import gpus, migration
from rebalancer.simulator.state.database import Database
from tests.simulator.asked import verdict


@pytest.fixture
def database(small_pool: SimulatedPool) -> Database:
    """The small pool with a running VM that has an NVIDIA vGPU, and hosts without cards."""
    records: dict[str, Any] = small_pool.records
    return Database(records | {"GPU_group": {}, "PGPU": {}, "VGPU": {}, "VGPU_type": {}})


def host_of(database: Database) -> str:
    """Any host."""
    return next(ref for ref, _ in database.items("host"))


@pytest.mark.parametrize(
    ("operations", "named"),
    [
        ({"t1": "vm_start", "t2": "vm_migrate"}, None),
        ({"t1": "vm_start", "t2": "shutdown"}, ["shutdown", "t2"]),
        ({"t1": "reboot", "t2": "evacuate"}, ["evacuate", "t2"]),
        ({"t1": "evacuate", "t2": "reboot"}, ["evacuate", "t1"]),
    ],
)
def test_one_operation_of_a_host_is_named(
    database: Database, operations: dict[str, str], named: list[str] | None
) -> None:
    """Of several the one that empties the host, with its own task; others are in nobody's way."""
    host = host_of(database)
    database.change("host", host, current_operations=operations)
    said = verdict(lambda: migration.assert_target_free(database, host))
    assert said == ("ok" if named is None else ["OTHER_OPERATION_IN_PROGRESS", "host", host, *named])


@pytest.mark.parametrize(
    ("cards", "kind", "state", "code"),
    [
        (["mute", "tells"], "nvidia", "Running", "NVIDIA_TOOLS_ERROR"),
        (["tells", "mute"], "nvidia", "Running", "ok"),
        (["other", "tells"], "nvidia_sriov", "Suspended", "ok"),
        (["other"], "nvidia", "Running", "VM_REQUIRES_GPU"),
        (["mute"], "nvidia", "Halted", "ok"),
        (["mute"], "gvt_g", "Running", "ok"),
    ],
)
def test_first_card_of_the_hardware_is_asked(
    database: Database, cards: list[str], kind: str, state: str, code: str
) -> None:
    """The first in the host's own order whose group has the same hardware, whatever group it is in."""
    host, vm = host_of(database), next(ref for ref, vm in database.items("VM") if vm["power_state"] == "Running")
    for name, types in {"ours": ["a", "b"], "mute": ["b", "a"], "tells": ["a", "b"], "other": ["a"]}.items():
        metadata = {} if name == "mute" else {"nvidia": "525"}
        database.add("GPU_group", {"GPU_types": types}, ref=f"group-{name}")
        database.add("PGPU", {"GPU_group": f"group-{name}", "compatibility_metadata": metadata}, ref=name)
    database.add("VGPU_type", {"implementation": kind}, ref="kind")
    database.add("VGPU", {"type": "kind", "GPU_group": "group-ours"}, ref="vgpu")
    database.change("host", host, PGPUs=cards)
    database.change("VM", vm, VGPUs=["vgpu"], power_state=state)
    said = verdict(lambda: gpus.assert_first_cards_answer(database, vm, database, host))
    assert said == "ok" if code == "ok" else said[0] == code
