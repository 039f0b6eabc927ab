"""What somebody else does to a pool between two stages, so that a plan as it was made is no longer legal."""

from __future__ import annotations

from tests.storm.places import NULL
from tests.storm.rolling.stage import Stage

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
