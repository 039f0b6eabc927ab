"""Where the hosts of a pool were last night: addresses to ask when its coordinator does not answer tonight."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from rebalancer.execute import make_folder, state_folder
from rebalancer.inventory import Pool


def keep_members(url: str, pool: Pool, state_dir: Path | None = None) -> None:
    """Remember the addresses of the hosts of *pool*, which was read at *url*; what cannot be written is not."""
    file = _file(url, state_dir)
    waiting = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        make_folder(file.parent)
        waiting.write_text(json.dumps(sorted({host.address for host in pool.hosts.values()})), encoding="utf-8")
        waiting.replace(file)


def known_members(url: str, state_dir: Path | None = None) -> tuple[str, ...]:
    """URLs of the hosts that the pool at *url* had when it was read last, with its scheme and port.

    Who answers there has to show a certificate that is trusted, like everybody.
    """
    try:
        told = json.loads(_file(url, state_dir).read_text(encoding="utf-8"))
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        addresses = [ip_address(each) for each in told]
    except (OSError, ValueError, TypeError):
        return ()
    reachable = [each for each in addresses if parts.scheme == "https" or each.is_loopback]
    return tuple(f"{parts.scheme}://{f'[{each}]' if each.version > 4 else each}{port}" for each in reachable)  # noqa: PLR2004


def _file(url: str, state_dir: Path | None) -> Path:
    return state_folder(state_dir) / "members" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.json"
