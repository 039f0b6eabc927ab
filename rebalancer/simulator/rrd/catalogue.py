"""What each data source is: its words, its unit, its range, and whether it is recorded unless somebody says otherwise.

After rrdp_cpu.ml, rrdp_squeezed.ml, rrdp_netdev.ml and rrdp_iostat.ml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.simulator.rrd.sources import Array, Owner
from rebalancer.simulator.state.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """What sources of a name have in common; nothing is below 0, and `most` is the highest value."""

    description: str
    units: str
    most: float = float("inf")
    standard: bool = True


SHARE = "(fraction)"
KINDS: Mapping[str, SourceKind] = {
    r"cpu\d+": SourceKind(description="CPU usage", units=SHARE, most=1.0),
    r"cpu_(avg|usage)": SourceKind(description="Mean CPU usage", units=SHARE, most=1.0),
    r"loadavg": SourceKind(description="Domain0 loadavg", units=SHARE),
    r"hostload": SourceKind(description="Running and runnable vCPUs for each physical CPU", units=SHARE),
    r"running_\w+": SourceKind(description="Running domains or vCPUs", units="count"),
    r"runstate_\w+": SourceKind(description="Share of time in this state", units=SHARE, most=1.0, standard=False),
    r"runnable_any": SourceKind(description="Share of time some vCPU waits", units=SHARE, most=1.0, standard=False),
    r"memory_(total|free|internal_free)_?(kib)?": SourceKind(description="Memory", units="KiB"),
    r"memory(_target)?": SourceKind(description="Memory", units="B"),
    r"pif_\w+_errors": SourceKind(description="Errors on an interface", units="err/s", standard=False),
    r"(pif|vif)_\w+_[rt]x": SourceKind(description="Bytes per second on an interface", units="B/s"),
    r"(vbd_\w+_)?iops_\w+": SourceKind(description="Requests per second", units="requests/s"),
    r"(vbd_\w+_)?io_throughput_\w+": SourceKind(description="Data read or written", units="MiB/s"),
    r"(vbd_\w+_)?(read_|write_)?latency\w*": SourceKind(description="Time that a request takes", units="μs"),
    r"(vbd_\w+_)?iowait\w*": SourceKind(description="Time that requests wait", units="s/s"),
    r"vbd_\w+_(read|write)": SourceKind(description="Bytes per second of a disk", units="B/s"),
}
OTHER = SourceKind(description="description not available", units="unknown", standard=False)


def kind_of(name: str) -> SourceKind:
    """What a data source of this name is."""
    return next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, name)), OTHER)


def is_recorded(world: World, uuid: str, name: str) -> bool:
    """Whether a data source of a host or VM is recorded."""
    return world.recorded.get((uuid, name), kind_of(name).standard)


def recorded(world: World, owner: Owner) -> dict[str, Array]:
    """The measurements of an owner that are recorded."""
    return {name: values for name, values in owner.columns.items() if is_recorded(world, owner.uuid, name)}
