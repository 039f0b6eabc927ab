"""How much memory guests use, as their agents report it to the hosts' RRDs."""

from __future__ import annotations

from typing import Final

import numpy as np

from rebalancer.demand.updates import Column, Readings
from rebalancer.inventory import VM, Pool, Uuid
from rebalancer.units import KIB, SECONDS_PER_HOUR

HAS: Final = "memory"
"""The source with what a domain has, in bytes."""
FREE: Final = "memory_internal_free"
"""The source with what its guest calls free, in KiB; only agents that know it report it."""
RECENT_SECONDS: Final = 24 * SECONDS_PER_HOUR
"""How far back, from the last row, a value still tells what a guest uses now."""


def is_memory(column: Column) -> bool:
    """Whether *column* is one of these two."""
    return column.source in {HAS, FREE}


def shrinks(vm: VM) -> bool:
    """Whether *vm* has a dynamic range, so that a migration may squeeze it."""
    return vm.memory.dynamic_min_bytes < vm.memory.dynamic_max_bytes


def used_memory(readings: Readings, host: Uuid, pool: Pool) -> dict[Uuid, int]:
    """Bytes that guests of *host* with a dynamic range used in the last hour of which they told.

    Guests that tell nothing, told it more than a day before the last row, or call more free than they have, or less
    than nothing, are left out: what they use is not known.
    """
    found: dict[Uuid, dict[str, int]] = {}
    for index, column in enumerate(readings.columns):
        vm = pool.vms.get(column.uuid)
        if column.owner == "vm" and is_memory(column) and vm and shrinks(vm) and vm.resident_on == host:
            found.setdefault(column.uuid, {})[column.source] = index
    used = {uuid: _latest(readings, columns) for uuid, columns in found.items() if len(columns) == len({HAS, FREE})}
    return {uuid: each for uuid, each in sorted(used.items()) if each is not None}


def _latest(readings: Readings, columns: dict[str, int]) -> int | None:
    has, free = (readings.data[:, columns[each]] for each in (HAS, FREE))
    recent = readings.times > readings.times.max(initial=0) - RECENT_SECONDS
    told = np.flatnonzero(recent & np.isfinite(has - free))
    if not len(told):
        return None
    used = has[told[-1]] - free[told[-1]] * KIB
    return int(used) if 0 < used <= has[told[-1]] else None
