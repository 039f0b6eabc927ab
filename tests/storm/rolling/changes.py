"""What somebody else does to a pool between two stages, so that a plan as it was made is no longer legal."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.storm.places import NULL
from tests.storm.rolling.stage import Stage

MOVES = 0.75
"""Of what others do, how much is that a VM is moved."""
PINNED = {"pool_migrate": "licence", "migrate_send": "licence"}


def vms_on(stage: Stage, host: str) -> list[str]:
    """The refs of the guests on a host, by its name."""
    database, ref = stage.simulator.database, stage.host(host)
    vms = sorted(database.items("VM"), key=lambda item: item[1]["uuid"])
    return [vm for vm, record in vms if record["resident_on"] == ref and not record["is_control_domain"]]


def moved(stage: Stage, vm: str, host: str) -> None:
    """A VM is on another host, by its name, all at once; it may as well end there as where it was in the beginning."""
    database, target = stage.simulator.database, stage.host(host)
    record = database.get("VM", vm)
    with stage.judge.others(), database.lock:
        before = record["resident_on"]
        left = [each for each in database.get("host", before)["resident_VMs"] if each != vm]
        database.change("VM", vm, resident_on=target)
        database.change("host", before, resident_VMs=left)
        database.change("host", target, resident_VMs=[*database.get("host", target)["resident_VMs"], vm])
    stage.elsewhere.setdefault(record["uuid"], set()).add(stage.simulator.world.uuid("host", target))


def halted(stage: Stage, vm: str) -> None:
    """A VM is off, and nobody starts it again."""
    database = stage.simulator.database
    record = database.get("VM", vm)
    with stage.judge.others(), database.lock:
        before = record["resident_on"]
        left = [each for each in database.get("host", before)["resident_VMs"] if each != vm]
        database.change("VM", vm, power_state="Halted", resident_on=NULL)
        database.change("host", before, resident_VMs=left)
    stage.ends[record["uuid"]] = ""


def pinned(stage: Stage, vm: str) -> None:
    """Nobody may move a VM."""
    stage.simulator.database.change("VM", vm, blocked_operations=PINNED)


def freed(stage: Stage, vm: str) -> None:
    """Everybody may."""
    stage.simulator.database.change("VM", vm, blocked_operations={})


def changed(stage: Stage, chance: Random) -> str:
    """Some VM that rests, and could leave its host, goes to another one that has room, or is shut down; in words."""
    database = stage.simulator.database
    able = sorted((vm["uuid"], ref) for ref, vm in database.items("VM") if _rests(vm) and not vm["blocked_operations"])
    if not able:
        return "nobody rests"
    _, vm = chance.choice(able)
    name, there = database.get("VM", vm)["name_label"], database.get("VM", vm)["resident_on"]
    rooms = sorted(
        record["name_label"] for ref, record in database.items("host") if ref != there and takes(stage, ref, vm)
    )
    if rooms and chance.random() < MOVES:
        target = chance.choice(rooms)
        moved(stage, vm, target)
        return f"{name} goes to {target}"
    halted(stage, vm)
    return f"{name} is shut down"


def _rests(vm: dict[str, Any]) -> bool:
    busy = vm["current_operations"] or vm["scheduled_to_be_resident_on"] != NULL
    return vm["power_state"] == "Running" and not vm["is_control_domain"] and not busy


def takes(stage: Stage, host: str, vm: str) -> bool:
    """Whether a host is enabled and up, and has twice the memory free that a VM needs."""
    database, world = stage.simulator.database, stage.simulator.world
    record = database.get("host", host)
    if not record["enabled"] or host in world.down:
        return False
    sizes = {ref: int(each["memory_static_max"]) + int(each["memory_overhead"]) for ref, each in database.items("VM")}
    used = sum(sizes[ref] for ref in record["resident_VMs"])
    total = int(database.get("host_metrics", record["metrics"])["memory_total"]) - int(record["memory_overhead"])
    return used + 2 * sizes[vm] <= total
