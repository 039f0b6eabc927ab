"""`rebalancer diff`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PlanPath


@reaches_pools
def diff(
    plan: PlanPath,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="Another plan, as a folder or its plan.json; or a pool: its URL, a snapshot or a dump.",
        ),
    ],
    *,
    connection: rb.Connection,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write two plans side by side to FILE, as an HTML page."),
    ] = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when there is a difference, with 0 when there is none."),
    ] = False,
) -> int:
    """Tell how two plans differ, or a plan and a pool.

    Counts first, then by host the VMs that only one plan moves (- the first, + the second) or both move otherwise (~).
    Of a pool: what has changed since the plan was made; whether the plan is still legal is for `verify` to say.
    """
    from rich.text import Text

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, say, show, show_lines
    from rebalancer.cli.views.differences import counts_of, difference_lines
    from rebalancer.errors import InputError
    from rebalancer.export import is_plan, read_plan
    from rebalancer.face.connection import is_url

    made = read_plan(plan)
    second = None if is_url(other) or not is_plan(Path(other)) else read_plan(other)
    if second:
        found = rb.diff(made, second)
        if output:
            from rebalancer.export.comparison.page import write_comparison

            _assert_replaces_none_of(output, (plan, Path(other)))
            write_comparison(made, second, (str(plan), other), output)
            say(f"{output} written")
    elif output:
        raise InputError(f"-o {output}", f"a page is of two plans, and {other} is a pool", "Name another plan")
    else:
        found = rb.diff(made, rb.read(other, connection, demand=made.policy.demand, metrics=False))
    if json:
        told = {"same": not found, "differences": [each.as_json() for each in found]}
        print_json(told | ({"counts": counts_of((made, second), found)} if second else {}))
    elif second and found:
        show(*[Text("\n").join(difference_lines((made, second), (str(plan), other), found))])
    else:
        show_lines(*[each.words for each in found] or ["no difference"])
    return Exit.HAS_STEPS if detailed_exitcode and found else Exit.DONE


def _assert_replaces_none_of(output: Path, plans: Iterable[Path]) -> None:
    """Pass where *output* is no file of the *plans*, which are folders or files in them."""
    from rebalancer.errors import InputError
    from rebalancer.export import FILES

    for plan in plans:
        folder = plan if plan.is_dir() else plan.parent
        if output.resolve() in {each.resolve() for each in (plan, *(folder / name for name in FILES))}:
            raise InputError(f"-o {output}", f"it is a file of the plan {plan}", "Name another file")
