"""What a reviewer should know about the load profile: where it is not what the policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from rebalancer.demand import LoadProfile
from rebalancer.policy import DemandPolicy
from rebalancer.problem import Problem
from rebalancer.units import HOURS_A_DAY, counted

WEEK: Final = timedelta(days=7)
SLOTS_OF_WEEK: Final = 7 * HOURS_A_DAY


def demand_warnings(problem: Problem) -> Iterator[str]:
    """Sentences about the form of the demand and the days in it; none without metrics."""
    profile, wanted = problem.demand, problem.policy.demand
    if profile is None:
        return
    if wanted.in_days and not profile.days:
        yield "the load profile holds percentiles and no recorded days, which the policy asks for: read the pool anew"
    elif profile.days and not wanted.in_days:
        yield "the load profile holds recorded days and no percentiles, which the policy asks for: read the pool anew"
    elif profile.days:
        yield from _of_days(profile, wanted)
    elif profile.slots == SLOTS_OF_WEEK and profile.window_end - profile.window_start < 2 * WEEK:
        yield "each of the 168 slots is one hour, and no percentile: demand.window_days of 14 makes it one of two"


def _of_days(profile: LoadProfile, wanted: DemandPolicy) -> Iterator[str]:
    days = len(profile.days)
    ages = [profile.window_end - day.start for day in profile.days]
    if wanted.same_weekday and any(age % WEEK for age in ages):
        yield f"fewer than two known days begin whole weeks ago: all {counted(days, 'day')} count"
    elif days < wanted.window_days // (WEEK.days if wanted.same_weekday else 1):
        known = f"{counted(days, 'day')} of them {'is' if days == 1 else 'are'} known well enough to count"
        yield f"the policy looks back {wanted.window_days} days; {known}"
