"""Which host runs a newer XAPI than which (helpers.ml: Checks.Migration, Checks.RPU)."""

from __future__ import annotations

from rebalancer.simulator.checks.facts import pool_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure

COMPARED = ("platform_version", "xapi_build", "xen")
UPGRADED = ("platform_version", "xapi")


def version(text: str | None) -> list[int]:
    """The integers of a version, up to a second hyphen; others are dropped, a missing one is 0.0.0."""
    if text is None:
        return [0, 0, 0]
    return [int(part) for piece in text.split("-")[:2] for part in piece.split(".") if part.isdigit()]


def coordinator_build(database: Database) -> list[int]:
    """The version of the XAPI on the pool's coordinator."""
    return version(database.get("host", pool_of(database)["master"])["software_version"].get("xapi_build"))


def is_older(database: Database, host: str, than: str) -> bool:
    """Whether a host is behind another in any of the three versions that a move compares."""
    return is_behind(database.get("host", host), database.get("host", than))


def is_behind(host: Record, than: Record) -> bool:
    """Whether a host, by its record, is behind another in any of these versions."""
    there, here = host["software_version"], than["software_version"]
    return any(version(there.get(key)) < version(here.get(key)) for key in COMPARED)


def assert_as_coordinator(database: Database, vm: str, host: str) -> None:
    """Raise VM_HOST_INCOMPATIBLE_VERSION [host, vm] unless the host is as old and new as the coordinator."""
    ours = database.get("host", pool_of(database)["master"])["software_version"]
    theirs = database.get("host", host)["software_version"]
    if any(version(ours.get(key)) != version(theirs.get(key)) for key in UPGRADED):
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VERSION", host, vm)
