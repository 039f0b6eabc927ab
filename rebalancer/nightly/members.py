"""Where the hosts of a pool were last night: addresses to ask when its coordinator does not answer tonight."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from rebalancer.errors import InputError
from rebalancer.execute import make_state_folder, state_folder
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import MEMBERS
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_whole
from rebalancer.inventory import Pool


def keep_members(url: str, pool: Pool, state_dir: Path | None = None) -> None:
    """Remember the addresses of the hosts of *pool*, which was read at *url*; what cannot be written is not."""
    file = _file(url, state_dir)
    with suppress(OSError):
        make_state_folder(file.parent)
        write_whole(file, json.dumps(sorted({host.address for host in pool.hosts.values()})).encode())


def known_members(url: str, state_dir: Path | None = None) -> tuple[str, ...]:
    """URLs of the hosts that the pool at *url* had when it was read last, with its scheme and port.

    Who answers there has to show a certificate that is trusted, like everybody.
    """
    try:
        told = json_in(bytes_of(_file(url, state_dir), MEMBERS), MEMBERS)
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        addresses = [ip_address(each) for each in told]
    except (InputError, ValueError, TypeError):
        return ()
    reachable = [each for each in addresses if parts.scheme == "https" or each.is_loopback]
    return tuple(f"{parts.scheme}://{f'[{each}]' if each.version > 4 else each}{port}" for each in reachable)  # noqa: PLR2004


def _file(url: str, state_dir: Path | None) -> Path:
    return state_folder(state_dir) / "members" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.json"
