"""`rebalancer place`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, Load, MemoryGib, NoMetrics, PolicyPath, Source, VCPUs


@reaches_one_pool
def place(
    source: Source,
    vm: Annotated[
        str | None,
        typer.Argument(
            metavar="VM",
            help="Name or uuid: a halted VM is placed itself, of one that runs a copy. Without it: a size.",
        ),
    ] = None,
    *,
    vcpus: VCPUs = None,
    memory_gib: MemoryGib = None,
    load: Load = None,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=1000, help="How many of them.")] = 1,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> int:
    """Tell where a VM should start: all hosts, the best first.

    With reasons, what each costs, and what closed hosts have against it. Starts and moves nothing.
    """
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.newcomers import place_tables, wanted_of

    wanted = wanted_of(vm, vcpus, memory_gib, load)
    model = open_model(source, policy, connection, metrics=not no_metrics)
    say_refused(model.state)
    found = rb.place(model, wanted, count)
    show_or_json(place_tables(found), lambda: [each.as_json() for each in found], json=json)
    return Exit.DONE if all(each.host for each in found) else Exit.INFEASIBLE
