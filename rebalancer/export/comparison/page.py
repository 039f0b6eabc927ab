"""Two plans on one page that needs nothing else, see `rebalancer.pages`: what `rebalancer diff` tells, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rebalancer.diff.diff import plan_differences
from rebalancer.diff.vm_moves import vm_moves
from rebalancer.errors import InputError
from rebalancer.export.comparison.figures import FIGURE_COLUMNS, TIER_COLUMNS, figure_rows, risks_of, tier_rows
from rebalancer.export.comparison.rows import SIGNS, host_pairs, moved_from
from rebalancer.export.page.verdict import verdict
from rebalancer.export.rows import conditions
from rebalancer.files.writing import write_whole
from rebalancer.pages.render import Page, rendered
from rebalancer.plan import Plan


def comparison_page(first: Plan, second: Plan, names: Sequence[str]) -> str:
    """*first* and *second*, which people know by *names*, as HTML."""
    page = Page(
        package="rebalancer.export.comparison",
        template="diff.html",
        timezone=second.policy.timezone,
        styles=("pages/panels.css", "own/diff.css"),
    )
    plans = (first, second)
    found = plan_differences(first, second)
    return rendered(
        page,
        sides=[(name, plan, verdict(plan)) for name, plan in zip(names, plans, strict=True)],
        same=not found,
        counts=_counts(first, second),
        figures=figure_rows(plans),
        figure_columns=FIGURE_COLUMNS,
        tiers=tier_rows(plans),
        tier_columns=TIER_COLUMNS,
        conditions=[conditions(plan) for plan in plans],
        risks=risks_of(plans),
        hosts=host_pairs(first, second),
        moved=tuple(moved_from(first, second)),
        others=[each.words for each in found if not each.host],
    )


def _counts(first: Plan, second: Plan) -> Iterator[tuple[str, str, str, int]]:
    """Each sign, what it is drawn as and says, and how many VMs it is of."""
    counts = Counter(each.sign for each in vm_moves(first, second))
    yield from ((sign, drawn, said, counts[sign]) for sign, (drawn, said) in SIGNS.items())


def write_comparison(first: Plan, second: Plan, names: Sequence[str], path: Path) -> None:
    """Write the page of *first* and *second* to *path*, for its owner alone.

    Raises:
        InputError: it cannot be written.
    """
    try:
        write_whole(path, comparison_page(first, second, names).encode())
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Name another file") from error
