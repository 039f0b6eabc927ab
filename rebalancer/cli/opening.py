"""What commands share that think about a pool: source and policy become a model, and a plan what people see of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.exits import Exit, exit_of
from rebalancer.cli.output import say, show_or_json
from rebalancer.cli.views.plans import plan_tables
from rebalancer.errors import PolicyError
from rebalancer.export import FILES, plan_document
from rebalancer.face.connection import is_url
from rebalancer.policy.sections import DAYS_OF_WEEK


def policy_of(file: Path | None) -> rb.Policy:
    """The policy in *file*, whose history is found from any folder, or the default one where there is none.

    Raises:
        PolicyError: the file cannot be used.
    """
    return rb.Policy.load(file).anchored(file.parent) if file else rb.Policy()


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

    Days before those that a live pool has of its load come from the history.

    Raises:
        InputError: source or policy cannot be used.
        XapiError: the live pool cannot be read.
    """
    wanted = policy_of(policy)
    if metrics and samples is None and connection.beside is None and is_url(source):
        state = read_back(source, connection, wanted, state_dir)
    else:
        state = rb.read(source, connection, demand=wanted.demand, metrics=metrics, samples=samples)
    with naming(policy, wanted):
        return rb.Model(state, wanted, state_dir=state_dir, told=say)


def read_back(url: str, connection: rb.Connection, wanted: rb.Policy, state_dir: Path | None) -> rb.PoolState:
    """The pool at *url*, with load that looks back as far as *wanted* says, by the history where XAPI does not.

    Raises:
        XapiError: it cannot be read.
    """
    if wanted.demand.window_days <= DAYS_OF_WEEK:
        return rb.read(url, connection, demand=wanted.demand)
    from rebalancer.history.lengthen import looked_back, within_xapi  # noqa: PLC0415 - SQLAlchemy, only where it helps
    from rebalancer.history.place import HistoryPlace  # noqa: PLC0415 - likewise

    state = rb.read(url, connection, demand=within_xapi(wanted.demand))
    if state.demand is None:
        return state
    place = HistoryPlace.of(wanted.history, state_dir)
    return replace(state, demand=looked_back(place, state.pool, state.demand, wanted.demand, say))


@contextmanager
def naming(file: Path | None, policy: rb.Policy) -> Iterator[None]:
    """Errors of *policy*, which was read from *file*, name that file in place of the policy's own name."""
    try:
        yield
    except PolicyError as error:
        if file is None:
            raise
        inside = error.where.removeprefix(f"policy {policy.name!r}").removeprefix(", ")
        where = f"{file}, {inside}" if inside else str(file)
        raise PolicyError(where, error.problem, error.remedy) from error


def say_refused(state: rb.PoolState) -> None:
    """Tell that planning goes on without metrics, where they were refused."""
    if state.refused:
        say(f"planning without metrics: {state.refused}")


def hand_over(made: rb.Proposal, output: Path | None, *, json: bool, detailed: bool) -> Exit:
    """The exit code of a command that made a plan, saved where there is an *output* and printed."""
    if output:
        made.save(output)
        say_saved(output)
    show_or_json(plan_tables(made), lambda: plan_document(made), json=json)
    return exit_of(made, left=len(made.steps)) if detailed else Exit.DONE


def say_saved(folder: Path) -> None:
    """Tell that a plan stands in *folder* now, and in which files."""
    say(f"{folder}: {', '.join(FILES[:-1])} and {FILES[-1]} written")
