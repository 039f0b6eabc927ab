"""Stages that `rolling` has planned, read back, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.plan import Plan
from rebalancer.units import size_in_words
from rebalancer.whatif.rolling_folder import DEVIATION_COLUMNS, SHUT_DOWN_COLUMNS, shut_down_cells
from rebalancer.whatif.rolling_index import RollingIndex


def index_tables(index: RollingIndex, plans: Sequence[Plan]) -> Iterator[RenderableType]:
    """The stages of *index* with their *plans*: which hosts, what each does, who is off meanwhile or ends elsewhere."""
    after = f", which come back with platform version {index.update}" if index.update else ""
    yield heading(f"Hosts, one after another: {', '.join(index.hosts)}{after}. {index.returns.value}")
    columns = {"folder": "name", "what it does": "text", "to copy": "right"}
    yield table("Stages, in order", columns, list(_rows(index, plans)))
    off = [(stage.host, *shut_down_cells(each)) for stage in index.stages for each in stage.shut_down]
    if off:
        yield table("Shut down meanwhile", dict.fromkeys(SHUT_DOWN_COLUMNS, "name"), off)
    if index.deviations:
        rows = [(each.vm_name, each.home_name, each.ends_on_name, each.words) for each in index.deviations]
        yield table("Ends elsewhere", dict.fromkeys(DEVIATION_COLUMNS, "name") | {"why": "text"}, rows)
    if index.set_aside:
        aside = [(each.host_name, each.words) for each in index.set_aside]
        yield table("Not planned", {"host": "name", "why": "text"}, aside)


def _rows(index: RollingIndex, plans: Sequence[Plan]) -> Iterator[tuple[str, str, str]]:
    for name, plan in zip(index.folders, plans, strict=True):
        yield name, plan.summary, size_in_words(sum(step.copied_bytes for step in plan.steps))
