"""Starts and evacuations for which XAPI itself asks a Workload Balancing server (xapi_vm_helpers.ml, xapi_host.ml).

Where the server says nothing that can be used, XAPI leaves a message and does it by itself.
"""

from __future__ import annotations

from rebalancer.simulator.calls import message, wlb
from rebalancer.simulator.calls.context import Context
from rebalancer.simulator.checks import evacuation
from rebalancer.simulator.checks.evacuation import EvacuationPlan
from rebalancer.simulator.checks.facts import pool_of
from rebalancer.simulator.state.failure import ApiFailure

SWITCH = "wlb_choose_host_disable"
"""The key of the pool's `other_config` that keeps XAPI from asking."""
FAILED, PRIORITY = "WLB_CONSULTATION_FAILED", "3"


def host_for(context: Context, vm: str) -> str | None:
    """The host with most stars for a VM that starts; None where XAPI chooses by itself.

    What was advised is noted in the task of the call.
    """
    if not _asks(context):
        return None
    world = context.world
    try:
        said = wlb.retrieve_for_vm(context, vm)
    except ApiFailure:
        _tell(context, "VM", vm, f"VM '{world.database.get('VM', vm)['name_label']}'")
        return None
    open_to = {host: (float(stars), number) for host, (_, stars, number, *no) in said.items() if not no}
    if not open_to:
        return None
    best = max(open_to, key=lambda host: open_to[host][0])
    _note(context, vm, open_to[best][1])
    return best


def evacuation_plan(context: Context, host: str) -> EvacuationPlan:
    """What emptying a host comes to: by the server where XAPI asks it, else by XAPI's own plan."""
    if _asks(context):
        try:
            return wlb.evacuation_by_server(context, host)
        except ApiFailure:
            _tell(context, "host", host, f"Host '{context.world.database.get('host', host)['name_label']}'")
    with context.world.database.lock:
        return evacuation.plan(context.world.database, host)


def _asks(context: Context) -> bool:
    """Whether XAPI asks the server for what it does itself."""
    other = pool_of(context.world.database)["other_config"]
    return str(other.get(SWITCH, "")).lower() != "true" and wlb.is_enabled(context.world)


def _tell(context: Context, cls: str, ref: str, named: str) -> None:
    """Leave the message that the server was asked in vain."""
    world = context.world
    body = f"Wlb consultation for {named} failed (pool uuid: {pool_of(world.database)['uuid']})"
    message.create(context, FAILED, PRIORITY, cls, str(world.database.get(cls, ref)["uuid"]), body)


def _note(context: Context, vm: str, number: str) -> None:
    database = context.world.database
    with database.lock:
        task = database.find("task", context.task)
        if task is None:
            return
        advised = {"wlb_advised": number, "wlb_action": task["name_label"]}
        advised |= {"wlb_action_obj_type": "VM", "wlb_action_obj_ref": vm}
        database.change("task", context.task, other_config={**pool_of(database)["other_config"], **advised})
