"""One time zone for windows, blackouts, demand, and all that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.export.markdown import plan_markdown
from rebalancer.export.timetable import window_remarks
from rebalancer.plan import untimely
from rebalancer.policy import Policy, change_windows, check_alone, policy_digest
from rebalancer.verify.tolerance import as_told
from tests.plan.made import goal_of, plan_of, swap
from tests.pools import policy_of

WINDOW = {"start": "22:00", "end": "05:00"}
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sections", "zone", "demand", "opens"),
    [
        ({}, "UTC", "UTC", 22),
        ({"timezone": "Europe/Berlin"}, "Europe/Berlin", "Europe/Berlin", 21),
        ({"demand": {"timezone": "Europe/Berlin"}}, "Europe/Berlin", "Europe/Berlin", 21),
        ({"timezone": "Europe/Berlin", "demand": {"timezone": "UTC"}}, "Europe/Berlin", "UTC", 21),
        ({"timezone": "UTC", "demand": {"timezone": "Europe/Berlin"}}, "UTC", "Europe/Berlin", 22),
        ({"timezone": "Europe/Berlin", "demand": {"window_days": 8}}, "Europe/Berlin", "Europe/Berlin", 21),
    ],
)
def test_what_names_no_zone_is_in_that_of_the_policy(
    sections: dict[str, Any], zone: str, demand: str, opens: int
) -> None:
    """A file of an earlier version, which names one for demand alone, means it for windows, too."""
    for wanted in (policy_of(window=[WINDOW], **sections), policy_of(window=[WINDOW], **sections).spelled_out()):
        assert (wanted.timezone, wanted.demand.timezone) == (zone, demand)
        assert change_windows(wanted).opens_at(NOON) == NOON.replace(hour=opens)
        assert Policy.model_validate(wanted.given()) == wanted


def test_a_blackout_is_in_the_zone_of_the_policy_unless_it_names_another() -> None:
    """Berlin's midnight is 23:00 in UTC."""
    hours = {"start": "00:00", "end": "01:00"}
    closed = {
        zone: change_windows(policy_of(timezone="Europe/Berlin", blackout=[hours | more]))
        for zone, more in [("Berlin", {}), ("UTC", {"timezone": "UTC"})]
    }
    moments = NOON.replace(hour=23, minute=30), NOON.replace(hour=0, minute=30)
    assert [closed["Berlin"].is_open(each) for each in moments] == [False, True]
    assert [closed["UTC"].is_open(each) for each in moments] == [True, False]


def test_the_digest_of_an_earlier_policy_stays() -> None:
    """What was not given is not written, so that approvals and plans of earlier versions keep their seal."""
    earlier = Policy.model_validate({"demand": {"timezone": "Europe/Berlin"}})
    assert earlier.given() == {"demand": {"timezone": "Europe/Berlin"}}
    assert policy_digest(earlier) == policy_digest(Policy.model_validate(earlier.given()))
    assert Policy(timezone="Europe/Berlin").given() == {"timezone": "Europe/Berlin"}
    assert Policy().demand.timezone == "UTC"


def test_zones_that_agree_are_no_finding() -> None:
    """Naming the same zone again is no difference."""
    told = {"timezone": "Europe/Berlin", "demand": {"timezone": "Europe/Berlin"}}
    assert check_alone(policy_of(**told, window=[WINDOW | {"timezone": "Europe/Berlin"}])) == ()


def test_a_plan_tells_its_times_in_the_zone_of_its_policy() -> None:
    """Made, expires, and the window, in plan.md and in what is refused."""
    plan = plan_of(swap(), goal_of(swap(), big="h2", small="h1"))
    berlin = policy_of(timezone="Europe/Berlin")
    closes = plan.schedule.begins_at + timedelta(hours=7)
    plan = replace(
        plan,
        made_from=replace(plan.made_from, policy=berlin),
        schedule=replace(plan.schedule, closes_at=closes, late=()),
    )
    shown = (plan.made_at + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")
    assert f"| made | {shown} Europe/Berlin |" in plan_markdown(plan)
    assert untimely(plan, plan.expires_at + timedelta(hours=1)).endswith("Europe/Berlin")
    (words,) = [line for line in window_remarks(plan) if line.startswith("Window")]
    assert words.endswith(f"the window closes {closes + timedelta(hours=1):%Y-%m-%d %H:%M} Europe/Berlin.")


def test_a_window_of_no_length_is_not_told() -> None:
    """A plan without steps tells no window; one that is over within a minute does not tell that minute three times."""
    plan = plan_of(swap(), goal_of(swap(), big="h2", small="h1"))
    begins = plan.schedule.begins_at.replace(second=0)
    open_until = replace(plan.schedule, begins_at=begins, closes_at=begins + timedelta(hours=7), late=())
    short = replace(open_until, seconds=20.0, seconds_high=40.0)
    assert list(window_remarks(replace(plan, steps=(), schedule=open_until))) == []
    (words,) = window_remarks(replace(plan, schedule=short))
    assert words.count(f"{begins:%H:%M}") == 1
    assert "done within that minute" in words


@pytest.mark.parametrize(
    ("claimed", "accepted"),
    [
        ("relieves h1, at 104% of its threshold at 14:00", True),
        ("relieves h1, at 104% of its threshold at 14:00 Europe/Berlin", True),
        ("relieves h1, at 104% of its threshold at 14:00 Asia/Tokyo", False),
        ("relieves h2, at 104% of its threshold at 14:00", False),
    ],
)
def test_plans_of_versions_that_told_no_zone_are_as_good(claimed: str, *, accepted: bool) -> None:
    """Another zone than the right one is not."""
    right = "relieves h1, at 104% of its threshold at 14:00 Europe/Berlin"
    assert (as_told(claimed, right) == claimed) is accepted


@pytest.mark.parametrize(
    "name", ["Europe", "Nowhere/Berlin", "", "../UTC", "/etc/localtime", "Eu" + "a." * 2000 + "/Berlin"]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    """Also a name of so many parts that looking for it would exhaust the stack."""
    with pytest.raises(PolicyError, match="is not an IANA time zone such as"):
        Policy(timezone=name)
