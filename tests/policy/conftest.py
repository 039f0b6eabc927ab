"""A small pool that policies are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.inventory import VM, Host, Pool
from tests.pools import make_dom0, make_host, make_pool, make_vm


def guest(name: str, host: str | None, **changes: Any) -> VM:  # noqa: ANN401 - fields of VM
    """A guest of 4 GiB on *host*, or halted; its uuid is `uuid-NAME`."""
    return replace(make_vm(f"uuid-{name}", on=host and f"uuid-{host}", gib=4), **{"name": name, **changes})


def base_guests() -> list[VM]:
    """Four running guests, one halted, and a template."""
    return [
        guest("web-1", "a"),
        guest("web-2", "b"),
        guest("db-1", "a", tags=("database",)),
        guest("db-2", "b", tags=("database",)),
        guest("old", None, tags=("legacy",)),
        guest("debian", None, is_a_template=True),
        replace(make_dom0("uuid-a"), name="dom0"),
    ]


def in_racks(racks: str) -> list[Host]:
    """The hosts a, b and c, tagged with the rack of each."""
    return [
        replace(make_host(f"uuid-{name}", tags=(f"rack:{rack}", "rack:")), name=name)
        for name, rack in zip("abc", racks, strict=True)
    ]


@pytest.fixture
def pool_with() -> Callable[..., Pool]:
    """A function that makes the base pool of hosts a, b and c with further VMs or other tables."""
    hosts = [replace(make_host(f"uuid-{name}"), name=name) for name in "abc"]

    def make(*vms: VM, **tables: Any) -> Pool:  # noqa: ANN401 - fields of Pool
        return make_pool(**{"hosts": hosts, "vms": [*base_guests(), *vms], **tables})

    return make


@pytest.fixture
def pool(pool_with: Callable[..., Pool]) -> Pool:
    """The base pool."""
    return pool_with()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A function that writes a policy file."""

    def to_file(text: str) -> Path:
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file
