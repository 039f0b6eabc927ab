"""A forecast as tables for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import RenderableType

import rebalancer as rb
from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.units import counted
from rebalancer.whatif.forecast import COVERAGE, Runway


def forecast_tables(found: rb.Forecast) -> Iterator[RenderableType]:
    """How long each resource lasts, and what is remarkable about VMs."""
    yield table(
        "How long it lasts",
        {"resource": "left", "now": "right", "limit": "right", "lasts": "right", "from": "right", "to": "right"},
        [_row(each) for each in found.runways],
    )
    for each in found.runways:
        yield heading(f"{each.course.resource}: {each.course.means}. {_condition(each)}")
    if len(found.runways) == 1:
        yield heading("memory: known from the nights of the history alone.")
    if found.findings:
        names = found.model.problem.names
        yield table(
            "VMs worth a look",
            {"VM": "name", "host": "name", "kind": "left", "vCPUs": "right", "evidence": "text"},
            [
                (names.vms[each.vm], names.hosts[each.host], each.kind.value, str(each.vcpus), each.words)
                for each in found.findings
            ],
        )


def _row(each: Runway) -> tuple[str, ...]:
    course = each.course
    now = f"{course.daily[-1]:.1f} {course.unit}" if len(course.daily) else "?"
    days = (_lasts(each.days, each), _lasts(each.earliest, each), _lasts(each.latest, each))
    return course.resource, now, f"{course.limit:.1f} {course.unit}", *days


def _lasts(days: int | None, each: Runway) -> str:
    if each.ahead is None:
        return "?"
    return counted(days, "day") if days is not None else f"over {counted(each.horizon, 'day')}"


def _condition(each: Runway) -> str:
    if each.words:
        return f"No forecast: {each.words}."
    return f"By {counted(each.course.known_days, 'day')}, if the trend goes on; {COVERAGE:.0%} of days fall between."


def forecast_document(found: rb.Forecast) -> dict[str, object]:
    """Plain values for programs; days are null where the limit is not reached within the horizon."""
    return {
        "resources": [
            {
                "resource": each.course.resource,
                "unit": each.course.unit,
                "now": float(each.course.daily[-1]) if len(each.course.daily) else None,
                "limit": each.course.limit,
                "days": each.days,
                "earliest_days": each.earliest,
                "latest_days": each.latest,
                "horizon_days": each.horizon,
                "known_days": each.course.known_days,
                "why_not": each.words,
            }
            for each in found.runways
        ],
        "vms": [asdict(each) | {"kind": each.kind.value} for each in found.findings],
    }
