"""Whether HA could still restart the protected VMs (xapi_ha_vm_failover.ml, binpack.ml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb, factorial

from rebalancer.simulator.checks.agility import assert_agile
from rebalancer.simulator.checks.facts import configured_domain_type, is_live, pool_of
from rebalancer.simulator.checks.memory import MIB, overhead_mib, usable_memory
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

# Beyond this XAPI no longer tries every order in which hosts may fail.
EXACT_ORDERS = 3500
EXACT_HOSTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A pool as the planner of restarts sees it.

    Args:
        free: {host: bytes left}, in the order of uuids: of hosts with as much left, the first is taken.
        sizes: {protected VM: bytes that it starts with}.
        placed: {protected VM: host that counts it}.
    """

    free: Mapping[str, int]
    sizes: Mapping[str, int]
    placed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChange:
    """What a plan is to survive besides failures; null refs for nothing.

    Args:
        arriving: a VM whose memory is charged to `host` besides where it is; its restart is asked of the others.
        host: the host it comes to.
        protected: a VM that counts as protected.
        disabled: a host that takes no VMs any more.
    """

    arriving: str = NULL
    host: str = NULL
    protected: str = NULL
    disabled: str = NULL


def assert_plan_survives(database: Database, vm: str, host: str) -> None:
    """Raise HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN if the one plan there is would end with the move.

    Where no plan exists, or a protected VM is not agile, nothing can get worse and nothing is refused. A VM that is to
    be restarted but is not kept running is asked about as if it were protected where it is (message_forwarding.ml:
    check_vm_preserves_ha_plan).
    """
    guest = database.get("VM", vm)
    is_new = guest["ha_restart_priority"] == "restart" and not guest["ha_always_run"]
    change = ConfigurationChange(protected=vm) if is_new else ConfigurationChange(arriving=vm, host=host)
    _assert_survives(database, change)


def assert_may_disable(database: Database, host: str) -> None:
    """Raise HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN if the one plan there is would end without a host."""
    _assert_survives(database, ConfigurationChange(disabled=host))


def _assert_survives(database: Database, change: ConfigurationChange) -> None:
    pool = pool_of(database)
    if not pool["ha_enabled"] or pool["ha_allow_overcommit"]:
        return
    failures = int(pool["ha_plan_exists_for"])
    if plan_exists(database, failures) and not plan_exists(database, failures, change):
        raise ApiFailure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")


def plan_exists(database: Database, failures: int, change: ConfigurationChange | None = None) -> bool:
    """Whether every protected VM could be restarted after any `failures` hosts failed one after the other.

    A record that XAPI cannot read leaves it without a plan.
    """
    try:
        configuration = _configured(database, change or ConfigurationChange())
    except ApiFailure:
        return False
    homeless = [ref for ref in configuration.sizes if ref not in configuration.placed]
    packing = _restarted(configuration, homeless)
    return packing is not None and _always_possible(packing, failures, database.count("host"))


def _configured(database: Database, change: ConfigurationChange) -> Configuration:
    """The pool with a change; raises what ties a protected VM to some hosts."""
    protected = {ref: vm for ref, vm in database.items("VM") if is_protected(vm) or ref == change.protected}
    for ref in protected:
        assert_agile(database, ref)
    hosts = sorted(database.items("host"), key=lambda each: str(each[1]["uuid"]))
    able = [ref for ref, host in hosts if host["enabled"] and is_live(database, host)]
    free = {ref: _free(database, ref) for ref in able if ref != change.disabled}
    if change.host in free:
        free[change.host] -= _size(database.get("VM", change.arriving))
    counted = {}
    for ref, vm in protected.items():
        home = change.host if ref == change.arriving else vm["resident_on"]
        counted[ref] = home if home in free else vm["scheduled_to_be_resident_on"]
    placed = {ref: home for ref, home in counted.items() if home in free}
    return Configuration(free=free, sizes={ref: _size(vm) for ref, vm in protected.items()}, placed=placed)


def failures_tolerated(database: Database) -> int:
    """For how many failures a plan exists, up to all hosts but one."""
    count, hosts = 0, database.count("host")
    while count + 1 < hosts and plan_exists(database, count + 1):
        count += 1
    return count


def is_protected(vm: Record) -> bool:
    """Whether HA keeps a VM running and restarts it after a failure."""
    return bool(vm["ha_always_run"]) and vm["ha_restart_priority"] == "restart"


def _size(vm: Record) -> int:
    """Bytes that a VM starts with when nothing makes it smaller: whole MiB, and its overhead computed anew."""
    return (-(-int(vm["memory_static_max"]) // MIB) + overhead_mib(vm, configured_domain_type(vm))) * MIB


def _free(database: Database, host: str) -> int:
    """Bytes left on a host when every VM takes its maximum; a VM under way counts on both ends, twice on one."""
    used = 0
    for _, vm in database.items("VM"):
        there = [vm["resident_on"], vm["scheduled_to_be_resident_on"]].count(host)
        used += there * (int(vm["memory_static_max"]) + int(vm["memory_overhead"]))
    return max(0, usable_memory(database, host) - used)


def _restarted(packing: Configuration, failed: list[str]) -> Configuration | None:
    """Restart VMs, the biggest first, each where most is free; None if one fits nowhere."""
    free, placed = dict(packing.free), dict(packing.placed)
    roomiest = sorted(free, key=lambda ref: -free[ref])
    for vm in sorted(failed, key=lambda ref: -packing.sizes[ref]):
        if not roomiest or free[roomiest[0]] < packing.sizes[vm]:
            return None
        host = roomiest.pop(0)
        free[host] -= packing.sizes[vm]
        placed[vm] = host
        fuller = sum(free[other] > free[host] for other in roomiest)
        roomiest.insert(fuller, host)
    return Configuration(free=free, sizes=packing.sizes, placed=placed)


def _always_possible(packing: Configuration, failures: int, hosts: int) -> bool:
    """Whether a plan holds; `hosts` are all of the pool, dead ones too: they decide how hard XAPI looks."""
    left = len(packing.free) - failures
    if failures > hosts or left < 0 or (left == 0 and packing.sizes):
        return False
    is_small = hosts <= EXACT_HOSTS and comb(hosts, failures) * factorial(failures) < EXACT_ORDERS
    return _survives_all(packing, failures) if is_small else _survives_roughly(packing, failures)


def _survives_all(packing: Configuration, failures: int) -> bool:
    return failures == 0 or all(
        (after := _without(packing, host)) is not None and _survives_all(after, failures - 1) for host in packing.free
    )


def _without(packing: Configuration, host: str) -> Configuration | None:
    free = {ref: left for ref, left in packing.free.items() if ref != host}
    failed = [vm for vm, home in packing.placed.items() if home == host]
    placed = {vm: home for vm, home in packing.placed.items() if home != host}
    return _restarted(Configuration(free=free, sizes=packing.sizes, placed=placed), failed)


def _survives_roughly(packing: Configuration, failures: int) -> bool:
    """Take every VM for as big as the biggest; the hosts with most room fail, and with them the most VMs of any."""
    biggest = max(packing.sizes.values(), default=1)
    if biggest == 0:
        return False
    room = sorted(free // biggest if free >= 0 else -(-free // biggest) for free in packing.free.values())
    homes = list(packing.placed.values())
    there = sorted(homes.count(host) for host in packing.free)
    return sum(there[len(there) - failures :]) <= sum(room[: len(room) - failures])
