"""Versions as xapi compares them."""

from __future__ import annotations

from rebalancer.inventory import Host

Version = tuple[int, ...]

XAPI_OF_PLATFORM: tuple[tuple[Version, Version], ...] = (
    ((3, 4), (24, 19)),
    ((3, 2), (1, 249)),
    ((2, 1), (1, 9, 90)),
    ((1, 0), (1, 3)),
)
"""platform_version at least the first: xapi at least the second (XCP-ng 8.3, 8.2, XenServer 7.0, 6.0)."""


def numbers(version: str) -> Version:
    """The integers of a version, in order: `4.17.5-13` is (4, 17, 5, 13); what is no integer is left out."""
    return tuple(int(part) for part in version.replace("-", ".").split(".") if part.isdecimal())


def xapi_version(host: Host) -> Version | None:
    """The version of xapi that *host* runs; None where it does not say."""
    build = numbers(host.software_version.get("xapi_build", ""))
    if build:
        return build
    platform = numbers(host.software_version.get("platform_version", ""))
    return next((xapi for least, xapi in XAPI_OF_PLATFORM if platform >= least), None) if platform else None
