"""`rebalancer site`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, PolicyPath


def site(
    state_dir: Annotated[
        Path | None,
        typer.Argument(metavar="STATE", help="The state folder of the nights (default: as for `history`)."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pages go.")],
    policy: PolicyPath = None,
    json: AsJson = False,
) -> None:
    """Write nights, plans and reports as pages for a web server.

    Static files that load nothing from elsewhere. Begun again, it brings them up to date.
    """
    from functools import partial

    from rebalancer.cli.nights.recalling import recall, recalled_by
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.history.site.site import write_site
    from rebalancer.units import counted

    wanted = recalled_by(policy, state_dir)
    files = recall(wanted, state_dir, partial(write_site, policy=wanted, target=output))
    if json:
        print_json({"folder": str(output), "files": list(files)})
        return
    show_lines(f"{output}: {counted(len(files), 'file')} written, of which index.html is the first to look at")
