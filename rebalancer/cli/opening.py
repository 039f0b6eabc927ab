"""The first half of every command that thinks about a pool: source and policy become a model."""

from __future__ import annotations

from pathlib import Path

import rebalancer as rb
from rebalancer.cli.output import say


def policy_of(file: Path | None) -> rb.Policy:
    """The policy in *file*, or the default one where there is none.

    Raises:
        PolicyError: the file cannot be used.
    """
    return rb.Policy.load(file) if file else rb.Policy()


def open_model(
    source: str,
    policy: Path | None,
    connection: rb.Connection,
    *,
    metrics: bool,
    samples: Path | None = None,
    state_dir: Path | None = None,
) -> rb.Model:
    """The pool behind *source* under *policy*; its demand comes from *samples* where there are any.

    Raises:
        InputError: source or policy cannot be used.
        XapiError: the live pool cannot be read.
    """
    wanted = policy_of(policy)
    state = rb.read(source, connection, demand=wanted.demand, metrics=metrics, samples=samples)
    return rb.Model(state, wanted, state_dir=state_dir)


def say_refused(state: rb.PoolState) -> None:
    """Tell that planning goes on without metrics, where they were refused."""
    if state.refused:
        say(f"planning without metrics: {state.refused}")
