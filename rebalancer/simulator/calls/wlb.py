"""Calls about Workload Balancing (workload_balancing.ml, xapi_pool.ml, xapi_vm.ml, xapi_host.ml)."""

from __future__ import annotations

from rebalancer.simulator.balancing import reading
from rebalancer.simulator.balancing.asking import Server, ask, parms, texts
from rebalancer.simulator.balancing.reading import Node, malformed
from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.checks import boot_here, evacuation
from rebalancer.simulator.checks.evacuation import EvacuationPlan
from rebalancer.simulator.checks.facts import is_live, is_restricted, pool_of
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import ApiFailure, refusal
from rebalancer.simulator.state.world import World

SHORT = "HOST_NOT_ENOUGH_FREE_MEMORY"
PATIENCE = 30.0
"""Seconds, where other_config:wlb_timeout does not say otherwise."""


def initialize_wlb(context: Context, url: str, user: str, password: str, *pool_login: str) -> None:
    """Tell a server about the pool, and note that it is there."""
    world = context.world
    _assert_licensed(world)
    server = _server(world, url, user, password)
    method, coordinator, (pool_user, pool_password) = "AddXenServer", world.coordinator, pool_login
    # XAPI says http://ADDRESS:80/; simulated hosts listen elsewhere.
    inside = texts(
        Password=pool_password, PoolUuid=_uuid(world), UserName=pool_user, XenServerUrl=f"{world.url(coordinator)}/"
    )
    reading.identity(method, reading.result_in(method, ask(server, method, inside)))
    world.wlb_password = password
    _note(world, wlb_url=url, wlb_username=user)


def deconfigure_wlb(context: Context) -> None:
    """Tell the server that it is over; whatever it answers, the pool forgets it."""
    world = context.world
    server = _initialised(world)
    refusal(ask, server, "RemoveXenServer", texts(PoolUuid=_uuid(world)))
    world.wlb_password = ""
    _note(world, wlb_url="", wlb_username="", wlb_enabled=False, wlb_verify_cert=False)


def send_wlb_configuration(context: Context, wanted: dict[str, str]) -> None:
    """Change what the server keeps for the pool."""
    method = "SetXenPoolConfiguration"
    inside = parms(wanted.items()) + texts(PoolUuid=_uuid(context.world))
    reading.blank(method, _asked(context.world, method, inside))


def retrieve_wlb_configuration(context: Context) -> dict[str, str]:
    """What the server keeps for the pool."""
    method = "GetXenPoolConfiguration"
    return reading.pairs(method, _asked(context.world, method, texts(PoolUuid=_uuid(context.world))))


def retrieve_for_vm(context: Context, vm: str) -> dict[str, list[str]]:
    """How well a VM would run on each live host; what keeps it from starting there goes before what the server says."""
    world, method = context.world, "VMGetRecommendations"
    _assert_enabled(world)
    inside = texts(PoolUuid=_uuid(world), VmUuid=str(world.database.get("VM", vm)["uuid"]))
    result = _asked(world, method, inside)
    live = {str(record["uuid"]): ref for ref, record in world.database.items("host") if is_live(world.database, record)}
    found = reading.placements(method, result, len(live))
    known = {str(record["uuid"]) for _, record in world.database.items("host")}
    if any(each.host not in known for each in found):
        raise malformed(method, "Invalid VM or host UUID")
    if {each.host for each in found} != live.keys():
        raise malformed(method, "VM recommendations must only target live hosts and target all of them", "Unknown")
    return {live[each.host]: _stars(world, vm, live[each.host], each) for each in found}


def _stars(world: World, vm: str, host: str, said: reading.HostAdvice) -> list[str]:
    with world.database.lock:
        objection = refusal(boot_here.assert_can_boot_here, world.database, vm, host)
    if objection:
        return ["WLB", "0.0", said.number, ";".join(objection)]
    reason = [] if said.stars else [said.reason]
    return ["WLB", repr(said.stars), said.number, *reason]


def retrieve_for_pool(context: Context) -> dict[str, list[str]]:
    """What should move; of two moves of one VM the last is seen."""
    world, method = context.world, "GetOptimizationRecommendations"
    _assert_enabled(world)
    number, moves = reading.optimisation(method, _asked(world, method, texts(PoolUuid=_uuid(world))))
    return {
        _moved(world, method, each): [
            "WLB",
            each.target if each.vm else each.source,
            number,
            each.number,
            each.reason,
        ]
        for each in moves
    }


def _moved(world: World, method: str, advice: reading.Advice) -> str:
    """The VM; for advice about a host its control domain."""
    try:
        if advice.vm:
            return world.database.by_uuid("VM", advice.vm)
        host = world.database.by_uuid("host", advice.source)
    except ApiFailure:
        raise malformed(method, "Invalid VM or host UUID") from None
    return str(world.database.get("host", host)["control_domain"])


def retrieve_for_host(context: Context, host: str) -> dict[str, list[str]]:
    """Where the VMs of a host should go; what cannot move keeps XAPI's own objection."""
    _assert_enabled(context.world)
    found = evacuation_by_server(context, host)
    return {**found.blocked, **{vm: ["WLB", context.world.uuid("host", to)] for vm, to in found.targets.items()}}


def evacuation_by_server(context: Context, host: str) -> EvacuationPlan:
    """What emptying a host comes to where the server says who goes where; XAPI's own objections go before that.

    Whoever is left out lacks memory, as XAPI has it.

    Raises:
        ApiFailure: the server said nothing that can be used.
    """
    world = context.world
    advised = _advised(world, host)
    with world.database.lock:
        planned = evacuation.plan(world.database, host)
    blocked = {vm: said for vm, said in planned.blocked.items() if said[0] != SHORT}
    left_out = {*planned.targets, *planned.blocked} - blocked.keys() - advised.keys()
    return EvacuationPlan(
        blocked={**blocked, **{vm: [SHORT, vm] for vm in left_out}},
        targets={vm: to for vm, to in advised.items() if vm not in blocked},
    )


def _advised(world: World, host: str) -> dict[str, str]:
    """{VM: host} that the server recommends for emptying a host."""
    method, database = "HostGetRecommendations", world.database
    inside = texts(HostUuid=world.uuid("host", host), PoolUuid=_uuid(world))
    advised = {}
    for vm, target in reading.evacuation(method, _asked(world, method, inside)):
        guest, there = database.by_uuid("VM", vm), database.by_uuid("host", target)
        if there == host:
            name = database.get("VM", guest)["name_label"]
            words = f"WLB recommends migrating VM {name} to the same server it is being evacuated from."
            raise ApiFailure("WLB_MALFORMED_RESPONSE", words)
        advised[guest] = there
    return advised


def _asked(world: World, method: str, inside: str) -> Node:
    return reading.result_in(method, ask(_initialised(world), method, inside))


def _initialised(world: World) -> Server:
    _assert_licensed(world)
    pool = pool_of(world.database)
    if not pool["wlb_url"]:
        raise ApiFailure("WLB_NOT_INITIALIZED")
    return _server(world, pool["wlb_url"], pool["wlb_username"], world.wlb_password)


def _server(world: World, url: str, user: str, password: str) -> Server:
    pool: Record = pool_of(world.database)
    said = str(pool["other_config"].get("wlb_timeout", ""))
    server = Server(
        url=url,
        user=user,
        password=password,
        seconds=float(said) if said.replace(".", "", 1).isdecimal() else PATIENCE,
        tls=world.scheme == "https",
        verify=bool(pool["wlb_verify_cert"]),
    )
    _ = server.address
    return server


def _assert_licensed(world: World) -> None:
    if is_restricted(world.database, "wlb"):
        raise ApiFailure("LICENCE_RESTRICTION", "WLB")


def _assert_enabled(world: World) -> None:
    _initialised(world)
    if not pool_of(world.database)["wlb_enabled"]:
        raise ApiFailure("WLB_DISABLED")


def is_enabled(world: World) -> bool:
    """Whether XAPI may ask a server."""
    return not refusal(_assert_enabled, world)


def _uuid(world: World) -> str:
    return str(pool_of(world.database)["uuid"])


def _note(world: World, **fields: object) -> None:
    with world.database.lock:
        ref, _ = next(world.database.items("pool"))
        world.database.change("pool", ref, **fields)


CALLS: Table = {
    "pool.initialize_wlb": initialize_wlb,
    "pool.deconfigure_wlb": deconfigure_wlb,
    "pool.send_wlb_configuration": send_wlb_configuration,
    "pool.retrieve_wlb_configuration": retrieve_wlb_configuration,
    "pool.retrieve_wlb_recommendations": retrieve_for_pool,
    "VM.retrieve_wlb_recommendations": retrieve_for_vm,
    "host.retrieve_wlb_evacuate_recommendations": retrieve_for_host,
}
