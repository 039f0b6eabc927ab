"""Migrations of somebody else while a run lasts: Xen Orchestra's load balancer, for one, leaves no other mark.

One of them may be an administrator's, and harms nothing as long as what is left stays legal. Many are another balancer,
and two of them undo each other's work for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from rebalancer.inventory import VM, Names, Pool, Uuid
from rebalancer.units import counted, first_few

MIGRATIONS = frozenset({"pool_migrate", "migrate_send"})
SHOWN = 3


@dataclass(slots=True, kw_only=True)
class Others:
    """The VMs that somebody else has migrated, by one look at the pool after another.

    Args:
        ours: the VMs that the plan moves; where those go is judged step by step.
        homes: the host of each guest when it was last looked at.
    """

    ours: frozenset[Uuid]
    homes: Mapping[Uuid, Uuid | None]
    moved: dict[Uuid, str] = field(default_factory=dict)

    def see(self, pool: Pool, under_way: Collection[Uuid]) -> None:
        """Count what *pool* shows, where the plan has the VMs in *under_way* on their way."""
        names = Names(pool)
        for vm in pool.resident_guests():
            has_left = vm.uuid not in self.ours and self.homes.get(vm.uuid) not in {None, vm.resident_on}
            if has_left or (vm.uuid not in under_way and _is_leaving(vm)):
                self.moved[vm.uuid] = names.vms[vm.uuid]
        self.homes = homes_of(pool)

    @property
    def words(self) -> str:
        """Who was moved."""
        return f"{counted(len(self.moved), 'VM')} ({first_few(sorted(self.moved.values()), SHOWN)})"


def homes_of(pool: Pool) -> dict[Uuid, Uuid | None]:
    """The host of each guest that is on one."""
    return {vm.uuid: vm.resident_on for vm in pool.resident_guests()}


def _is_leaving(vm: VM) -> bool:
    """Whether *vm* is on its way to another host; disks that change their SR stay with it."""
    migrates = not MIGRATIONS.isdisjoint({*vm.current_operations} - {*vm.ghost_operations})
    return migrates and vm.scheduled_to_be_resident_on != vm.resident_on
