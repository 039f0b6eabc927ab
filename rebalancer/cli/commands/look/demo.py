"""`rebalancer demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Keep snapshot and plan there (default: a temporary folder)."
        ),
    ] = None,
) -> None:
    """Watch a simulated pool being read, planned and cooled down.

    The whole way on a small pool that runs inside this command; needs no pool of yours and changes none.
    """
    from tempfile import TemporaryDirectory

    from rebalancer.cli.tour import tour
    from rebalancer.errors import InputError

    if output:
        if output.is_dir() and any(output.iterdir()):
            raise InputError(str(output), "the folder is not empty", "Name a new folder")
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(str(output), f"no folder can be made: {error.strerror}", "Name another folder") from error
        tour(output)
        return
    with TemporaryDirectory(prefix="rebalancer-demo-") as folder:
        tour(Path(folder))
