"""`rebalancer fit`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, Load, MemoryGib, NoMetrics, PolicyPath, Source, VCPUs


@reaches_one_pool
def fit(
    source: Source,
    vm: Annotated[
        str | None,
        typer.Argument(metavar="VM", help="Name or uuid of a VM of which copies are meant. Without it: a size."),
    ] = None,
    *,
    vcpus: VCPUs = None,
    memory_gib: MemoryGib = None,
    load: Load = None,
    spare: Annotated[
        int, typer.Option("--spare", metavar="K", min=0, max=8, help="So many hosts may fail, and all VMs restart.")
    ] = 0,
    stay: Annotated[bool, typer.Option("--stay", help="Move nobody to make room.")] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0.1, help="Work for moves and for the bound.")
    ] = 10.0,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell how many more VMs fit, with a bound, and what ends it.

    On each host: how many start there, and which resource, hour or rule has no room for one more. Others are moved on
    paper where that makes room. Starts and moves nothing.
    """
    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.newcomers import fit_tables, wanted_of

    wanted = wanted_of(vm, vcpus, memory_gib, load)
    model = open_model(source, policy, connection, metrics=not no_metrics)
    say_refused(model.state)
    found = rb.fit(model, wanted, spare=spare, rearrange=not stay, seconds=seconds)
    show_or_json(fit_tables(found), found.as_json, json=json)
