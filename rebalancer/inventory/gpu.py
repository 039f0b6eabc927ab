"""Kinds of virtual GPU."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory.references import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class VGPUType:
    """A kind of virtual GPU; `implementation` decides whether it can migrate."""

    uuid: Uuid
    model_name: str
    implementation: str
