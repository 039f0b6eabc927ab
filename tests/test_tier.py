"""What is said of an objective holds where the plan ends, after every later objective."""

from __future__ import annotations

from rebalancer.tier import TierResult, meets


def tier(after: float, bound: float) -> TierResult:
    """A proved result."""
    return TierResult(objective="spread", sentence="", unit="", before=9.0, after=after, bound=bound, proved=True)


def test_a_later_tier_may_improve_an_earlier_one() -> None:
    """The value is that of the end, and no bound stays above it."""
    better = tier(5.0, 4.9999).ending_at(4.0)
    assert (better.after, better.bound, better.proved, better.gap) == (4.0, 4.0, True, 0.0)


def test_what_does_not_meet_its_bound_is_not_proved() -> None:
    """The solver rounds loads: where these are tiny, its proof is none in the unit of the objective."""
    assert meets(5.0, 4.999)
    assert not meets(0.01, 0.005)
    assert tier(0.01, 0.005).ending_at(0.01).proved is False
    assert tier(0.01, 0.005).rounded(6).proved is False
    assert tier(5.0, 4.999).rounded(6).proved is True
