"""Scenarios of a model: the model once edits are made, and several of them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Final

from rebalancer.errors import InputError
from rebalancer.face.given import assert_work
from rebalancer.face.model import Model, assert_model
from rebalancer.whatif.scenarios.edit import Edit, Situation
from rebalancer.whatif.scenarios.outcome import Outcome, outcome_of
from rebalancer.workers import Sweep, swept

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 2.0
"""Work for a scenario, where nobody says: enough to tell scenarios apart."""

EXAMPLE: Final = '{"one fewer": rb.scenarios.retire("xen3")}'
"""How scenarios are written."""

Scenarios = Mapping[str, Edit | Sequence[Edit]]


def outcomes(
    model: Model,
    scenarios: Scenarios,
    *,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> tuple[Outcome, ...]:
    """What comes of each of *scenarios*, in their order; see `compare`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.scenarios.outcomes(model, {"one fewer": rb.scenarios.retire("alder")}, seconds=1)
        >>> found.name, found.feasible, found.hosts
        ('one fewer', True, 4)
    """
    assert_model(model)
    assert_work(seconds)
    now = Situation(pool=model.state.pool, demand=model.state.demand, policy=model.policy)
    wanted = _edits_of(scenarios)
    calls = {name: partial(outcome_of, now, name, edits, seconds) for name, edits in wanted.items()}
    return swept(calls, Sweep(executor=executor, workers=workers, progress=progress))


def _edits_of(scenarios: Scenarios) -> dict[str, tuple[Edit, ...]]:
    """The edits of each of *scenarios*, in order.

    Raises:
        InputError: there are none, or something is no edit.
    """
    given: object = scenarios
    if not isinstance(given, Mapping) or not given:
        raise InputError("scenarios", "they have no names, or there are none", f"Write {EXAMPLE}")
    return {name: _several(name, edits) for name, edits in scenarios.items()}


def _several(name: str, edits: object) -> tuple[Edit, ...]:
    found = (edits,) if isinstance(edits, Edit | str) or not isinstance(edits, Iterable) else tuple(edits)
    if wrong := [each for each in found if not isinstance(each, Edit)]:
        raise InputError(f"scenario {name!r}", f"{wrong[0]!r} is no edit", f"Write {EXAMPLE}")
    return found


def compare(
    model: Model,
    scenarios: Scenarios,
    *,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """*scenarios* side by side, one row each: whether the pool bears it, how well, and what it takes to get there.

    A scenario that cannot be is a row that says why. What has to be done first, as a CD that has to be ejected, stands
    in `first`, and the numbers are as if it were done. Placements are found on paper: `rb.rebalance(model.what_if(…))`
    makes the plan, with its steps in order. Rows are the same and in the same order, whoever works on them.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> wanted = {"now": [], "one more": rb.scenarios.add_hosts(1)}
        >>> rb.scenarios.compare(model, wanted, seconds=1)[["feasible", "hosts", "hosts_over"]]
                  feasible  hosts  hosts_over
        scenario
        now           True      5           5
        one more      True      6           1

    Args:
        model: the pool and the policy.
        scenarios: {name: an edit, or several in order}; no edits at all is the pool as it is.
        seconds: of work for each.
        executor: runs them, on a cluster for instance; by default processes of this machine do.
        workers: how many such processes; by default as many as there are CPUs, with four scenarios or more for each.
        progress: whether a bar shows how many are done; by default on a terminal or in a notebook.

    Raises:
        InputError: there are no scenarios, no time to solve in, or no workers.
        WorkerLost: whoever worked on one scenario was lost again and again.
    """
    from rebalancer.frames import outcomes_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

    found = outcomes(model, scenarios, seconds=seconds, executor=executor, workers=workers, progress=progress)
    return outcomes_frame(found)
