"""What whoever logs in may do in a pool, and which certificates its hosts show: before anything is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.errors import ConnectionSettingsError, XapiError
from rebalancer.face.connection import Connection
from rebalancer.inventory import Pool
from rebalancer.xapi import FEATURES, Feature, Permissions, Shown, connect, read_pool, shown_by
from rebalancer.xapi.wire.address import parse_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A pool as it was read, and what its user may.

    Args:
        pool: the pool.
        user: who logged in.
        permissions: what they may.
        certificates: {name of a host: what it shows}.
        silent: {name of a host: why its certificate is not known}.
    """

    pool: Pool
    user: str
    permissions: Permissions
    certificates: Mapping[str, Shown]
    silent: Mapping[str, str]

    @property
    def strangers(self) -> dict[str, str]:
        """{name of a host: SHA-256 of its certificate}, of those that are not trusted."""
        return {host: each.fingerprint for host, each in self.certificates.items() if not each.believed}

    def features(self) -> dict[Feature, tuple[str, ...]]:
        """Every feature with its calls that the user may not make."""
        return {each: self.permissions.missing(each) for each in FEATURES}


def certificate_at(url: str, way: Connection) -> Shown:
    """The certificate at *url*, and whether *way* trusts it.

    Raises:
        ConnectionSettingsError: URL or trust cannot be used.
        XapiError: there is no connection.
    """
    return shown_by(parse_url(url), way.trust())


def admission(url: str, way: Connection) -> Admission:
    """Log in at *url*, read the pool, and look at the certificate of each of its hosts; nothing is changed.

    Raises:
        ConnectionSettingsError: URL, credentials or trust cannot be used.
        XapiError: the pool cannot be reached, or lets nobody in.
    """
    login, trust = way.login(), way.trust()
    with connect(url, login, trust, **way.wishes()) as session:
        pool, permissions, address = read_pool(session), session.permissions(), session.address
    certificates, silent = dict[str, Shown](), dict[str, str]()
    for host in pool.hosts.values():
        try:
            there = address if host.uuid == pool.coordinator else address.at(host.address)
            certificates[host.name] = shown_by(there, trust)
        except (ConnectionSettingsError, XapiError) as error:
            silent[host.name] = error.problem
    return Admission(pool=pool, user=login.user, permissions=permissions, certificates=certificates, silent=silent)
