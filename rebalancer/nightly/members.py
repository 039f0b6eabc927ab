"""What was known of a pool last night: who it is, and where to ask when its coordinator does not answer tonight."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from rebalancer.errors import InputError
from rebalancer.execute import make_state_folder, state_folder
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import MEMBERS
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_whole
from rebalancer.inventory import Pool, Uuid

CLOCK = ".clock.json"
"""How the file ends that tells what the pool's clock showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPool:
    """A pool as it was read last; "" and no addresses where it never was.

    Args:
        uuid: its uuid.
        name: its name.
        members: URLs of its hosts, with the scheme and port at which it was read.
    """

    uuid: Uuid = ""
    name: str = ""
    members: tuple[str, ...] = ()


def keep_pool(url: str, pool: Pool, state_dir: Path | None = None) -> None:
    """Remember *pool*, which was read at *url*, and the addresses of its hosts; what cannot be written is not."""
    file = _file(url, state_dir)
    addresses = sorted({host.address for host in pool.hosts.values()})
    with suppress(OSError):
        make_state_folder(file.parent)
        write_whole(file, json.dumps({"uuid": pool.uuid, "name": pool.name, "addresses": addresses}).encode())


def known_pool(url: str, state_dir: Path | None = None) -> KnownPool:
    """What is known of the pool at *url*.

    Who answers at the address of a member has to show a certificate that is trusted, like everybody.
    """
    try:
        told = json_in(bytes_of(_file(url, state_dir), MEMBERS), MEMBERS)
        told = told if isinstance(told, dict) else {"addresses": told}  # addresses alone, before they had names
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        addresses = [each for each in map(_address, told["addresses"]) if each]
    except (InputError, ValueError, TypeError, KeyError):
        return KnownPool()
    reachable = [each for each in addresses if parts.scheme == "https" or each.is_loopback]
    members = (f"{parts.scheme}://{f'[{each}]' if each.version > 4 else each}{port}" for each in reachable)  # noqa: PLR2004
    return KnownPool(uuid=str(told.get("uuid", "")), name=str(told.get("name", "")), members=tuple(members))


def keep_ahead(url: str, ahead: timedelta, state_dir: Path | None = None) -> None:
    """Remember by how much the clock of the pool at *url* is *ahead* of this machine's; else it is not."""
    file = _file(url, state_dir, CLOCK)
    with suppress(OSError):
        make_state_folder(file.parent)
        write_whole(file, json.dumps({"ahead_seconds": ahead.total_seconds()}).encode())


def known_ahead(url: str, state_dir: Path | None = None) -> timedelta:
    """By how much the clock of the pool at *url* was ahead of this machine's when it was last gone by."""
    try:
        told = json_in(bytes_of(_file(url, state_dir, CLOCK), MEMBERS), MEMBERS)
        return timedelta(seconds=float(told["ahead_seconds"]))
    except (InputError, ValueError, TypeError, KeyError, OverflowError):
        return timedelta()


def _address(text: object) -> IPv4Address | IPv6Address | None:
    """The address that *text* is, None where it is none: a host may have none yet."""
    try:
        return ip_address(str(text))
    except ValueError:
        return None


def _file(url: str, state_dir: Path | None, ending: str = ".json") -> Path:
    return state_folder(state_dir) / "members" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}{ending}"
