"""Whether HA could still restart the protected VMs (xapi_ha_vm_failover.ml, binpack.ml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb, factorial

from rebalancer.simulator.checks.agility import assert_agile
from rebalancer.simulator.checks.facts import is_live, pool_of
from rebalancer.simulator.checks.memory import usable_memory
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure, refusal
from rebalancer.simulator.state.schema import NULL

# Beyond this XAPI no longer tries every order in which hosts may fail.
EXACT_ORDERS = 3500
EXACT_HOSTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A pool as the planner of restarts sees it.

    Args:
        free: {host: bytes left}.
        sizes: {agile protected VM: bytes}.
        placed: {agile protected VM: host it is on}.
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
    """Whether every protected VM could be restarted after any `failures` hosts failed one after the other."""
    change = change or ConfigurationChange()
    protected = {ref: vm for ref, vm in database.items("VM") if is_protected(vm) or ref == change.protected}
    if any(refusal(assert_agile, database, ref) for ref in protected):
        return False
    able = [ref for ref, host in database.items("host") if host["enabled"] and is_live(database, host)]
    free = {ref: _free(database, ref) for ref in able if ref != change.disabled}
    homes = {ref: vm["resident_on"] for ref, vm in protected.items()}
    if change.host in free:
        free[change.host] -= _size(database.get("VM", change.arriving))
    if change.arriving in homes:
        homes[change.arriving] = change.host
    placed = {ref: home for ref, home in homes.items() if home in free}
    sizes = {ref: _size(vm) for ref, vm in protected.items()}
    homeless = [ref for ref in homes if ref not in placed]
    packing = _restarted(Configuration(free=free, sizes=sizes, placed=placed), homeless)
    return packing is not None and _always_possible(packing, failures)


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
    return int(vm["memory_static_max"]) + int(vm["memory_overhead"])


def _free(database: Database, host: str) -> int:
    there = [vm for _, vm in database.items("VM") if host in (vm["resident_on"], vm["scheduled_to_be_resident_on"])]
    return usable_memory(database, host) - sum(_size(vm) for vm in there)


def _restarted(packing: Configuration, failed: list[str]) -> Configuration | None:
    """Restart VMs, the biggest first, each where most is free; None if one fits nowhere."""
    free, placed = dict(packing.free), dict(packing.placed)
    for vm in sorted(failed, key=lambda ref: (-packing.sizes[ref], ref)):
        if not free:
            return None
        host = max(free, key=lambda ref: (free[ref], ref))
        if free[host] < packing.sizes[vm]:
            return None
        free[host] -= packing.sizes[vm]
        placed[vm] = host
    return Configuration(free=free, sizes=packing.sizes, placed=placed)


def _always_possible(packing: Configuration, failures: int) -> bool:
    hosts = len(packing.free)
    is_small = hosts <= EXACT_HOSTS and comb(hosts, failures) * factorial(failures) < EXACT_ORDERS
    survives = _survives_all if is_small else _survives_roughly
    return failures <= hosts and survives(packing, failures)


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
    """Take every VM for as big as the biggest, and let those hosts fail that cost most."""
    biggest = max((packing.sizes[vm] for vm in packing.placed), default=1)
    slots = {host: max(0, free) // biggest for host, free in packing.free.items()}
    there = {host: list(packing.placed.values()).count(host) for host in packing.free}
    worst = sorted(packing.free, key=lambda host: (-(slots[host] + there[host]), host))[:failures]
    left = sum(count for host, count in slots.items() if host not in worst)
    return sum(there[host] for host in worst) <= left
