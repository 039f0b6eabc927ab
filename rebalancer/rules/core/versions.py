"""Versions as xapi compares them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from rebalancer.inventory import Host, Pool

Version = tuple[int, ...]

LEVELS_PER_DOMAIN_TYPE: Version = (1, 9, 90)
"""The first xapi with a CPU level for HVM and one for PV (XenServer 7.0)."""

SNAPSHOTS_FOLLOW: Version = (1, 9, 70)
"""The first xapi that copies any number of snapshots with a VM that takes disks along (XenServer 7.0)."""

COMPARES_XEN_AND_BUILD: Version = (25, 31)
"""The first xapi that compares more than `platform_version` before it lets a VM go to another version."""

XAPI_OF_PLATFORM: tuple[tuple[Version, Version], ...] = (
    ((3, 4), (24, 19)),
    ((3, 2), (1, 249)),
    ((2, 1), (1, 9, 90)),
)
"""platform_version at least the first: xapi at least the second (XCP-ng 8.3, 8.2, XenServer 7.0)."""

BEFORE_PLATFORM_VERSIONS: Version = (1, 3)
"""What XenServer 5.6 to 6.5 call their xapi."""


@cache
def numbers(version: str) -> Version:
    """The integers of a version: `4.17.5-13` is (4, 17, 5, 13); what is no integer is left out.

    Only what stands before a second hyphen counts (`helpers.ml`, `version_numbers_of_string`).
    """
    parts = [part for piece in version.split("-")[:2] for part in piece.split(".")]
    return tuple(int(part) for part in parts if part.isdecimal())


def xapi_version(host: Host) -> Version | None:
    """The version of xapi that *host* runs; None where it does not say, or what it says cannot be read."""
    software = host.software_version
    build, platform = numbers(software.get("xapi_build", "")), numbers(software.get("platform_version", ""))
    if build:
        return build
    silent = "platform_version" not in software and "product_version" in software
    if "xapi_build" in software or not (platform or silent):
        return None
    return next((xapi for least, xapi in XAPI_OF_PLATFORM if platform >= least), BEFORE_PLATFORM_VERSIONS)


def xapi_versions(pool: Pool) -> frozenset[Version | None]:
    """The versions that decide: those of the coordinators, of which pools that were joined have several."""
    return frozenset(xapi_version(pool.hosts[coordinator]) for coordinator in pool.coordinators)


def migration_versions(software: Mapping[str, str], coordinator: Version | None) -> tuple[tuple[str, Version], ...]:
    """What may not decrease when a VM migrates, by name; a host that does not say runs 0.0.0."""
    compares_all = coordinator is None or coordinator >= COMPARES_XEN_AND_BUILD
    keys = ("platform_version", "xapi_build", "xen") if compares_all else ("platform_version",)
    return tuple((key, numbers(software.get(key, "0.0.0"))) for key in keys)
