"""VMs that are not there yet, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import RenderableType

import rebalancer as rb
from rebalancer.cli.output import heading
from rebalancer.cli.table import table

if TYPE_CHECKING:
    from rebalancer.whatif import Place


def wanted_of(vm: str | None, vcpus: int | None, memory_gib: float | None, load: float | None) -> str | rb.Shape:
    """What was typed: a VM, or a size.

    Raises:
        BadParameter: both, or neither.
    """
    if (vm is None) == (vcpus is None and memory_gib is None):
        raise typer.BadParameter("name a VM, or a size by --vcpus and --memory-gib", param_hint="VM")
    if vm is not None:
        return vm
    if vcpus is None or memory_gib is None:
        raise typer.BadParameter("a size needs both", param_hint="--vcpus and --memory-gib")
    return rb.Shape(vcpus=vcpus, memory_gib=memory_gib, load=load)


def place_tables(found: Sequence[Place]) -> Iterator[RenderableType]:
    """One table for a VM; for several where each goes, and the hosts of the last."""
    if len(found) > 1:
        rows = [(each.vm, each.host or "nowhere") for each in found]
        yield table("Where each starts", {"VM": "name", "host": "name"}, rows)
    last = found[-1]
    yield heading(f"{last.vm} starts on {last.host}" if last.host else f"No host takes {last.vm}")
    yield table(
        "Hosts, the best first",
        {"host": "name", "open": "left", "rule": "left", "why": "text"},
        [
            (spot.host, "yes" if spot.open else "no", spot.refusals[0].rule if spot.refusals else "", spot.reason)
            for spot in last.spots
        ],
    )
