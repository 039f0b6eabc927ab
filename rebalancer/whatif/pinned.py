"""VMs that cannot leave their host, and may be shut down while it is worked on: who, and for how long that is.

They go last, once all others have left, and come first, before others return: in waves, by the `order` that XAPI starts
VMs in. Those of one order go and come together, as in XAPI's appliances; where they are more than a wave takes, those
that matter most are off for the shortest time. No length is known beforehand: the estimate adds up what is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeVar

from rebalancer.inventory import VM, DomainType, Pool, PowerState, Uuid, VBDType
from rebalancer.policy import Policy
from rebalancer.policy.selectors import Selectors
from rebalancer.problem import Problem
from rebalancer.rules.in_guest.guest_tools import has_drivers

SHUTDOWN_SECONDS: Final = 60.0
"""What a guest is assumed to take to shut down."""
BOOT_SECONDS: Final = 600.0
"""What a host is assumed to take to go down and come back, whatever is done to it besides."""
START_SECONDS: Final = 30.0
"""What XAPI is assumed to take to start a VM; its guest boots after that."""
AT_ONCE: Final = 10
"""How many are asked, or started, at once at most: as many as XAPI moves at once when it empties a host."""
NEEDED: Final = ("clean_shutdown", "start", "start_on")
"""Operations that nobody may have blocked."""
HARD: Final = "hard-shutdown-vm"
"""The word of `execution.power` without which nobody is switched off."""
PROTECTED: Final = 2
IMPORTANCE: Final = MappingProxyType({"restart": PROTECTED, "best-effort": 1})
"""How much it matters that a VM runs, by its `ha_restart_priority`."""
Guest = TypeVar("Guest")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutDown:
    """A VM that is shut down while its host is worked on.

    Args:
        vm: its uuid.
        vm_name: its name.
        seconds: for how long it is off, by estimate: from when it is asked to shut down until it runs.
        order: when it starts, by XAPI's record of it; higher ones are shut down first, lower ones are started first.
        start_delay: seconds that VMs of the next order wait for once it runs.
        restart_priority: `restart` where high availability protects it, `best-effort`, or "".
        hard: whether it is switched off where its guest does not react.
    """

    vm: Uuid
    vm_name: str
    seconds: float
    order: int = 0
    start_delay: int = 0
    restart_priority: str = ""
    hard: bool = False


def may_be_shut_down(selectors: Sequence[str], pool: Pool) -> frozenset[Uuid]:
    """The VMs that *selectors* name, as far as they can be shut down and started again.

    Raises:
        PolicyError: one names a VM that the pool does not have.
    """
    chosen = Selectors(pool).vms(selectors, "rolling.shut_down").resident
    return frozenset(vm for vm in chosen if not why_not(pool.vms[vm], pool))


def may_be_switched_off(policy: Policy, pool: Pool) -> frozenset[Uuid]:
    """The VMs that are switched off where their guest does not react: *policy* names each, and has the word for it.

    Raises:
        PolicyError: it names a VM that the pool does not have, or two by one name.
    """
    named = Selectors(pool).vms(policy.rolling.hard_shut_down, "rolling.hard_shut_down").resident
    return named if HARD in policy.execution.power else frozenset()


def why_not(vm: VM, pool: Pool) -> str:
    """Why *vm* cannot be shut down cleanly and started again; "" where nothing is known against it."""
    if vm.power_state is not PowerState.RUNNING:
        return f"it is {vm.power_state.value.lower()}"
    if vm.current_operations:
        return f"it is busy with {', '.join(vm.current_operations)}"
    if blocked := [name for name in NEEDED if name in vm.blocked_operations]:
        return f"somebody blocked {', '.join(blocked)}"
    if not _reacts(vm):
        return "its guest reports no tools, so nobody can ask it to shut down"
    disks = [vbd.vdi for vbd in vm.vbds if vbd.type is VBDType.DISK and not vbd.empty]
    return "it would not start again: a disk of it is lost" if any(vdi not in pool.vdis for vdi in disks) else ""


def _reacts(vm: VM) -> bool:
    """Whether XAPI can ask the guest (xapi_vm_lifecycle.ml: need_pv_drivers_check, check_op_for_feature)."""
    kind = vm.metrics.current_domain_type if vm.metrics else None
    if kind in {DomainType.PV, DomainType.PVH, DomainType.PV_IN_PVH}:
        return True
    other = vm.guest_metrics.other if vm.guest_metrics else {}
    return has_drivers(vm.guest_metrics) or other.get("feature-shutdown") == "1"


def shut_down_on(
    host: Uuid, vms: frozenset[Uuid], problem: Problem, *, hard: frozenset[Uuid] = frozenset()
) -> tuple[ShutDown, ...]:
    """Those of *vms* that are on *host*, in the order in which they are shut down: who goes last comes back first.

    They are asked in `waves`, and started in these, the last one first. As lengths are assumed, no waves that keep to
    the `order` of VMs have those that HA protects off for less time, nor those of best effort beside them, nor all
    together. Those that are *hard* are switched off where their guest does not react.
    """
    there = [problem.pool.vms[vm] for vm in vms if problem.initial.host_of.get(vm) == host]
    names = problem.names.vms
    ranked = sorted(there, key=lambda vm: (-vm.order, _importance(vm), names[vm.uuid], vm.uuid))
    seconds = dict(_seconds_off(ranked))
    return tuple(
        ShutDown(
            vm=vm.uuid,
            vm_name=names[vm.uuid],
            seconds=seconds[vm.uuid],
            order=vm.order,
            start_delay=vm.start_delay,
            restart_priority=vm.ha_restart_priority,
            hard=vm.uuid in hard,
        )
        for vm in ranked
    )


def waves(guests: Iterable[Guest], order_of: Callable[[Guest], int]) -> Iterator[tuple[Guest, ...]]:
    """*guests*, the first of which goes first, in the waves in which they go: each waits until the last one is off.

    The highest order goes first. A wave has guests of one order, `AT_ONCE` of them at most; where one is smaller, it is
    the first of its order, so that as few as can be wait for the others. They come back in these, the last one first.
    """
    for _, same in groupby(sorted(guests, key=lambda each: -order_of(each)), key=order_of):
        group = tuple(same)
        for end in range(len(group) % AT_ONCE or AT_ONCE, len(group) + 1, AT_ONCE):
            yield group[max(0, end - AT_ONCE) : end]


def _importance(vm: VM) -> int:
    """How much it matters that *vm* runs, by what high availability does for it: from 0 to 2."""
    return PROTECTED if vm.ha_always_run else IMPORTANCE.get(vm.ha_restart_priority, 0)


def _seconds_off(ranked: Sequence[VM]) -> Iterator[tuple[Uuid, float]]:
    """For how long each of the VMs is off that go in this order, and come back in the opposite one."""
    delays: dict[int, int] = {}
    for vm in ranked:
        delays[vm.order] = max(vm.start_delay, delays.get(vm.order, 0))
    back = reversed(list(waves(ranked, lambda vm: vm.order)))
    for number, together in enumerate(back, start=1):
        waits = sum(delay for order, delay in delays.items() if order < together[0].order)
        for vm in together:
            yield vm.uuid, BOOT_SECONDS + (SHUTDOWN_SECONDS + START_SECONDS) * number + waits
