"""What the operator wants: groups, ties, hosts to be emptied, VMs of unknown load."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Legality, PoolRule, Rulebook, Violation, rules_for
from tests.pools import make_host, make_vm, policy_of, problem_of

HOSTS = ("h1", "h2", "h3")


def three(policy: dict[str, Any], **where: str) -> Problem:
    """Three hosts with small VMs, under a policy."""
    hosts = [make_host(name) for name in HOSTS]
    vms = [make_vm(vm, on=host) for vm, host in where.items()]
    return problem_of(hosts=hosts, vms=vms, policy=policy_of(**policy))


def pool_rules(problem: Problem) -> list[PoolRule]:
    """The pool rules that bind."""
    return [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]


def ends(problem: Problem, **goal: str) -> list[str]:
    """The rules that a placement breaks."""
    return [
        each.rule for each in Rulebook(problem, pool_rules(problem)).violations(Placement(goal), since=problem.initial)
    ]


def standing(problem: Problem) -> list[Violation]:
    """What is broken tonight."""
    return list(Rulebook(problem, pool_rules(problem)).violations(problem.initial))


@pytest.mark.parametrize(("at_most", "broken"), [(1, True), (2, False)])
def test_at_most_so_many_of_a_group_share_a_host(at_most: int, broken: bool) -> None:
    """Two of a group on one host are one too many for one, and just enough for two."""
    problem = three({"apart": [{"name": "db", "vms": ["a", "b"], "at_most": at_most}]}, a="h1", b="h2")
    assert ends(problem, a="h2", b="h2") == (["keep-apart"] if broken else [])


def test_group_that_shares_a_host_tonight_may_stay() -> None:
    """It is counted as an old violation, and a third VM may not join it."""
    problem = three({"apart": [{"name": "db", "vms": ["a", "b", "c"]}]}, a="h1", b="h1", c="h2")
    assert [(each.rule, each.excess, each.hosts) for each in standing(problem)] == [("keep-apart", 1, ("h1",))]
    assert ends(problem, a="h1", b="h1", c="h2") == []
    assert ends(problem, a="h1", b="h1", c="h1") == ["keep-apart"]


def test_group_ends_on_one_host() -> None:
    """A group that is together stays together, whichever host it goes to."""
    problem = three({"together": [{"name": "app", "vms": ["a", "b"]}]}, a="h1", b="h1")
    accepted = {goal for goal in product(HOSTS, repeat=2) if not ends(problem, a=goal[0], b=goal[1])}
    assert accepted == {(host, host) for host in HOSTS}


def test_group_that_is_apart_may_stay_or_come_together() -> None:
    """It may not spread to a further host."""
    problem = three({"together": [{"name": "app", "vms": ["a", "b"]}]}, a="h1", b="h2")
    accepted = {goal for goal in product(HOSTS, repeat=2) if not ends(problem, a=goal[0], b=goal[1])}
    assert accepted == {(host, host) for host in HOSTS} | {("h1", "h2"), ("h2", "h1")}


def test_vm_on_a_host_that_it_is_not_tied_to_is_an_old_violation() -> None:
    """It may stay, it may go where it belongs, and nobody else may join it."""
    tie = {"run_on": [{"name": "licensed", "vms": ["a", "b"], "hosts": ["h1"]}]}
    problem = three(tie, a="h3", b="h1")
    assert [(each.rule, each.excess) for each in standing(problem)] == [("must-run-on", 1)]
    assert ends(problem, a="h3", b="h1") == []
    assert ends(problem, a="h1", b="h1") == []
    assert ends(problem, a="h3", b="h2") == ["must-run-on"]


def test_host_to_be_emptied_counts_its_vms_and_takes_nobody() -> None:
    """Those on it are counted, staying is no end violation, joining is."""
    problem = three({"empty": ["h1"]}, a="h1", b="h1", c="h2")
    assert [(each.rule, each.excess) for each in standing(problem)] == [("host-to-be-emptied", 2)]
    assert ends(problem, a="h1", b="h2", c="h2") == []
    assert ends(problem, a="h1", b="h1", c="h1") == ["host-to-be-emptied"]


def in_racks(policy: dict[str, Any], **where: str) -> Problem:
    """h1 and h2 in rack A, h3 in rack B, with small VMs, under a policy."""
    hosts = [make_host(name, tags=(f"rack:{rack}",)) for name, rack in zip(HOSTS, "AAB", strict=True)]
    return problem_of(hosts=hosts, vms=[make_vm(vm, on=host) for vm, host in where.items()], policy=policy_of(**policy))


SPREAD = {"name": "dns", "vms": ["a", "b", "c"], "domain": "rack"}


def test_at_most_so_many_of_a_group_are_in_one_domain() -> None:
    """Of three in two racks, two may share one: on one host or on two, not three."""
    problem = in_racks({"spread": [SPREAD]}, a="h1", b="h2", c="h3")
    assert ends(problem, a="h1", b="h1", c="h3") == []
    assert ends(problem, a="h3", b="h2", c="h3") == []
    assert ends(problem, a="h1", b="h2", c="h2") == ["spread-over-domains"]
    assert ends(problem, a="h3", b="h3", c="h3") == ["spread-over-domains"]


def test_group_that_shares_a_domain_tonight_may_stay_and_move_inside() -> None:
    """It is an old violation of the rack; a move from host to host of that rack joins nothing."""
    problem = in_racks({"spread": [SPREAD]}, a="h1", b="h2", c="h2")
    (old,) = standing(problem)
    assert (old.rule, old.excess, old.hosts) == ("spread-over-domains", 1, ("h1", "h2"))
    assert old.words == "VMs of group 'dns' in rack 'A': 3 (limit 2)"
    assert ends(problem, a="h1", b="h1", c="h2") == []
    assert ends(problem, a="h3", b="h2", c="h2") == []


SOFT: list[tuple[dict[str, Any], tuple[str, str, str], str, int]] = [
    ({"apart": [{"name": "g", "vms": ["a", "b", "c"]}]}, ("h1", "h1", "h1"), "keep-apart", 2),
    ({"together": [{"name": "g", "vms": ["a", "b", "c"]}]}, ("h1", "h2", "h3"), "keep-together", 2),
    ({"spread": [{**SPREAD, "name": "g"}]}, ("h1", "h2", "h1"), "spread-over-domains", 1),
    ({"run_on": [{"name": "g", "vms": ["a", "b"], "hosts": ["h1"]}]}, ("h3", "h2", "h1"), "must-run-on", 2),
]


@pytest.mark.parametrize(("policy", "broken", "rule", "excess"), SOFT)
def test_soft_group_forbids_nothing_and_counts(
    policy: dict[str, Any], broken: tuple[str, str, str], rule: str, excess: int
) -> None:
    """Every placement is accepted; the broken one counts as much as of a hard group, and its words say soft."""
    soft = {section: [{**group, "hard": False} for group in groups] for section, groups in policy.items()}
    at = dict(zip("abc", broken, strict=True))
    kept = in_racks(soft, a="h1", b="h1", c="h3")
    assert all(not ends(kept, a=a, b=b, c=c) for a, b, c in product(HOSTS, repeat=3))
    problem = in_racks(soft, **at)
    assert [(each.rule, each.excess) for each in standing(problem)] == [(rule, excess)]
    assert "'g' (soft)" in standing(problem)[0].words
    hard = in_racks(policy, **at)
    assert [each.excess for each in standing(hard)] == [excess]
    legality = Legality(problem, rules_for(problem))
    assert len(legality.targets(problem.pool.vms["a"])) == len(HOSTS) - 1


def profile(**quality: Quality) -> LoadProfile:
    """One slot of load for VMs of such quality."""
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    return LoadProfile(
        vms=tuple(quality),
        hosts=("h1", "h2"),
        vm_pcpu=np.ones((len(quality), 1)),
        host_base_pcpu=np.zeros((2, 1)),
        slot_hours=24.0,
        quality=quality,
        percentile=95.0,
        window_start=moment,
        window_end=moment,
        timezone="UTC",
        source="test",
    )


@pytest.mark.parametrize(
    ("demand", "policy", "held"),
    [
        (profile(web=Quality.MEASURED), {}, False),
        (profile(web=Quality.SHORT), {}, False),
        (profile(web=Quality.UNKNOWN), {}, True),
        (profile(), {}, True),
        (None, {}, False),
        (profile(web=Quality.UNKNOWN), {"mode": "evacuate"}, False),
        (profile(web=Quality.UNKNOWN), {"empty": ["h1"]}, False),
        (profile(web=Quality.UNKNOWN), {"empty": ["h2"]}, True),
    ],
)
def test_vm_of_unknown_load_stays(demand: LoadProfile | None, policy: dict[str, Any], held: bool) -> None:
    """Unless nothing is planned by load, or its host is to be emptied."""
    problem = problem_of(vms=[make_vm("web")], demand=demand, policy=policy_of(**policy))
    legality = Legality(problem, rules_for(problem))
    assert ("demand-known" in {each.rule for each in legality.held_by(problem.pool.vms["web"])}) is held
