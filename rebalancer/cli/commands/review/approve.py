"""`rebalancer approve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanPath


@reaches_pools
def approve(
    plan: PlanPath,
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="The pool (URL, snapshot, dump): verify against it before approving."),
    ] = None,
    *,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves; the signer's name where signed.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, such as the number of the change.")],
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="STEP",
            help="Leave this step out (repeat for several); needs -o; SOURCE as for `part`.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where the plan without those steps goes.")
    ] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY", help="Sign the approval with this SSH key (ssh-keygen).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the part of --without unasked.")] = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> int:
    """Approve a plan, or a part of it.

    Shows it, and records who approves which plan and files, when and why, in approval.json beside plan.json. With
    --without, the rest becomes a plan of its own, as `rebalancer part` makes it: shown, and approved where that is
    confirmed.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from rebalancer.approval import approve as record
    from rebalancer.approval import assert_said
    from rebalancer.cli.approving import ApprovalRequest, assert_can_ask, manifest_of
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, say, show, show_lines
    from rebalancer.cli.views.plans import plan_tables
    from rebalancer.export import MANIFEST_JSON, ROLLING_JSON, folder_of, read_plan

    assert_said(by, reason)
    now = datetime.now(UTC)
    if (plan / ROLLING_JSON).is_file():
        from rebalancer.cli.rolling.approving_stages import approve_stages

        if source or without or output:
            raise typer.BadParameter(
                "all stages are approved as they are, without SOURCE and options", param_hint="PLAN"
            )
        return approve_stages(plan, by=by, reason=reason, now=now, key=sign, json=json)
    whole = read_plan(plan)
    manifest_of(whole, plan)
    request = ApprovalRequest(plan=whole, path=plan, source=source, without=without or (), output=output, reason=reason)
    assert_can_ask(without, unasked=yes)
    made = request.plan_to_approve(connection, now)
    folder = output if without and output else folder_of(plan)
    if without and not yes:
        show(*plan_tables(made), "")
        if not typer.confirm(f"Approve this part, which stands in {folder}?", err=True):
            say(f"not approved; the part stays in {folder}")
            return Exit.NOT_APPROVED
    found = record(made, folder, by=by, reason=reason, now=now, key=sign)
    if json:
        print_json(asdict(found) | {"at": found.at.isoformat(), "signed": sign is not None, "folder": str(folder)})
        return Exit.DONE
    how = "approved and signed" if sign else "approved"
    files = f"its files: by {MANIFEST_JSON}, {found.manifest}" if found.manifest else "its plan.json alone"
    if yes or not without:
        show(*plan_tables(made), "")
    show_lines(f"{how} by {found.by}: {found.reason}", f"plan: {folder}, {made.digest}", files)
    return Exit.DONE
