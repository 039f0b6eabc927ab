"""What is approved of all stages that `rolling` has planned: its index, and the files of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rebalancer.approval import Approval, keep_approval
from rebalancer.cli.exits import Exit
from rebalancer.cli.output import print_json, show_lines
from rebalancer.cli.rolling.agreeing import in_words
from rebalancer.errors import StalePlan
from rebalancer.plan import untimely
from rebalancer.whatif.rolling_index import RollingIndex, read_rolling, rolling_digest, stage_plan


def approve_stages(folder: Path, *, by: str, reason: str, now: datetime, key: Path | None, json: bool) -> Exit:
    """Show the stages of the rolling plan in *folder*, and record that *by* approves all of them; the exit code.

    Raises:
        StalePlan: the plan of a stage has expired.
        PlanFileError: a file is not as it was written.
        InputError: it is approved already, or cannot be written or signed.
    """
    index = read_rolling(folder)
    plans = [stage_plan(folder, index, number) for number in range(len(index.stages))]
    for name, plan in zip(index.folders, plans, strict=True):
        if words := untimely(plan, now):
            raise StalePlan([f"{name} {words}"])
    digest, pool = rolling_digest(folder, index), plans[0].made_from.pool
    made = Approval(plan=digest, pool=pool, by=by.strip(), reason=reason.strip(), at=now)
    keep_approval(made, folder, key=key)
    if json:
        print_json(asdict(made) | {"at": now.isoformat(), "signed": key is not None, "folder": str(folder)})
        return Exit.DONE
    after = f", which come back with platform version {index.update}" if index.update else ""
    show_lines(
        f"hosts that go down and come back, one after another: {', '.join(index.hosts)}{after}",
        *(f"  {name}: {plan.summary}" for name, plan in zip(index.folders, plans, strict=True)),
        *_off_meanwhile(index),
        f"{'approved and signed' if key else 'approved'} by {made.by}: {made.reason}",
        f"stages: {folder}, {digest}",
    )
    return Exit.DONE


def _off_meanwhile(index: RollingIndex) -> Iterator[str]:
    """Who is shut down while a host is worked on, a line each."""
    listed = [(stage.host, each) for stage in index.stages for each in stage.shut_down]
    if listed:
        yield "VMs that are shut down meanwhile, in this order, those of one order at once, and started there again:"
    for host, each in listed:
        yield f"  {host}: {in_words(each)}"
