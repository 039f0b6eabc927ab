"""Who hears how solving goes on."""

from __future__ import annotations

from rebalancer.tier import TierResult


class SolveReporter:
    """A listener: overwrite what is of interest; nothing depends on the answer."""

    def instance(self, *, hosts: int, units: int, pairs: int) -> None:
        """The problem is ready: VMs that may move, joined into *units*, and where they may go."""

    def tier_started(self, objective: str, unit: str, value: float) -> None:
        """An objective is being improved; it stands at *value*."""

    def progress(self, objective: str, value: float, bound: float) -> None:
        """Something better was found, or the bound has risen."""

    def tier_done(self, result: TierResult) -> None:
        """An objective is done with."""
