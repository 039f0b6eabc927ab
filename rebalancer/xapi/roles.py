"""What each feature asks of a pool, and the least role of XAPI that may: the one table, which docs and errors follow.

Roles are those of xapi's datamodel, from the least to the most: read-only, vm-operator, vm-admin, vm-power-admin,
pool-operator, pool-admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

READER: Final = "read-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Something that the product does in a pool.

    Args:
        name: as people know it.
        calls: what it takes beside reading, as XAPI's permissions spell them, in their case.
        role: the least role that has all of them.
        executes: whether carrying a plan out inside one pool cannot do without.
        sleeps: whether hosts that sleep take it beside that.
    """

    name: str
    calls: tuple[str, ...] = ()
    role: str = READER
    executes: bool = False
    sleeps: bool = False


FEATURES: Final = (
    Feature(name="planning"),
    Feature(
        name="asking XAPI before a step", calls=("VM.assert_operation_valid", "VM.assert_can_boot_here"), executes=True
    ),
    Feature(
        name="the lock in the pool",
        calls=("pool.add_to_gui_config", "pool.remove_from_gui_config"),
        role="vm-operator",
        executes=True,
    ),
    Feature(
        name="marks on VMs",
        calls=("VM.add_to_other_config", "VM.remove_from_other_config"),
        role="vm-admin",
        executes=True,
    ),
    Feature(name="a step", calls=("VM.pool_migrate",), role="vm-power-admin", executes=True),
    Feature(
        name="a step with disks, or to another pool",
        calls=("host.migrate_receive", "VM.assert_can_migrate", "VM.migrate_send"),
        role="vm-power-admin",
    ),
    Feature(name="tasks that an earlier run sent as another user", calls=("task.destroy/any",), role="pool-operator"),
    Feature(
        name="taking hosts out of service, and back",
        calls=("host.disable", "host.enable"),
        role="pool-operator",
        sleeps=True,
    ),
    Feature(name="rebooting hosts that are empty", calls=("host.reboot",), role="pool-operator"),
    Feature(
        name="switching hosts off that sleep, and on again",
        calls=("host.shutdown", "host.power_on"),
        role="pool-operator",
        sleeps=True,
    ),
    Feature(name="shutting VMs down that cannot leave their host", calls=("VM.clean_shutdown",), role="vm-operator"),
    Feature(
        name="switching off those of them that do not react, where the policy names them",
        calls=("VM.hard_shutdown",),
        role="vm-operator",
    ),
    Feature(name="starting these VMs on their host", calls=("VM.start_on",), role="vm-power-admin"),
    Feature(
        name="keeping HA and auto-power-on away from them meanwhile",
        calls=("VM.set_ha_restart_priority", "pool.add_to_other_config", "pool.remove_from_other_config"),
        role="pool-operator",
    ),
    Feature(name="messages in the pool", calls=("message.create",), role="pool-operator"),
)

ROLES: Final[Mapping[str, str]] = {call.lower(): each.role for each in FEATURES for call in each.calls}
"""The least role that has a permission, in small letters as XAPI names it; whatever only reads needs `READER`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a session may.

    Args:
        unlimited: whether it is the local root's, who may all.
        held: its permissions, in small letters.
    """

    unlimited: bool
    held: frozenset[str]

    def missing(self, feature: Feature) -> tuple[str, ...]:
        """The calls of *feature* that it may not make."""
        return tuple(call for call in feature.calls if not self.unlimited and call.lower() not in self.held)
