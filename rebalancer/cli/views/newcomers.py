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
    from rebalancer.scenarios import Outcome
    from rebalancer.whatif import Place
    from rebalancer.whatif.failures import Failure
    from rebalancer.whatif.fit.answer import Fit


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
        {"host": "name", "may start": "left", "rule": "left", "why": "text"},
        [
            (spot.host, "yes" if spot.allowed else "no", spot.refusals[0].rule if spot.refusals else "", spot.reason)
            for spot in last.spots
        ],
    )


FIGURES = ("overload", "after", "bound", "hosts over", "GiB free", "outlived", "moves", "GiB")


def scenario_tables(found: Sequence[Outcome]) -> Iterator[RenderableType]:
    """One row a scenario; then what has to be done first, and why some cannot be."""
    yield table(
        "Scenarios",
        {
            "scenario": "name",
            "feasible": "left",
            **dict.fromkeys(FIGURES, "right"),
            "stuck": "text",
        },
        [
            (
                each.name,
                "yes" if each.feasible else "no",
                *map(_figure, (each.overload_now, each.overload, each.overload_bound)),
                "" if each.over is None else f"{each.over_now} -> {each.over}",
                _figure(each.memory_free_gib),
                "" if each.hosts is None else f"{each.failures_outlived} of {each.hosts}",
                "" if each.moves is None else each.moves,
                _figure(each.gib),
                each.stuck_by,
            )
            for each in found
        ],
    )
    first = [(each.name, words) for each in found for words in each.first]
    if first:
        yield table("To be done first", {"scenario": "name", "what": "text"}, first)
    refused = [(each.name, each.why) for each in found if not each.feasible]
    if refused:
        yield table("Not feasible", {"scenario": "name", "why": "text"}, refused)
    if any(each.overload is not None for each in found):
        yield heading("Overload in pCPU-hours; no placement is below the bound, whatever is moved.")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def failure_tables(found: Sequence[Failure]) -> Iterator[RenderableType]:
    """One row a failure; then the VMs that stay down."""
    lost = sum(bool(each.down) for each in found)
    yield heading(f"After {lost} of {len(found)} failures VMs stay down.")
    yield table(
        "If they die",
        {"hosts": "name", "VMs": "right", "memory": "right", "down": "right", "busiest": "name", "CPU peak": "right"},
        [
            (
                ", ".join(each.hosts),
                each.guests,
                f"{each.memory_gib:.1f} GiB",
                len(each.down),
                each.hottest or "",
                "" if each.cpu_peak is None else f"{each.cpu_peak:.0%}",
            )
            for each in found
        ],
    )
    rows = {(down.vm, down.host, down.rule, down.why) for each in found for down in each.down}
    if rows:
        yield table("Stay down", {"VM": "name", "on": "name", "rule": "left", "why": "text"}, sorted(rows))


def fit_tables(found: Fit) -> Iterator[RenderableType]:
    """How many, then what ends it on each host, then who moves."""
    yield heading(found.sentence)
    yield table(
        "On each host",
        {"host": "name", "more": "right", "rule": "left", "ended by": "text"},
        [(each.host, " + ".join(map(str, each.starts)), each.rule, each.ends) for each in found.hosts],
    )
    if found.moves:
        yield table(
            "To make room",
            {"VM": "name", "from": "name", "to": "name", "memory": "right"},
            [(each.vm, each.source, each.target, f"{each.gib:.1f} GiB") for each in found.moves],
        )
