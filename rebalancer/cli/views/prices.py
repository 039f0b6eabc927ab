"""What rules, groups and limits cost, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table

if TYPE_CHECKING:
    from rebalancer.whatif.prices.price import Price


def price_tables(found: Sequence[Price], *, every: bool) -> Iterator[RenderableType]:
    """One row for each that costs anything, or for *every* one, the dearest first; then how far that is sure."""
    shown = [each for each in found if every or each.costs]
    if shown:
        yield table(
            "Without it there is less, or where below 0 more",
            {
                "rule": "name",
                "kind": "left",
                "overload": "right",
                "at most": "right",
                "GiB": "right",
                "moves": "right",
                "breaches": "right",
                "how": "text",
            },
            [
                (
                    each.name,
                    each.kind,
                    *map(_figure, (each.overload_saved, each.overload_saved_at_most, each.gib_saved)),
                    each.moves_saved,
                    f"{each.breaches_saved:g}",
                    each.how or "cannot be relaxed: XAPI enforces it",
                )
                for each in shown
            ],
        )
    if len(shown) < len(found):
        rest = len(found) - len(shown)
        yield heading(f"Not listed: {rest} that cost nothing.")
    proved = sum(each.proved for each in found)
    sure = f"{proved} of {len(found)} prices are proved, the others are beside placements found"
    if proved == len(found):
        sure = "all prices are proved"
    yield heading(f"Overload in pCPU-hours; {sure}. Prices do not add up.")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:z.1f}"
