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

    A prediction is wrong where the peak of a host comes to be above it by more than `prediction_error`, a share of the
    host's pCPUs.
    """

    url: Annotated[str, AfterValidator(_without_secret)] | None = None
    credentials_file: Title | None = None
    prediction_error: Annotated[float, Field(gt=0, le=MUCH)] = 0.2
