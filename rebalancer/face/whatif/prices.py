"""What each rule, group and limit costs now."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

from rebalancer.face.given import assert_work
from rebalancer.face.model import Model, assert_model
from rebalancer.face.whatif.scenarios import SECONDS
from rebalancer.whatif.prices.price import Price, price_of, priced_at_once, standing
from rebalancer.whatif.prices.waiver import Waiver
from rebalancer.whatif.scenarios.edit import Situation
from rebalancer.whatif.scenarios.outcome import hurried
from rebalancer.workers import Sweep, swept

if TYPE_CHECKING:
    import pandas as pd


def priced(
    model: Model,
    *,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> tuple[Price, ...]:
    """What each thing costs, the dearest first; see `prices`."""
    assert_model(model)
    assert_work(seconds)
    now = hurried(Situation(pool=model.state.pool, demand=model.state.demand, policy=model.policy), seconds)
    held = standing(now)
    every = priced_at_once(now, held)
    calls = {label: partial(price_of, now, each, held) for label, each in every.items() if isinstance(each, Waiver)}
    solved = swept(calls, Sweep(executor=executor, workers=workers, progress=progress))
    free = [each for each in every.values() if isinstance(each, Price)]
    return tuple(sorted([*solved, *free], key=_dearest_first))


def _dearest_first(price: Price) -> tuple[float, ...]:
    saved = (price.overload_saved or 0.0, price.gib_saved, price.breaches_saved, price.overload_saved_at_most or 0.0)
    return tuple(-round(each, 6) for each in saved)


def prices(
    model: Model,
    *,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """What each rule, group and limit costs now: the pool balanced without it, on paper, beside balanced with it.

    One row each, the dearest first. XAPI's own rules have prices, too, and are not `relaxable`. What is saved below 0
    is more: without a rule it may be worth to copy more for less overload. `overload_pcpu_hours_saved_at_most` is
    proved: no placement without the rule saves more, beside the one that was found with it. Prices do not add up: two
    rules may forbid the same.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.prices(rb.Model(rb.read("pool.json.gz")), seconds=1)
        >>> bool(found.loc["enough-memory", "relaxable"]), bool(found.loc["memory-safety", "relaxable"])
        (False, True)
        >>> bool((found.overload_pcpu_hours_saved <= found.overload_pcpu_hours_saved_at_most).all())
        True
        >>> rb.plots.plot_prices(found).get_xlabel()
        'overload saved without it (pCPU-hours)'

    Args:
        model: the pool and the policy.
        seconds: of work for each.
        executor: runs them, on a cluster for instance; by default processes of this machine do.
        workers: how many such processes; by default as many as there are CPUs, with four prices or more for each.
        progress: whether a bar shows how many are done; by default on a terminal or in a notebook.

    Raises:
        Infeasible: hosts have to be emptied and cannot, as things are.
        InputError: there is no time to solve in, or there are no workers.
        WorkerLost: whoever worked on one price was lost again and again.
    """
    from rebalancer.frames import prices_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

    return prices_frame(priced(model, seconds=seconds, executor=executor, workers=workers, progress=progress))
