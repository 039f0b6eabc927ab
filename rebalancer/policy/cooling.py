"""VMs that moved a short while ago, as the policy of a plan carries them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from rebalancer.policy.section import Section


class CoolingPolicy(Section):
    """A VM, by uuid, that moved at `moved_at` and rather stays until `until`; `cool_down_hours` writes them."""

    vm: Annotated[str, Field(min_length=1)]
    moved_at: AwareDatetime
    until: AwareDatetime

    @property
    def words(self) -> str:
        """Why the VM rather stays."""
        return f"it moved at {_clock(self.moved_at)} and cools down until {_clock(self.until)}"


def _clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
