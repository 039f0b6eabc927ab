"""CPU samples of several days, as `rebalancer replay` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

FIRST = datetime(2026, 3, 2, tzinfo=UTC)


def traces_of(vms: Iterable[str], *, days: int, pcpu: float = 0.5) -> str:
    """The same use of each VM in all hours of so many days."""
    hours = [(FIRST + timedelta(hours=hour)).isoformat() for hour in range(24 * days)]
    return "vm_uuid,time,pcpu\n" + "".join(f"{vm},{hour},{pcpu}\n" for vm in vms for hour in hours)
