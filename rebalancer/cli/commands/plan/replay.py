"""`rebalancer replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, Source, StateDir


@reaches_one_pool
def replay(
    source: Source,
    *,
    traces: Annotated[
        Path | None,
        typer.Option(
            "--traces",
            metavar="FILE",
            help="CPU samples of several weeks (CSV or Parquet: vm_uuid, time, pcpu). Without it: the history.",
        ),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            "--policy", "-p", metavar="FILE", help="Policy file (TOML); repeat it to compare. Without it: the defaults."
        ),
    ] = None,
    nights: Annotated[
        int | None,
        typer.Option(
            "--nights", min=1, metavar="N", help="How many nights; all of the traces, or the last 30, otherwise."
        ),
    ] = None,
    days_back: Annotated[
        int | None,
        typer.Option(
            "--days-back",
            min=1,
            metavar="N",
            help="Days before the first night; as many as the policies look back otherwise.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", help="Work of each plan, in place of the policies' limits.solve_seconds."
        ),
    ] = None,
    no_regret: Annotated[
        bool, typer.Option("--no-regret", help="Compare no night with a plan that knew the day after: half the time.")
    ] = False,
    state_dir: StateDir = None,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Compare policies by recorded weeks.

    Each night a plan is made from the days before, and the next day comes as it was recorded. Beside the policies stand
    doing nothing, a greedy and a hill climb. The past is that of the history, by which VMs begin where they were then,
    or of a file, and the pool is as SOURCE has it before the first night. Changes nothing.
    """
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.replay import NightTeller, replay_document, replay_tables

    state = rb.read(source, connection, metrics=False)
    past = None if traces else rb.history(policy_of(policy[0] if policy else None), state_dir=state_dir)
    found = rb.replay(
        state,
        traces,
        _named(policy or []),
        past=past,
        nights=nights,
        days_back=days_back,
        seconds=seconds,
        regret=not no_regret,
        reporter=NightTeller(),
    )
    show_or_json(replay_tables(found), lambda: replay_document(found), json=json)


def _named(files: list[Path]) -> dict[str, rb.Policy] | None:
    """The policies in *files* by the shortest names that tell them apart."""
    stems = [file.stem for file in files]
    names = [file.stem if stems.count(file.stem) == 1 else str(file) for file in files]
    return {name: rb.Policy.load(file) for name, file in zip(names, files, strict=True)} or None
