"""What every plan that is solved for starts from: where the clock and the journals of earlier runs come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebalancer.execute import Journals, Past, cooled, learned_pace
from rebalancer.face.given import assert_work
from rebalancer.face.model import Model, assert_model
from rebalancer.face.moments import told_or_now
from rebalancer.face.read import PoolState
from rebalancer.history.place import HistoryPlace
from rebalancer.plan import Pace
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningTask:
    """The rules where VMs that moved a short while ago cool down, the time, and how long migrations take."""

    book: Rulebook
    made_at: datetime
    pace: Pace


def task_of(model: Model, made_at: datetime | None, seconds: float | None = None) -> PlanningTask:
    """What is to be planned for *model*.

    Args:
        model: the pool and the policy.
        made_at: the time, with a zone; None for now.
        seconds: how much work solving may take, in place of `limits.solve_seconds`.

    Raises:
        InputError: there is no time to solve in, or *made_at* has no zone.
    """
    assert_model(model)
    when, pool = told_or_now(made_at), model.state.pool
    past = _past(model)
    policy = cooled(model.policy, pool, when, past=past)
    if seconds is not None:
        assert_work(seconds)
        limits = policy.limits.model_copy(update={"solve_seconds": float(seconds)})
        policy = policy.model_copy(update={"limits": limits})
    same = policy is model.policy
    book = (
        model.rulebook
        if same
        else Rulebook.of(make_problem(pool, model.state.demand, policy, on_hold=model.problem.on_hold))
    )
    return PlanningTask(book=book, made_at=when, pace=learned_pace(pool.uuid, past=past))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that planning takes, as a value that another process can be given: no journal is read any more."""

    state: PoolState
    policy: Policy
    made_at: datetime
    pace: Pace


def prepared(model: Model, made_at: datetime | None = None) -> Prepared:
    """What is to be planned for *model*, with what earlier runs teach."""
    task = task_of(model, made_at)
    return Prepared(state=model.state, policy=task.book.problem.policy, made_at=task.made_at, pace=task.pace)


def _past(model: Model) -> Past:
    """Earlier runs: by the history where there is one, which knows the journals that have not changed since."""
    wanted = model.policy.history
    if wanted.url is None and not HistoryPlace.of(wanted, model.state_dir).file.is_file():
        return Journals(model.state_dir)
    from rebalancer.history.past import known_past  # noqa: PLC0415 - SQLAlchemy, only where there is a history

    return known_past(wanted, model.state_dir, model.told)
