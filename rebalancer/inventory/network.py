"""Networks that VIFs and PIFs meet on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.inventory.references import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network; `pifs` counts its physical interfaces over all hosts: none makes it internal to a host."""

    uuid: Uuid
    name: str
    bridge: str
    managed: bool
    pifs: tuple[Uuid, ...]
    other_config: Mapping[str, str]
