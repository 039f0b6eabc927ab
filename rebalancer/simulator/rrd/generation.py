"""Three generations of xcp-rrdd, which differ in their JSON, their digits and their data sources."""

from __future__ import annotations

from enum import Enum


class Generation(Enum):
    """Whose answers are given: of XCP-ng 8.2, of xcp-rrd 1.10 (2023), or of xapi 24.11 and newer."""

    OLD = "8.2"
    NESTED = "1.10"
    NEW = "24.11"

    @property
    def number_format(self) -> str:
        """How a value is written: four decimals on 8.2, five digits until xapi 25.3, fifteen since."""
        return {Generation.OLD: "%.4f", Generation.NESTED: "%.5g", Generation.NEW: "%.15g"}[self]

    @property
    def negotiates(self) -> bool:
        """Whether the Accept header is read (xapi 23.17 and newer)."""
        return self is not Generation.OLD

    @property
    def has_usage(self) -> bool:
        """Whether VMs have cpu_usage and hosts have hostload."""
        return self is not Generation.OLD
