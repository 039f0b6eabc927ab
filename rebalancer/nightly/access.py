"""How the nightly run gets into its pool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rebalancer.errors import ConnectionSettingsError
from rebalancer.policy import Policy
from rebalancer.xapi import Credentials, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the coordinator is, who logs in, and which certificates are believed."""

    url: str
    credentials: Credentials
    trust: Trust


def access_of(policy: Policy, base: Path, environment: Mapping[str, str] = os.environ) -> Access:
    """What the section `[pool]` of *policy* says; its paths are relative to *base*, the folder of the policy file.

    Without a credentials file, user and password come from the environment.

    Raises:
        ConnectionSettingsError: there is no URL, or what it needs is missing or cannot be used.
    """
    pool = policy.pool
    if not pool.url:
        raise ConnectionSettingsError("pool.url of the policy", "it is missing", "Say there where the pool is")
    file = pool.credentials_file
    credentials = Credentials.from_file(base / file) if file else Credentials.from_environment(environment)
    ca_file = base / pool.ca_file if pool.ca_file else None
    return Access(
        url=pool.url, credentials=credentials, trust=Trust(ca_file=ca_file, fingerprints=frozenset(pool.fingerprints))
    )
