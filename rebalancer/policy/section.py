"""What all parts of a policy have in common."""

from __future__ import annotations

from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone such as 'UTC' or 'Europe/Berlin'") from None
    return name


MUCH = 1_000_000
"""More moves, GiB, hours, pCPUs or pCPU-hours than any pool has; solver and calendar hold this much."""
Title = Annotated[str, Field(min_length=1)]
Names = tuple[Title, ...]
"""VMs, hosts or SRs: each a uuid, a name, or `tag:NAME` for all that carry the tag."""
Share = Annotated[float, Field(gt=0, le=1)]
Zone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    """A part of the policy: frozen, and an unknown key, an infinite number or a NaN is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def spelled_out(self) -> Self:
        """The same, with every key that has a default given."""
        return self.model_validate(self.model_dump())

    def given(self) -> dict[str, Any]:
        """The keys that were given, as JSON has them; of what was spelled out, all that there were then."""
        return self.model_dump(mode="json", exclude_unset=True)
