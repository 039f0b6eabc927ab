"""`rebalancer systemd`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

NAME = "rebalancer-nightly"


def systemd(
    unit: Annotated[
        Literal["service", "timer"] | None,
        typer.Argument(metavar="UNIT", help="`service` or `timer`, to print only that (default: both)."),
    ] = None,
) -> None:
    """Print the systemd units that run `nightly`.

    Each below a comment with its file name, as `systemctl cat` prints them.
    """
    from importlib.resources import files

    folder = files("rebalancer") / "nightly"
    names = [f"{NAME}.{each}" for each in ([unit] if unit else ["service", "timer"])]
    typer.echo("\n".join(f"# {name}\n{(folder / name).read_text(encoding='utf-8')}" for name in names), nl=False)
