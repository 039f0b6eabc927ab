"""Where a VM is, noted on every side: its own record, both hosts and their free memory, and the load."""

from __future__ import annotations

from rebalancer.simulator.checks import memory
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

HALTED_OPERATIONS = ["start", "start_on", "clone", "copy", "snapshot", "destroy", "export", "changing_static_range"]


def settle(world: World, vm: str, host: str) -> None:
    """Note that a VM is on a host, or, with the null ref, on none."""
    database = world.database
    with database.lock:
        old = database.get("VM", vm)["resident_on"]
        database.change("VM", vm, resident_on=host, domid=_next_domid(world, host))
        for ref, resident in ((old, False), (host, True)):
            if (record := database.find("host", ref)) is not None:
                others = [name for name in record["resident_VMs"] if name != vm]
                database.change("host", ref, resident_VMs=[*others, vm] if resident else others)
                free = str(memory.free_memory(database, ref))
                database.change("host_metrics", record["metrics"], memory_free=free)
        world.load.settled(world.uuid("VM", vm), host, world.clock())


def halt(world: World, vm: str) -> None:
    """Note that a VM is off."""
    with world.database.lock:
        settle(world, vm, NULL)
        world.database.change("VM", vm, power_state="Halted", allowed_operations=list(HALTED_OPERATIONS))


def _next_domid(world: World, host: str) -> str:
    if host == NULL:
        return "-1"
    domids = [int(vm["domid"]) for _, vm in world.database.items("VM") if vm["resident_on"] == host]
    return str(max(domids, default=0) + 1)
