"""What commands share that think about a pool: source and policy become a model, and a plan what people see of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.exits import Exit, exit_of
from rebalancer.cli.output import say, show_or_json
from rebalancer.cli.views.plans import plan_tables
from rebalancer.errors import PolicyError
from rebalancer.export import FILES, plan_document


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

    Raises:
        InputError: source or policy cannot be used.
        XapiError: the live pool cannot be read.
    """
    wanted = policy_of(policy)
    state = rb.read(source, connection, demand=wanted.demand, metrics=metrics, samples=samples)
    with naming(policy, wanted):
        return rb.Model(state, wanted, state_dir=state_dir, told=say)


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
