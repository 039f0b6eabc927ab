"""The section `pool` of a policy: how `nightly` reaches the pool."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from rebalancer.policy.hours import Clock
from rebalancer.policy.sections import Section

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _fingerprint(digits: str) -> str:
    if not _SHA256.fullmatch(digits.rpartition("=")[2].strip().replace(":", "")):
        raise ValueError(f"{digits!r} is not a SHA-256 fingerprint of 64 hex digits")
    return digits


class PoolPolicy(Section):
    """How `nightly` reaches the pool: its coordinator, which certificates are believed, and where the password is.

    A pool that does not answer is tried again each `retry_minutes` until `retry_until`, a time of day in the policy's
    zone; without it, the night is given up at once.
    """

    url: str | None = None
    ca_file: str | None = None
    fingerprints: tuple[Annotated[str, AfterValidator(_fingerprint)], ...] = ()
    credentials_file: str | None = None
    tls: Literal["modern", "legacy"] = "modern"
    fallback_urls: tuple[str, ...] = ()
    retry_until: Clock | None = None
    retry_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 5.0

    @model_validator(mode="after")
    def _legacy_is_pinned(self) -> PoolPolicy:
        if self.tls == "legacy" and not self.fingerprints:
            raise ValueError('tls = "legacy" needs fingerprints: who old hosts are, nothing else can tell')
        return self
