"""What is shown of all stages that `rolling` has planned."""

from __future__ import annotations

from pathlib import Path

from rebalancer.approval import APPROVAL_JSON, read_approval
from rebalancer.cli.output import show_or_json
from rebalancer.cli.views.stages import index_tables
from rebalancer.export import ROLLING_JSON
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import PLAN
from rebalancer.files.reading import bytes_of
from rebalancer.whatif.rolling_index import RollingIndex, read_rolling, rolling_digest, stage_plan


def show_stages(folder: Path, *, json: bool) -> None:
    """Show the rolling plan in *folder*, and whether all of it is approved.

    Raises:
        EditedPlan: rolling.json, or a stage, is not as it was written.
        PlanFileError: a file cannot be read.
    """
    index = read_rolling(folder)
    plans = [stage_plan(folder, index, number) for number in range(len(index.stages))]
    told = [*index_tables(index, plans), *([] if json else _approval(folder, index))]
    show_or_json(told, lambda: json_in(bytes_of(folder / ROLLING_JSON, PLAN), PLAN), json=json)


def _approval(folder: Path, index: RollingIndex) -> list[str]:
    """Whether the stages are approved, in words; nothing where no approval stands there."""
    if not (folder / APPROVAL_JSON).exists():
        return []
    found = read_approval(folder)
    if found.plan != rolling_digest(folder, index):
        return ["not approved: the approval beside it is for other stages"]
    return [f"approved by {found.by} at {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}"]
