"""`rebalancer plan`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, DemandFile, NoMetrics, PlanFolder, PolicyPath, Source, StateDir


@reaches_pools
def plan(
    source: Source,
    *,
    output: PlanFolder = None,
    policy: PolicyPath = None,
    demand: DemandFile = None,
    connection: rb.Connection,
    no_metrics: NoMetrics = False,
    state_dir: StateDir = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when the plan has steps, with 7 when it is incomplete."),
    ] = False,
    tradeoff: Annotated[
        str | None,
        typer.Option(
            "--tradeoff",
            metavar="COST",
            help="Instead of a plan, print the curve of what a lower load cost takes, in `gib` copied or in `moves`.",
        ),
    ] = None,
) -> int:
    """Plan what moves where, and why; move nothing.

    Every step comes with its reason, every objective with a bound that no other plan can beat.
    """
    from rebalancer.cli.opening import hand_over, open_model, say_refused
    from rebalancer.cli.watching.progress import watch_solve
    from rebalancer.export import assert_free
    from rebalancer.solve import Cost

    if tradeoff and tradeoff not in set(Cost):
        raise typer.BadParameter(f"{tradeoff!r} is neither gib nor moves", param_hint="--tradeoff")
    if output and tradeoff:
        raise typer.BadParameter(
            "a curve is no plan that could be written; leave one of the two out", param_hint="--output"
        )
    if output:
        assert_free(output)
    model = open_model(source, policy, connection, metrics=not no_metrics, samples=demand, state_dir=state_dir)
    if not model.policy.mode.needs_demand:
        say_refused(model.state)
    if tradeoff:
        return _print_tradeoff(model, tradeoff, json=json)
    with watch_solve() as reporter:
        made = rb.rebalance(model, reporter=reporter)
    return hand_over(made, output, json=json, detailed=detailed_exitcode)


def _print_tradeoff(model: rb.Model, cost: str, *, json: bool) -> int:
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.tradeoff import tradeoff_document, tradeoff_tables

    curve = rb.tradeoff(model, cost)
    show_or_json(tradeoff_tables(curve), lambda: tradeoff_document(curve), json=json)
    return Exit.DONE
