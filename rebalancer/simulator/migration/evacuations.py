"""host.evacuate: every VM of a host moves away, a few at a time, or none does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from rebalancer.simulator.checks import failover, networks, vm_operations
from rebalancer.simulator.checks.evacuation import EvacuationPlan
from rebalancer.simulator.migration import moves
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import World

AT_ONCE = 10
# What brings VMs to a host does not go with emptying it.
ARRIVALS = {"provision", "vm_resume", "vm_migrate"}


def evacuate(  # noqa: PLR0917 - as XAPI has it
    world: World, task: str, host: str, network: str, at_once: int, plan: Callable[[], EvacuationPlan]
) -> None:
    """Move every VM off a host, as *plan* says; the first one that cannot go stops it before any moves.

    They go over `network`, if that is not the null ref, and so many at once, or as many as XAPI likes for 0 or less.

    Raises:
        ApiFailure: what holds a VM, or what a move of one failed with; the moves under way then go on.
        ConnectionLost: the toolstack restarted meanwhile.
    """
    with world.database.lock:
        failover.assert_may_disable(world.database, host)
        _mark(world, task, host)
    try:
        targets = _targets(world, plan(), network)
        _move_all(world, task, targets, network, at_once if at_once > 0 else AT_ONCE)
        residents = (world.database.get("VM", ref) for ref in world.database.get("host", host)["resident_VMs"])
        if left := sum(not vm["is_control_domain"] for vm in residents):
            raise ApiFailure("INTERNAL_ERROR", f"evacuate: {left} VMs are still resident on {host}")
    finally:
        with world.database.lock:
            current = world.database.get("host", host)["current_operations"]
            others = {ref: operation for ref, operation in current.items() if ref != task}
            world.database.change("host", host, current_operations=others)


def _mark(world: World, task: str, host: str) -> None:
    current = world.database.get("host", host)["current_operations"]
    for ref, operation in current.items():
        if operation in ARRIVALS:
            raise vm_operations.in_progress("host", host, {ref: operation})
    world.database.change("host", host, current_operations={**current, task: "evacuate"})


def _targets(world: World, plan: EvacuationPlan, network: str) -> Mapping[str, str]:
    with world.database.lock:
        for code, *params in plan.blocked.values():
            raise ApiFailure(code, *params)
        for target in sorted(set(plan.targets.values())) if network != NULL else ():
            networks.transfer_address(world.database, target, network)
    return plan.targets


def _move_all(world: World, task: str, targets: Mapping[str, str], network: str, at_once: int) -> None:
    options = {"live": "true"} | ({} if network == NULL else {"network": network})
    workers = ThreadPoolExecutor(max_workers=at_once)
    waiting, done = list(targets.items()), 0
    running: set[Future[None]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.add(workers.submit(_move, world, *waiting.pop(0), options))
            over, running = wait(running, return_when=FIRST_COMPLETED)
            for move in over:
                move.result()
            done += len(over)
            tasks.advance(world, task, 0.99 * done / len(targets))
    finally:
        workers.shutdown(wait=False)


def _move(world: World, vm: str, target: str, options: Mapping[str, str]) -> None:
    """Move one VM in a task of its own, gone at its end; a VM that was switched off meanwhile is no failure."""
    task = tasks.begin(world, "Async.VM.pool_migrate")
    try:
        moves.pool_migrate(world, task, vm, target, options)
    except ApiFailure as failure:
        if failure.code != "VM_BAD_POWER_STATE":
            raise
    finally:
        if world.database.find("task", task) is not None:
            world.database.remove("task", task)
