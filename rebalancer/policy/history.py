"""The section of a policy that says where the history is kept."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field

from rebalancer.policy.sections import MUCH, Section, Title

SCHEME = "postgresql"


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        raise ValueError(f"it does not begin with {SCHEME}://")
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise ValueError("it holds a password: write that to history.credentials_file, or set PGPASSWORD")
    return url


class HistoryPolicy(Section):
    """Where nights, plans, runs and load are kept: in a PostgreSQL database, without a `url` in the state folder.

    `samples_days` and `runs_days` are for how many days the database holds load, and all else; `journals_days` and
    `plans_days` for how many journals and plans stay in the state folder.

    A prediction is wrong where the peak of a host comes to be above it by more than `prediction_error`, a share of the
    host's pCPUs. A VM that moves `flapping_moves` times within the days that a report is about flaps.
    """

    url: Annotated[str, AfterValidator(_without_secret)] | None = None
    credentials_file: Title | None = None
    samples_days: Annotated[int, Field(ge=1, le=MUCH)] = 365
    runs_days: Annotated[int, Field(ge=1, le=MUCH)] = 1095
    journals_days: Annotated[int, Field(ge=1, le=MUCH)] = 365
    plans_days: Annotated[int, Field(ge=1, le=MUCH)] = 90
    prediction_error: Annotated[float, Field(gt=0, le=MUCH)] = 0.2
    flapping_moves: Annotated[int, Field(ge=2, le=MUCH)] = 3
