"""Work decides what a search may cost; the clock only ends what takes far too long."""

from __future__ import annotations

import pytest

from rebalancer.policy import LimitsPolicy
from rebalancer.solve import WORK_PER_SECOND, Budget, Deadline
from rebalancer.solve.model.effort import NEVER, Effort

LIMITS = LimitsPolicy(solve_seconds=20)


def test_a_budget_is_shared_and_what_is_left_is_for_others() -> None:
    """Parts are parts of what is left; what is spent is told."""
    budget = Budget(LIMITS)
    whole = 20 * WORK_PER_SECOND
    assert budget.share(0.5).deterministic == whole / 2
    budget.spend(1.0)
    assert budget.share(1.0).deterministic == whole - 1.0
    assert (budget.spent, budget.over) == (1.0, False)
    budget.spend(whole)
    assert budget.share(1.0).deterministic > 0
    assert budget.over


def test_less_work_may_be_left_than_the_limits_say() -> None:
    """Placements after the first have what is left of their common work."""
    assert Budget(LIMITS, most=3.0).share(1.0).deterministic == 3.0
    assert Budget(LIMITS, most=300.0).share(1.0).deterministic == 20 * WORK_PER_SECOND


def test_the_clock_may_take_four_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or as long as somebody says who has less time."""
    monkeypatch.setattr("rebalancer.solve.model.effort.CEILING", 4.0)
    monkeypatch.setattr("rebalancer.solve.model.effort.time.monotonic", lambda: 100.0)
    assert Deadline.of(LIMITS).left == 80.0
    assert Deadline.of(LIMITS, 7.0).left == 7.0
    assert Deadline.of(LIMITS, 0.0).passed
    assert not Deadline().passed


@pytest.mark.parametrize(
    ("work", "until", "ended"),
    [
        (0.5, Deadline(0.0), True),
        (0.4999, Deadline(0.0), False),
        (0.4999, Deadline.after(9e9), False),
        (0.1, NEVER, True),
    ],
)
def test_what_the_clock_ends_is_never_called_an_end_by_work(work: float, until: Deadline, *, ended: bool) -> None:
    """However little was missing: another run, on another machine, would do the rest."""
    assert Effort(deterministic=0.5, seed=1, until=until).ended_by(work) is ended
