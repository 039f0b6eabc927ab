"""`rebalancer history`."""

from __future__ import annotations

from typing import Annotated

import typer

from rebalancer.cli.grouped import NightsFirst
from rebalancer.cli.options import AsCsv, AsJson, Days, PolicyPath, Pool, StateDir

app = typer.Typer(help="Recall earlier nights, and what was moved.", cls=NightsFirst)

MONTH = 31


@app.command()
def nights(
    *,
    days: Days = MONTH,
    pool: Pool = None,
    policy: PolicyPath = None,
    state_dir: StateDir = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """List nights: how each ended, and what it moved."""
    from rebalancer.cli.nights.recalling import pools_named, recall, recalled_by
    from rebalancer.cli.views.history import night_table, show_rows
    from rebalancer.history.answers import NightRow, Period
    from rebalancer.history.queries import nights_of

    period, wanted = Period.last(days), recalled_by(policy, state_dir)
    found = recall(wanted, state_dir, lambda store: nights_of(store, period, pools_named(store, pool)))
    show_rows(found, NightRow, night_table, wanted.timezone, csv=csv, json=json)


@app.command()
def moves(
    *,
    vm: Annotated[
        str | None, typer.Option("--vm", metavar="VM", help="Only of this VM: its name, uuid, or start of its uuid.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Only from and to this host: its name or uuid.")
    ] = None,
    days: Days = MONTH,
    pool: Pool = None,
    policy: PolicyPath = None,
    state_dir: StateDir = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """List migrations: what became of each, and how long it took."""
    from rebalancer.cli.nights.recalling import pools_named, recall, recalled_by
    from rebalancer.cli.views.history import move_table, show_rows
    from rebalancer.history.answers import MoveRow, Period
    from rebalancer.history.queries import moves_of

    period, wanted = Period.last(days), recalled_by(policy, state_dir)
    found = recall(
        wanted,
        state_dir,
        lambda store: moves_of(store, period, pools=pools_named(store, pool), vm=vm, host=host),
    )
    show_rows(found, MoveRow, move_table, wanted.timezone, csv=csv, json=json)


@app.command()
def rebuild(*, policy: PolicyPath = None, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Read journals, plans and nights anew into the database.

    Load is kept, and so is what the files no longer tell. A database that is broken is set aside.
    """
    from rebalancer.cli.nights.recalling import tell_unreadable
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import print_json, say, show_lines
    from rebalancer.history.fill import rebuild as rebuilt
    from rebalancer.history.mend import with_store
    from rebalancer.history.place import HistoryPlace
    from rebalancer.units import counted

    place = HistoryPlace.of(policy_of(policy).history, state_dir)
    found = with_store(place, rebuilt, say)
    tell_unreadable(found.unreadable)
    if json:
        numbers = {"nights": found.nights, "plans": found.plans, "journals": found.journals}
        print_json({"database": str(place), **numbers, "unreadable": found.unreadable})
        return
    parts = counted(found.nights, "night"), counted(found.plans, "plan"), counted(found.journals, "journal")
    show_lines(f"{place}: {', '.join(parts)} read")


@app.command()
def prune(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    policy: PolicyPath = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Remove what is older than the policy keeps it, as nights do.

    Nothing is removed that a run or the next night needs: runs under way or half-way, plans that may still be approved
    or carried out, and what tells whose moves failed.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from rebalancer.cli.nights.recalling import recall
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.history.prune import prune as removed

    wanted, now = policy_of(policy), datetime.now(UTC)
    found = recall(wanted, state_dir, lambda store: removed(store, wanted, now, dry=dry_run))
    if json:
        print_json(asdict(found))
        return
    files = (*found.plans, *found.journals, *found.nights)
    show_lines(*files, f"{'Would be removed' if dry_run else 'Removed'}: {found}")
