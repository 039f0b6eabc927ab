"""The options with which commands get into a pool: a new one is added here, and every command has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from rebalancer import Connection

Returned = TypeVar("Returned")


def _connection(
    *,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Trust this CA (PEM) instead of the system's.")
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(
            "--fingerprint",
            metavar="SHA256",
            help="Trust only this certificate (repeat for several hosts); for self-signed pools.",
        ),
    ] = None,
    legacy_tls: Annotated[
        bool,
        typer.Option(
            "--legacy-tls",
            help="Take what old hosts offer (TLS 1.0, RSA key exchange), from hosts with a pinned --fingerprint only.",
        ),
    ] = False,
    fallback: Annotated[
        list[str] | None,
        typer.Option(
            "--fallback",
            metavar="URL",
            help="Another host of the pool, asked where the first does not answer (repeat for several).",
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(
            "--credentials",
            metavar="FILE",
            help="File with the user on its first line and the password on its second, readable by its owner only. "
            "Without it: REBALANCER_USER and REBALANCER_PASSWORD.",
        ),
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(
            "--beside",
            metavar="SOURCE",
            help="Another pool, read like SOURCE and joined with it: VMs may go from one to the other, where the "
            "policy's other_pools.enabled lets them.",
        ),
    ] = None,
    beside_credentials: Annotated[
        Path | None,
        typer.Option(
            "--beside-credentials",
            metavar="FILE",
            help="The same file for the pool of --beside. Without it: what logs in to SOURCE.",
        ),
    ] = None,
) -> Connection:
    return Connection(
        credentials=credentials,
        ca_file=ca_file,
        fingerprints=tuple(fingerprint or ()),
        legacy_tls=legacy_tls,
        fallbacks=tuple(fallback or ()),
        beside=beside,
        beside_credentials=beside_credentials,
    )


OF_ANOTHER_POOL: Final = frozenset({"beside", "beside_credentials"})


def reaches_pools(command: Callable[..., Returned]) -> Callable[..., Returned]:
    """*command* with the options in place of its parameter `connection`."""
    return _with_options(command, leave_out=())


def reaches_one_pool(command: Callable[..., Returned]) -> Callable[..., Returned]:
    """*command* with those of the options that concern a single pool."""
    return _with_options(command, leave_out=OF_ANOTHER_POOL)


def _with_options(command: Callable[..., Returned], leave_out: Collection[str]) -> Callable[..., Returned]:
    own = inspect.signature(command, eval_str=True)
    every = inspect.signature(_connection, eval_str=True).parameters
    options = [each for name, each in every.items() if name not in leave_out]
    shown = [each for one in own.parameters.values() for each in (options if one.name == "connection" else [one])]

    @wraps(command)
    def typed(**words: Any) -> Returned:  # noqa: ANN401 - whatever the command takes
        given = {each.name: words.pop(each.name) for each in options}
        return command(**words, connection=_connection(**given))

    typed.__signature__ = own.replace(parameters=shown)  # type: ignore[attr-defined]  # typer reads it
    return typed
