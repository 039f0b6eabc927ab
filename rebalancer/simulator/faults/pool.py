"""What happens in the pool beside a plan: hosts, storage, HA and the toolstack (XAPI.md 4.3, 6)."""

from __future__ import annotations

from typing import Final

from rebalancer.simulator.faults.draws import a_host, between, one_of, some_moment
from rebalancer.simulator.migration import boots, membership
from rebalancer.simulator.state import toolstack
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.fault import Fault, FaultKind, Moment, Occasion, Setting
from rebalancer.simulator.state.world import World

OUTCOME: Final = Setting(
    words="moved, stayed, or half: those that were half-way or further have moved",
    default="moved",
    draw=one_of(tuple(toolstack.SURVIVORS)),
)
HOST: Final = Setting(
    words="the host that it strikes; without it, the last by name that is not the coordinator", draw=a_host
)


def struck(world: World, fault: Fault) -> str:
    """The ref of the host that a fault strikes."""
    if "host" in fault.about:
        return world.database.by_uuid("host", fault.about["host"])
    members = [(record["name_label"], ref) for ref, record in world.database.items("host") if ref != world.coordinator]
    return max(members, default=("", world.coordinator))[1]


def _disable(world: World, fault: Fault, _vm: str) -> None:
    world.database.change("host", struck(world, fault), enabled=False)


def _die(world: World, fault: Fault, _vm: str) -> None:
    _set_live(world.database, struck(world, fault), live=False)


def _set_live(database: Database, host: str, *, live: bool) -> None:
    database.change("host_metrics", database.get("host", host)["metrics"], live=live)


def _crash(world: World, fault: Fault, _vm: str) -> None:
    boots.crash(world, struck(world, fault))


def _unplug(world: World, fault: Fault, _vm: str) -> None:
    database, host = world.database, struck(world, fault)
    for ref, pbd in database.items("PBD"):
        if pbd["host"] == host and database.get("SR", pbd["SR"])["shared"]:
            database.change("PBD", ref, currently_attached=False)


def _join(world: World, _fault: Fault, _vm: str) -> None:
    membership.join(world)


def _leave(world: World, fault: Fault, _vm: str) -> None:
    if (host := struck(world, fault)) != world.coordinator:
        membership.leave(world, host)


def _restart(world: World, fault: Fault, _vm: str) -> None:
    toolstack.restart(world, fault.settings.get("outcome", "moved"))


def _switch(world: World, fault: Fault, _vm: str) -> None:
    """Another host becomes coordinator, as HA or a person has it; the old one is a member then, or dead."""
    database, old = world.database, world.coordinator
    living = [(record["name_label"], ref) for ref, record in database.items("host") if ref not in {old, *world.down}]
    wanted = database.by_uuid("host", fault.about["host"]) if "host" in fault.about else min(living)[1]
    with database.lock:
        pool, _ = next(database.items("pool"))
        database.change("pool", pool, master=wanted)
        toolstack.restart(world, fault.settings.get("outcome", "moved"))
        if fault.settings.get("old", "member") == "dead":
            boots.crash(world, old)


def _change_ha(world: World, _fault: Fault, _vm: str) -> None:
    pool, record = next(world.database.items("pool"))
    world.database.change("pool", pool, ha_enabled=not record["ha_enabled"])


def _turn_wlb_on(world: World, _fault: Fault, _vm: str) -> None:
    pool, _ = next(world.database.items("pool"))
    world.database.change("pool", pool, wlb_enabled=True, wlb_url="https://wlb.example.org:8012")


KINDS: Final = (
    FaultKind(
        name="toolstack-restart",
        words="all tasks are cancelled, all sessions end, and migrations under way end without them, as `outcome` says",
        occasion=Occasion.POOL,
        effect=_restart,
        settings={"outcome": OUTCOME},
        moment=Moment.PROGRESS,
        trigger=some_moment,
    ),
    FaultKind(
        name="coordinator-switch",
        words="`host`, or the first other by name, becomes coordinator; `old` is a member then, or dead; the toolstack "
        "restarts, see toolstack-restart",
        occasion=Occasion.POOL,
        effect=_switch,
        settings={
            "host": Setting(words="the new coordinator; without it, the first other host by name"),
            "old": Setting(words="member or dead", default="member", draw=one_of(("member", "dead"))),
            "outcome": OUTCOME,
        },
        moment=Moment.PROGRESS,
        trigger=some_moment,
    ),
    FaultKind(
        name="host-crashes",
        words="`host` goes down with its VMs, which are halted then, and nobody answers at its address",
        occasion=Occasion.POOL,
        effect=_crash,
        settings={"host": HOST},
        trigger=some_moment,
    ),
    FaultKind(
        name="host-disabled",
        words="`host` is disabled: HOST_DISABLED",
        occasion=Occasion.POOL,
        effect=_disable,
        settings={"host": HOST},
        trigger=some_moment,
    ),
    FaultKind(
        name="host-dead",
        words="`host` is no longer live by the pool's records: HOST_NOT_LIVE; its VMs run on",
        occasion=Occasion.POOL,
        effect=_die,
        settings={"host": HOST},
        trigger=some_moment,
    ),
    FaultKind(
        name="host-joins",
        words="a host like the coordinator joins the pool; nobody answers at its address",
        occasion=Occasion.POOL,
        effect=_join,
        trigger=some_moment,
    ),
    FaultKind(
        name="host-leaves",
        words="`host`, unless it is the coordinator, leaves the pool; VMs that ran there are halted",
        occasion=Occasion.POOL,
        effect=_leave,
        settings={"host": HOST},
        trigger=some_moment,
    ),
    FaultKind(
        name="pbd-unplugged",
        words="every shared SR loses its PBD on `host`: VM_REQUIRES_SR",
        occasion=Occasion.POOL,
        effect=_unplug,
        settings={"host": HOST},
        trigger=some_moment,
    ),
    FaultKind(
        name="ha-changes",
        words="somebody turns HA on, or off where it was on",
        occasion=Occasion.POOL,
        effect=_change_ha,
        trigger=some_moment,
    ),
    FaultKind(
        name="wlb-begins",
        words="somebody turns Workload Balancing on",
        occasion=Occasion.POOL,
        effect=_turn_wlb_on,
        trigger=some_moment,
    ),
    FaultKind(
        name="clock-skew",
        words="the clock of `host` is `seconds` ahead; it stamps metrics by it",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds, below 0 for behind", default="0", draw=between(-7200.0, 7200.0))},
    ),
)
