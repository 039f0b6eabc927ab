"""Replays of tiny pools, by values computed by hand, and hindsight against all placements there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.errors import InputError
from rebalancer.frames import replay_frame
from rebalancer.inventory import Pool
from rebalancer.objectives import Balance
from rebalancer.placement import Placement
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.whatif.replay import (
    Contender,
    DayLoad,
    Greedy,
    HillClimb,
    Hindsight,
    Night,
    Nothing,
    Planner,
    Replay,
    by_week,
    replay,
    summary_of,
)
from rebalancer.whatif.replay.regret import regret_of
from tests.pools import make_pool, make_vm, policy_of
from tests.whatif.replay.recorded import MONDAY, recording_of

PRICE = 0.1
WISHES = {
    "demand": {"window_days": 2, "percentile": 95},
    "objective": {"levels": [], "pcpu_hours_per_gib": PRICE},
    "limits": {"solve_seconds": 2},
}
PLAIN = policy_of(**WISHES)
"""Load costs what is above 75 %, and a GiB a tenth of that."""


def two_busy() -> Pool:
    """Two VMs of 8 vCPUs and 4 GiB on the first of two hosts of 16 pCPUs."""
    return make_pool(vms=[make_vm(name, gib=4, vcpus_max=8, vcpus_at_startup=8) for name in ("a", "b")])


def run(pool: Pool, days: dict[str, list[float]], *contenders: Contender, **asked: object) -> Replay:
    """A replay that looks back two days."""
    return replay(pool, recording_of(pool, days), contenders, days_back=2, **asked)  # type: ignore[arg-type]


def test_a_day_is_judged_by_arithmetic() -> None:
    """Both VMs use 8 of 16 pCPUs: 4 above 75 % in 24 hours, above 90 % and not above 100 % in all of them."""
    found = run(two_busy(), {"a": [8.0] * 3, "b": [8.0] * 3}, Nothing(policy=PLAIN))
    (night,) = found.nights
    assert night.day == DayLoad(overload=96, hours_above=(24, 24, 0), worst_share=1.0, worst_host="h1", worst_hour=0)
    assert night.without == night.day
    assert night.least_overload == 0
    assert (night.moved, night.gib) == ((), 0)
    assert night.at == MONDAY.replace(day=4)


def test_a_plan_stays_made() -> None:
    """One VM moves in the first night, and none in the second: what was is told beside what is."""
    found = run(two_busy(), {"a": [8.0] * 4, "b": [8.0] * 4}, Planner(name="plan", policy=PLAIN))
    first, second = found.nights
    assert [len(night.moved) for night in found.nights] == [1, 0]
    assert first.gib == 4
    assert [night.day.overload for night in found.nights] == [0, 0]
    assert [night.without.overload for night in found.nights] == [96, 96]
    assert second.day.worst_share == 0.5


def test_what_the_pool_has_too_much_of_is_told() -> None:
    """Four VMs of 8 pCPUs on 32 pCPUs: 8 above 75 % of all in every hour, wherever they are."""
    vms = [make_vm(name, on="h1", gib=4, vcpus_max=8, vcpus_at_startup=8) for name in "abcd"]
    pool = make_pool(vms=vms)
    found = run(pool, {name: [8.0] * 3 for name in "abcd"}, Nothing(policy=PLAIN), Planner(name="p", policy=PLAIN))
    assert [night.least_overload for night in found.nights] == [192, 192]
    assert [night.day.overload for night in found.nights] == [480, 192]


def test_who_knew_nothing_regrets() -> None:
    """Quiet days and then a busy one: moving 4 GiB at 0.1 would have saved 96 pCPU-hours, and nobody can do better."""
    days = {"a": [0.5, 0.5, 8.0], "b": [0.5, 0.5, 8.0]}
    found = run(two_busy(), days, Planner(name="plan", policy=PLAIN), Hindsight(policy=PLAIN))
    blind, knowing = (night.regret for night in found.nights)
    assert blind
    assert [blind.cost, blind.bound, blind.least, blind.most] == pytest.approx([96, 0.4, 95.6, 95.6], abs=1e-3)
    assert knowing
    assert knowing.most == pytest.approx(0, abs=1e-3)


def test_a_noisy_day_is_paid_for() -> None:
    """Busy days and then a quiet one: the move was for nothing, and costs what it costs."""
    days = {"a": [8.0, 8.0, 0.5], "b": [8.0, 8.0, 0.5]}
    (night,) = run(two_busy(), days, Planner(name="plan", policy=PLAIN)).nights
    assert night.regret
    assert [night.regret.least, night.regret.most] == pytest.approx([0.4, 0.4])


@pytest.mark.parametrize("kind", [Greedy, HillClimb])
def test_simple_balancers_keep_the_rules(kind: type[Greedy | HillClimb]) -> None:
    """They relieve the hot host, and never by the VM that may not move."""
    pool, days = two_busy(), {"a": [8.0] * 3, "b": [8.0] * 3}
    (free,) = run(pool, days, kind(policy=PLAIN)).nights
    assert len(free.moved) == 1
    tied = policy_of(**WISHES, never_move=["a"])
    assert [night.moved for night in run(pool, days, kind(policy=tied)).nights] == [("b",)]
    held = policy_of(**WISHES, never_move=["a", "b"])
    assert [night.moved for night in run(pool, days, kind(policy=held)).nights] == [()]


def test_memory_binds_simple_balancers() -> None:
    """A VM that does not fit stays, however hot its host is."""
    vms = [make_vm(name, gib=40, vcpus_max=8, vcpus_at_startup=8) for name in ("a", "b")]
    crowd = make_vm("c", on="h2", gib=30)
    pool = make_pool(vms=[*vms, crowd])
    found = run(pool, {"a": [8.0] * 3, "b": [8.0] * 3, "c": [0.0] * 3}, Greedy(policy=PLAIN), HillClimb(policy=PLAIN))
    assert [night.moved for night in found.nights] == [(), ()]


def test_a_vm_that_moved_cools_down() -> None:
    """For the two days that the policy says, and no longer; without such a policy not at all."""
    pool = two_busy()
    recording = recording_of(pool, {"a": [8.0] * 4, "b": [8.0] * 4})
    calm = policy_of(**WISHES | {"limits": {"cool_down_hours": 48}})
    night = Night(at=MONDAY, pool=pool, recording=recording, moved_at={"a": MONDAY - timedelta(days=1)})
    assert night.in_hindsight(PLAIN).policy.cooling == ()
    assert [each.vm for each in night.in_hindsight(calm).policy.cooling] == ["a"]
    assert replace(night, at=MONDAY.replace(day=4)).in_hindsight(calm).policy.cooling == ()


def test_nights_without_an_answer_are_told() -> None:
    """A plan that moves more VMs than the policy lets pass is none, and its night is counted."""
    careful = policy_of(**WISHES | {"limits": {"solve_seconds": 2, "sanity_share": 0.2}})
    (night,) = run(two_busy(), {"a": [8.0] * 3, "b": [8.0] * 3}, Planner(name="plan", policy=careful)).nights
    assert (night.planned, night.moved) == (False, ())
    assert "sanity_share" in night.words
    assert summary_of([night]).unplanned == 1


def test_weeks_are_summed() -> None:
    """Nine nights are a week and two nights; a frame has a row for each, and says how often who moved."""
    days = {"a": [8.0] * 11, "b": [8.0] * 11}
    found = run(two_busy(), days, Nothing(policy=PLAIN), Planner(name="plan", policy=PLAIN), regret=False)
    assert [week.nights for week in by_week(found.of("nothing"))] == [7, 2]
    weeks = replay_frame(found, "week")
    assert weeks.overload_pcpu_hours.to_dict() == {
        ("nothing", 1): 672,
        ("nothing", 2): 192,
        ("plan", 1): 0,
        ("plan", 2): 0,
    }
    whole = replay_frame(found)
    assert whole.most_moves.to_dict() == {"nothing": 0, "plan": 1}
    assert whole.loc["plan", "moved_most"] in {"a", "b"}
    assert whole.above_75_without_hours.to_dict() == {"nothing": 216, "plan": 216}
    assert len(replay_frame(found, "night")) == 18


@pytest.mark.parametrize(
    ("asked", "wishes", "words"),
    [
        ({"days_back": 1}, {}, "it looks back 2 days, and 1 are kept"),
        ({"days_back": 2, "nights": 2}, {}, "it holds 3.0 days, which is 1 nights"),
        ({"days_back": 3}, {}, "it holds 3.0 days, which is 0 nights"),
        ({"days_back": 2}, {"mode": "evacuate", "empty": ["h1"]}, "it empties hosts"),
    ],
)
def test_what_cannot_be_replayed_is_refused(asked: dict[str, int], wishes: dict[str, object], words: str) -> None:
    """In a sentence that says why."""
    pool = two_busy()
    recording, policy = recording_of(pool, {"a": [8.0] * 3, "b": [8.0] * 3}), policy_of(**WISHES, **wishes)
    with pytest.raises(InputError, match=words):
        replay(pool, recording, [Planner(name="plan", policy=policy)], **asked)  # type: ignore[arg-type]


def test_two_of_one_name_are_refused() -> None:
    """Nobody could tell their rows apart."""
    with pytest.raises(InputError, match="two contenders have this name"):
        run(two_busy(), {"a": [8.0] * 3, "b": [8.0] * 3}, Nothing(policy=PLAIN), Planner(name="nothing", policy=PLAIN))


@settings(max_examples=15)
@given(
    loads=st.lists(
        st.lists(st.floats(0, 8).map(lambda each: round(each, 2)), min_size=2, max_size=2), min_size=4, max_size=4
    ),
    price=st.sampled_from([0.0, 0.01, 0.5]),
    levels=st.sampled_from([[], [[0.8, 2], [1.0, 8]]]),
)
def test_hindsight_is_never_beaten(loads: list[list[float]], price: float, levels: list[list[float]]) -> None:
    """Of all placements of four VMs none costs less than the bound, and the best found is the best there is."""
    pool = make_pool(vms=[make_vm(name, gib=4, vcpus_max=8, vcpus_at_startup=8) for name in "abcd"])
    days = {name: [0.0, *used] for name, used in zip("abcd", loads, strict=True)}
    policy = policy_of(objective={"levels": levels, "pcpu_hours_per_gib": price}, demand={"window_days": 1})
    night = Night(at=MONDAY.replace(day=3), pool=pool, recording=recording_of(pool, days))
    known = Rulebook.of(night.in_hindsight(policy))
    everywhere = [Placement(dict(zip("abcd", hosts, strict=True))) for hosts in product(("h1", "h2"), repeat=4)]
    least = min(Balance().value(each, known) for each in everywhere)
    regrets = [regret_of(known, each) for each in (everywhere[0], everywhere[5])]
    for regret in regrets:
        assert regret.bound <= least + 1e-6
        assert regret.best == pytest.approx(least, rel=1e-3, abs=1e-2)
        assert 0 <= regret.least <= regret.most


def test_policies_of_other_prices_are_judged_by_their_own() -> None:
    """The same day, with and without a move, for one to whom a GiB is dear."""
    dear = Policy.model_validate(WISHES | {"objective": {"levels": [], "pcpu_hours_per_gib": 100}})
    days = {"a": [8.0] * 3, "b": [8.0] * 3}
    (night,) = run(two_busy(), days, Planner(name="dear", policy=dear)).nights
    assert night.moved == ()
    assert night.regret
    assert [night.regret.cost, night.regret.most] == pytest.approx([24 * (16 - 0.7 * 16), 0], abs=0.1)
