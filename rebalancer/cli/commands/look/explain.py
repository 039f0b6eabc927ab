"""`rebalancer explain`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PolicyPath, Source


@reaches_pools
def explain(
    source: Source,
    vm: Annotated[str, typer.Argument(metavar="VM", help="Name or uuid of a VM.")],
    host: Annotated[
        str | None, typer.Argument(metavar="HOST", help="Name or uuid of a host; without it: all hosts.")
    ] = None,
    *,
    policy: PolicyPath = None,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell why a VM may or may not move to a host.

    For one host or for all: every rule that objects, in XAPI's order, the error code that XAPI would answer, and the
    fix.
    """
    from rebalancer.cli.opening import open_model
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.checks import explanation_table

    model = open_model(source, policy, connection, metrics=False)
    answers = rb.explain(model, vm, host)
    show_or_json(
        [explanation_table(answers, model.problem.names.hosts)],
        lambda: [answer.as_json() for answer in answers],
        json=json,
    )
