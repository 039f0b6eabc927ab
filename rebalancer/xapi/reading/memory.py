"""What memory a VM has, and what it may have, as the pool says now."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import NULL_REFS
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import understanding


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMemory:
    """A VM's memory in bytes: its dynamic range, what its host lets it have of that, and what it has.

    The last two are None where the pool does not say.
    """

    dynamic_min_bytes: int
    dynamic_max_bytes: int
    target_bytes: int | None
    actual_bytes: int | None


def guest_memory(session: ReadSession, vm_uuid: Uuid) -> GuestMemory:
    """The memory of a VM, now.

    Raises:
        RefusedByXapi: the pool does not know the VM.
        Unreachable: it does not answer, or not as XAPI does.
    """
    fields = Fields("VM", session.record("VM", session.ref("VM", vm_uuid)))
    with understanding(session.url):
        metrics = fields.text("metrics")
        actual = None if metrics in NULL_REFS else Fields("VM_metrics", session.record("VM_metrics", metrics))
        return GuestMemory(
            dynamic_min_bytes=fields.integer("memory_dynamic_min"),
            dynamic_max_bytes=fields.integer("memory_dynamic_max"),
            target_bytes=fields.optional_integer("memory_target") or None,
            actual_bytes=actual.optional_integer("memory_actual") or None if actual else None,
        )
