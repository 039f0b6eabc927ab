"""The curve of cost against load, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.solve import Point, Tradeoff
from rebalancer.units import counted

UNITS = {"gib": "GiB", "moves": "moves"}
FIGURES = ("allowed", "moves", "gib", "load_cost", "bound", "gap")


def tradeoff_tables(curve: Tradeoff) -> Iterator[RenderableType]:
    """What the curve says in a sentence, and a row a point."""
    yield heading(_sentence(curve))
    yield table(
        f"What a lower load cost takes (load cost in {curve.unit})",
        {
            "moves": "right",
            "GiB": "right",
            "load cost": "right",
            "none that pays as much is below": "right",
            "gap": "right",
            "": "left",
        },
        [(*_figures(point), ", ".join(_marks(curve, number))) for number, point in enumerate(curve.points)],
    )


def tradeoff_document(curve: Tradeoff) -> dict[str, Any]:
    """The curve as a JSON document, placements left out."""
    return {
        "cost": curve.cost.value,
        "unit": curve.unit,
        "knee": curve.knee,
        "chosen": curve.chosen,
        "breaches": curve.breaches,
        "last_resorts": curve.last_resorts,
        "limits": list(curve.limits),
        "points": [
            {name: round(getattr(point, name), 6) for name in FIGURES} | {"proved": point.proved}
            for point in curve.points
        ],
    }


def _sentence(curve: Tradeoff) -> str:
    left_out = _left_out(curve)
    if len(curve.points) == 1:
        least = f"{curve.points[0].load_cost:.4g} {curve.unit}"
        return f"No placement was found whose load costs less than {least}.{left_out}"
    proved = sum(point.proved for point in curve.points)
    words = f"{proved} of {len(curve.points)} points are proved best for their price."
    if curve.knee is not None:
        knee = curve.points[curve.knee]
        paid = f"{knee.paid(curve.cost):.4g} {UNITS[curve.cost.value]}"
        words = f"The knee is at {paid}, where load costs {knee.load_cost:.4g} {curve.unit}. {words}"
    return words + left_out


def _left_out(curve: Tradeoff) -> str:
    words = f" Repairs are left out: {curve.breaches:g} breaches of tonight stay at most." if curve.breaches else ""
    moved = curve.last_resorts
    reluctant = [] if moved is None else [f"moves of at most {counted(moved, 'last resort')}"]
    kept = " and ".join([*curve.limits, *reluctant])
    return f"{words} Only placements with {kept} are looked at." if kept else words


def _figures(point: Point) -> tuple[object, ...]:
    gap = "proved" if point.proved else f"{point.gap:.1%}"
    return point.moves, f"{point.gib:.4g}", f"{point.load_cost:.4g}", f"{point.bound:.4g}", gap


def _marks(curve: Tradeoff, number: int) -> Iterator[str]:
    if number == curve.knee:
        yield "knee"
    if number == curve.chosen:
        yield "best by the policy's prices"
