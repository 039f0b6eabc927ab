"""Lists of VMs that are shut down while their host is worked on, proven in a pool as it is: without what made them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebalancer.inventory import VM, DomainType, Pool, PowerState, Uuid

TAG = "tag:"
PARAVIRTUAL = frozenset({DomainType.PV, DomainType.PVH, DomainType.PV_IN_PVH})


def shutdown_findings(
    vms: Collection[Uuid], host: Uuid, selectors: Collection[str], pool: Pool, *, hold: str
) -> Iterator[str]:
    """What stands against shutting *vms* down on *host*, and starting them there again; a sentence each.

    Each has to be one that *selectors* name by uuid, name or tag, to run on the host, to be able to shut down cleanly,
    and not to carry the tag *hold*.
    """
    for uuid in vms:
        vm = pool.vms.get(uuid)
        if vm is None:
            yield f"the pool has no VM {uuid} any more"
        else:
            if hold in vm.tags:
                yield f"VM {vm.name}: it carries the tag {hold}"
            yield from (f"VM {vm.name}: {words}" for words in _against(vm, host, selectors))


def switch_off_findings(uuid: Uuid, host: Uuid, named: Collection[str], pool: Pool, *, hold: str) -> Iterator[str]:
    """What stands against switching a VM on *host* off without its guest; a sentence each.

    It has to be one that *named* has by its uuid, or by a name that no other guest has; to run there; nobody may have
    blocked that, or that it starts again; and neither it nor its host or the pool may carry the tag *hold*.
    """
    vm = pool.vms.get(uuid)
    if vm is None:
        yield f"the pool has no VM {uuid} any more"
        return
    namesakes = [each for each in pool.vms.values() if each.is_guest and each.name == vm.name]
    if uuid not in named and (vm.name not in named or len(namesakes) > 1):
        yield "rolling.hard_shut_down of the policy does not name it alone"
    for what, tags in (("it", vm.tags), ("the pool", pool.tags), ("its host", _tags_of(host, pool))):
        if hold in tags:
            yield f"{what} carries the tag {hold}"
    yield from _cannot(vm, host, "hard_shutdown")


def _tags_of(host: Uuid, pool: Pool) -> tuple[str, ...]:
    return pool.hosts[host].tags if host in pool.hosts else ()


def _against(vm: VM, host: Uuid, selectors: Collection[str]) -> Iterator[str]:
    if not {vm.uuid, vm.name, *(TAG + tag for tag in vm.tags)} & set(selectors):
        yield "rolling.shut_down of the policy does not name it"
    yield from _cannot(vm, host, "clean_shutdown")
    guest = vm.guest_metrics
    tools = guest is not None and ({"major", "minor"} <= guest.pv_drivers_version.keys())
    asked = guest is not None and guest.other.get("feature-shutdown") == "1"
    paravirtual = vm.metrics is not None and vm.metrics.current_domain_type in PARAVIRTUAL
    if not (tools or asked or paravirtual):
        yield "its guest cannot be asked to shut down"


def _cannot(vm: VM, host: Uuid, shutdown: str) -> Iterator[str]:
    """What stands against the call *shutdown* of *vm* on *host*, and against starting it there again."""
    if vm.resident_on != host:
        yield "it is not on the host any more"
    if vm.power_state is not PowerState.RUNNING:
        yield f"it is {vm.power_state.value.lower()}"
    for operation in (shutdown, "start", "start_on"):
        if operation in vm.blocked_operations:
            yield f"somebody blocked {operation}"
