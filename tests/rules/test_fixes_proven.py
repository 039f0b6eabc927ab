"""The fix is one: once it is done, the simulated XAPI, which knows no rule, has nothing against the migration."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import VM, Pool
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.tasks import begin, finish
from rebalancer.xapi import Credentials, Trust, live_pool
from rebalancer.xapi.live import LivePool

Change = Callable[[Simulator, str], None]
"""Something that happens to a VM, by its ref."""
ROOT = Credentials(user="root", password="simulator")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The pool of the demo, some guests of which are held in place."""
    with Simulator(demo_pool()) as running:
        yield running


def sets(**fields: object) -> Change:
    """Fields of the VM change."""
    return lambda simulator, vm: simulator.database.change("VM", vm, **fields)


def nothing(simulator: Simulator, vm: str) -> None:
    """It is wrong in the demo's pool."""


def eject(simulator: Simulator, vm: str) -> None:
    """Every CD of the VM."""
    database: Database = simulator.database
    for drive in database.get("VM", vm)["VBDs"]:
        if database.get("VBD", drive)["type"] == "CD":
            database.change("VBD", drive, empty=True, VDI="OpaqueRef:NULL")


def installed(simulator: Simulator, vm: str) -> None:
    """The guest reports what another one reports."""
    database: Database = simulator.database
    reports = (record["guest_metrics"] for _, record in database.items("VM") if not record["is_control_domain"])
    database.change("VM", vm, guest_metrics=next(each for each in reports if each != "OpaqueRef:NULL"))


def plainly_built(simulator: Simulator, vm: str) -> None:
    """The VM has been rebooted without nested virtualisation."""
    database: Database = simulator.database
    database.change("VM", vm, platform={})
    database.change("VM_metrics", database.get("VM", vm)["metrics"], nested_virt=False)


def busy(simulator: Simulator, vm: str) -> None:
    """A snapshot is taken."""
    simulator.database.change("VM", vm, current_operations={begin(simulator.world, "VM.snapshot"): "snapshot"})


def at_rest(simulator: Simulator, vm: str) -> None:
    """What was under way ends."""
    for task in simulator.database.get("VM", vm)["current_operations"]:
        finish(simulator.world, task, "success")
    simulator.database.change("VM", vm, current_operations={})


GHOST = {"OpaqueRef:gone": "pool_migrate"}
RESTART = "no task of it exists: restart the toolstack on host '{host}'"
CASES: dict[str, tuple[str, Change, Change]] = {
    "unpause it": ("file-025", sets(power_state="Paused"), sets(power_state="Running")),
    "wait until it ends": ("file-025", busy, at_rest),
    RESTART: ("file-025", sets(current_operations=GHOST), at_rest),
    "eject the CD from drive xvdd": ("app-041", nothing, eject),
    "install the guest tools": ("db-002", nothing, installed),
    "remove pool_migrate from the VM's blocked_operations": ("web-000", nothing, sets(blocked_operations={})),
    "remove nested-virt from VM.platform and reboot the VM": ("file-035", nothing, plainly_built),
}
"""By the fix: a guest of the demo, what happens to it, and the fix done."""


@pytest.mark.parametrize("fix", CASES)
def test_what_is_done_as_told_lets_the_vm_go(simulator: Simulator, fix: str) -> None:
    """XAPI refuses every host before, and after it at least one that the rules name; the rules say so, too."""
    name, breaks, mends = CASES[fix]
    with live_pool(simulator.url, ROOT, Trust()) as live:
        vm, pool = guest(live.read(), name)
        ref = simulator.database.by_uuid("VM", vm.uuid)
        breaks(simulator, ref)
        vm, pool = guest(live.read(), name)
        book = Rulebook.of(make_problem(pool, None, Policy()))
        (held,) = (each for each in book.stuck({vm.resident_on or ""}) if each.vm == vm.uuid)
        assert held.fix == fix.format(host=held.host_name)
        assert accepted(live, vm, pool) == []
        mends(simulator, ref)
        vm, pool = guest(live.read(), name)
        assert set(Rulebook.of(make_problem(pool, None, Policy())).targets(vm)) & set(accepted(live, vm, pool))


def guest(pool: Pool, name: str) -> tuple[VM, Pool]:
    """The guest of that name, and the pool."""
    return next(vm for vm in pool.resident_guests() if vm.name == name), pool


def accepted(live: LivePool, vm: VM, pool: Pool) -> list[str]:
    """The other hosts to which XAPI's dry run lets *vm* go."""
    found = []
    for host in pool.hosts:
        try:
            if host != vm.resident_on:
                live.assert_may_migrate(vm.uuid, host)
                found.append(host)
        except RefusedByXapi:
            continue
    return found
