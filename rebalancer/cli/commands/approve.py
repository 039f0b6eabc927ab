"""`rebalancer approve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, PlanPath


def approve(
    plan: PlanPath,
    *,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves; the signer's name where signed.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, such as the number of the change.")],
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY", help="Sign the approval with this SSH key (ssh-keygen).")
    ] = None,
    json: AsJson = False,
) -> None:
    """Approve a plan.

    Records who approves which plan, when and why, in approval.json beside plan.json.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from rebalancer.approval import approve as record
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.export import folder_of, read_plan

    made, folder = read_plan(plan), folder_of(plan)
    found = record(made, folder, by=by, reason=reason, now=datetime.now(UTC), key=sign)
    if json:
        print_json(asdict(found) | {"at": found.at.isoformat(), "signed": sign is not None, "folder": str(folder)})
    else:
        how = "approved and signed" if sign else "approved"
        show_lines(made.summary, f"{how} by {found.by}: {found.reason}", f"plan: {folder}, {made.digest}")
