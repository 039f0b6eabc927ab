"""Hosts that go down and come back: what follows once a reboot, a shutdown or a power-on was accepted.

A host that goes down takes the guests with it that still run there, and unplugs its storage. Once it has booted it is
live, plugs its storage, is enabled unless somebody disabled it for good, and runs what was installed meanwhile.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final

from rebalancer.simulator.checks import boot_here
from rebalancer.simulator.checks.facts import is_true, pool_of
from rebalancer.simulator.checks.versions import UPGRADED
from rebalancer.simulator.migration import power, residence
from rebalancer.simulator.state import toolstack
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World

DOWN_SHARE: Final = 0.1
"""This part of the time of a boot passes between the call and the moment at which the host is gone."""
AUTO_POWER_ON: Final = "auto_poweron"
"""The key of `other_config` of pool and VMs that has VMs started with their host."""
UPGRADING: Final = "rolling_upgrade_in_progress"


def go_down(world: World, host: str, *, again: bool) -> None:
    """Let a host go down in a while, and boot *again* or stay off."""
    world.later(DOWN_SHARE * _boot_seconds(world), partial(_gone, world, host, again))


def boot(world: World, host: str) -> None:
    """Let a host that is down boot; it is up in a while, unless it never comes back."""
    if world.faults.take("boot-fails", host=world.uuid("host", host)):
        return
    late = world.faults.take("boots-slowly", host=world.uuid("host", host))
    world.booting.add(host)
    world.later(_boot_seconds(world) + (late.number("seconds", 60.0) if late else 0.0), partial(come_up, world, host))


def _boot_seconds(world: World) -> float:
    return world.boot_seconds / world.speed


def _gone(world: World, host: str, again: bool) -> None:  # noqa: FBT001 - called later, by `partial`
    if world.database.find("host", host) is None or host in world.down:
        return
    crash(world, host)
    with world.database.lock:
        world.database.change("host", host, current_operations={}, enabled=False)
        _plug(world, host, attached=False)
        if host == world.coordinator:
            toolstack.restart(world, "stayed")
    if again:
        boot(world, host)


def crash(world: World, host: str) -> None:
    """Let a host go down with all that runs there, as the pool shows it once it was declared dead."""
    database = world.database
    with database.lock:
        world.down.add(host)
        database.change("host_metrics", database.get("host", host)["metrics"], live=False)
        for vm in database.get("host", host)["resident_VMs"]:
            if not database.get("VM", vm)["is_control_domain"]:
                residence.halt(world, vm)
        database.changed.notify_all()


def come_up(world: World, host: str) -> None:
    """Let a host that boots be up; nothing where it no longer boots."""
    database, uuid = world.database, world.uuid("host", host)
    with database.lock:
        if host not in world.booting:
            return
        world.booting.discard(host)
        world.down.discard(host)
        disabled = host in world.kept_disabled or world.faults.take("comes-back-disabled", host=uuid) is not None
        toolstack.note_start(world, host)
        known = {**database.get("host", host)["other_config"], "boot_time": f"{world.clock():.0f}."}
        database.change("host", host, other_config=known, enabled=not disabled)
        database.change("host_metrics", database.get("host", host)["metrics"], live=True)
        _update(world, host)
        _plug(world, host, attached=True)
        database.changed.notify_all()
    _power_on(world)


def _update(world: World, host: str) -> None:
    """Let a host run what was installed, and the pool be marked while its hosts differ (db_gc.ml)."""
    database = world.database
    if not world.update or world.faults.take("comes-back-old", host=world.uuid("host", host)):
        return
    software = {**database.get("host", host)["software_version"], "platform_version": world.update}
    database.change("host", host, software_version=software)
    versions = [record["software_version"] for _, record in database.items("host")]
    differ = len({tuple(each.get(key, "") for key in UPGRADED) for each in versions}) > 1
    pool, record = next(database.items("pool"))
    plain = {key: value for key, value in record["other_config"].items() if key != UPGRADING}
    database.change("pool", pool, other_config={**plain, UPGRADING: "true"} if differ else plain)


def _plug(world: World, host: str, *, attached: bool) -> None:
    """Plug or unplug the storage of a host, as it does itself when it starts and stops."""
    database = world.database
    lost = attached and world.faults.take("comes-back-unplugged", host=world.uuid("host", host)) is not None
    for ref, pbd in database.items("PBD"):
        if pbd["host"] == host:
            plugged = attached and not (lost and database.get("SR", pbd["SR"])["shared"])
            database.change("PBD", ref, currently_attached=plugged)


def _power_on(world: World) -> None:
    """Start the guests that start with their host, wherever they run best; nobody is told which do not."""
    database = world.database
    if not is_true(pool_of(database)["other_config"].get(AUTO_POWER_ON)):
        return
    off = [ref for ref, vm in database.items("VM") if vm["power_state"] == "Halted" and not vm["is_a_template"]]
    for vm in off:
        if is_true(database.get("VM", vm)["other_config"].get(AUTO_POWER_ON)):
            hosts = [host for host, _ in database.items("host") if boot_here.has_room(database, vm, host)]
            with suppress(ApiFailure):
                power.start(world, "", vm, hosts)
