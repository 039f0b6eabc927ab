"""How the nightly run gets into its pool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the coordinator is, and the way in."""

    url: str
    connection: rb.Connection


def access_of(policy: rb.Policy, base: Path, environment: Mapping[str, str] = os.environ) -> Access:
    """What the section `[pool]` of *policy* says, with paths relative to *base*, the folder of the policy file.

    Without a credentials file, user and password come from the *environment*.

    Raises:
        ConnectionSettingsError: there is no URL, or what it needs is missing or cannot be used.
    """
    if not policy.pool.url:
        raise ConnectionSettingsError("pool.url of the policy", "it is missing", "Say there where the pool is")
    connection = rb.Connection.of_policy(policy, base)
    connection.trust()
    return Access(url=policy.pool.url, connection=replace(connection, credentials=connection.login(environment)))
