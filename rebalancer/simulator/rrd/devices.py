"""What the cards and disks of hosts and VMs measure, in proportion to how busy their VMs are."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.state.world import World

Array = NDArray[np.float64]
# What one busy pCPU reads, writes, receives and sends in a second: bytes, and bytes a request.
READ, WRITTEN, RECEIVED, SENT = 2.0e5, 5.0e5, 3.0e5, 4.0e5
A_REQUEST = 16384.0
MIB = 1 << 20
# Microseconds that a request takes.
LATENCY = 400.0


def of_host(world: World, host: str, busy: Array) -> dict[str, Array]:
    """The cards of a host, then the SRs that disks of its VMs are on, by the first digits of their uuids.

    Args:
        world: the pool.
        host: ref of the host.
        busy: pCPUs that its VMs use.
    """
    return _cards(world, host, busy) | _storage(world, host, busy)


def of_disk(device: str, busy: Array) -> dict[str, Array]:
    """A disk of a VM that uses so many pCPUs."""
    named = {f"vbd_{device}_{name}": values for name, values in _requests(busy).items()}
    return {f"vbd_{device}_read": busy * READ, f"vbd_{device}_write": busy * WRITTEN} | named


def of_interface(device: str, busy: Array) -> dict[str, Array]:
    """An interface of a VM that uses so many pCPUs."""
    return {f"vif_{device}_rx": busy * RECEIVED, f"vif_{device}_tx": busy * SENT}


def _cards(world: World, host: str, busy: Array) -> dict[str, Array]:
    pifs = (pif for _, pif in world.database.items("PIF") if pif["host"] == host and pif["physical"])
    cards = sorted({pif["device"] for pif in pifs})
    measured: dict[str, Array] = {}
    for card in cards:
        received, sent = busy * RECEIVED / len(cards), busy * SENT / len(cards)
        none = np.zeros_like(busy)
        measured |= {f"pif_{card}_rx": received, f"pif_{card}_tx": sent}
        measured |= {f"pif_{card}_rx_errors": none, f"pif_{card}_tx_errors": none}
    return measured | {"pif_aggr_rx": busy * RECEIVED, "pif_aggr_tx": busy * SENT}


def _storage(world: World, host: str, busy: Array) -> dict[str, Array]:
    database, disks = world.database, Counter[str]()
    for ref in database.get("host", host)["resident_VMs"]:
        for vbd in (database.find("VBD", each) for each in (database.find("VM", ref) or {}).get("VBDs", [])):
            vdi = database.find("VDI", vbd["VDI"]) if vbd and vbd["type"] == "Disk" else None
            if vdi:
                disks[world.uuid("SR", vdi["SR"])] += 1
    measured: dict[str, Array] = {}
    for sr, count in sorted(disks.items()):
        for name, values in _requests(busy * (count / disks.total())).items():
            measured[f"{name}_{sr[:8]}"] = values
    return measured


def _requests(busy: Array) -> dict[str, Array]:
    read, written = busy * READ, busy * WRITTEN
    known = ~np.isnan(busy)
    return {
        "iops_read": read / A_REQUEST,
        "iops_write": written / A_REQUEST,
        "iops_total": (read + written) / A_REQUEST,
        "io_throughput_read": read / MIB,
        "io_throughput_write": written / MIB,
        "io_throughput_total": (read + written) / MIB,
        "read_latency": np.where(known, LATENCY, np.nan),
        "write_latency": np.where(known, 2 * LATENCY, np.nan),
        "iowait": (read + written) / A_REQUEST * LATENCY / 1e6,
    }
