"""What `policy check` says of a policy in a pool, by what the rules let single VMs do."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import VM
from rebalancer.legality.findings import check_groups, check_spare, policy_findings, unplaced
from rebalancer.policy import intent_of
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import GIB
from tests.pools import make_host, make_vif, make_vm, policy_of, problem_of
from tests.rules.availability.spare_pools import THREE, restarts_of, spare_pool

RACKS = {"h1": "A", "h2": "A", "h3": "B"}


def pool_of(*vms: VM, **sections: Any) -> Problem:  # noqa: ANN401 - sections of a policy
    """Three hosts in two racks."""
    hosts = [make_host(name, tags=(f"rack:{rack}",)) for name, rack in RACKS.items()]
    return problem_of(hosts=hosts, vms=vms, policy=policy_of(**sections))


def held(name: str, on: str) -> VM:
    """A VM that may not be migrated."""
    return make_vm(name, on=on, blocked_operations={"pool_migrate": "x", "migrate_send": "x"})


def group(*vms: str, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields of a group
    """The group `g`."""
    return [{"name": "g", "vms": list(vms), **changes}]


def said(problem: Problem) -> list[str]:
    """What is found of groups."""
    return [str(each) for each in check_groups(Rulebook.of(problem))]


TWO_HELD = (held("a", "h1"), held("b", "h2"), make_vm("c", on="h3"))
SAME_HOST = (held("a", "h1"), held("b", "h1"), make_vm("c", on="h3"))


@pytest.mark.parametrize(
    ("vms", "sections", "finding"),
    [
        (
            TWO_HELD,
            {"together": group("a", "b")},
            ["together 'g': no host takes all its VMs; 'a' has 1 host, 'b' has 1 host: cannot be kept"],
        ),
        (TWO_HELD, {"together": group("a", "c")}, []),
        (TWO_HELD, {"apart": group("a", "b", "c")}, []),
        (
            SAME_HOST,
            {"apart": group("a", "b", "c")},
            ["apart 'g': too many of its VMs have the same few hosts; 'b' has 1 host: cannot be kept"],
        ),
        (SAME_HOST, {"apart": group("a", "b", "c", at_most=2)}, []),
        (
            TWO_HELD,
            {"spread": group("a", "b", domain="rack")},
            ["spread 'g': too many of its VMs have the same rack; 'b' has 1 host: cannot be kept"],
        ),
        (TWO_HELD, {"spread": group("a", "b", "c", domain="rack")}, []),
        (
            TWO_HELD,
            {"run_on": group("a", "c", hosts=["h2"])},
            ["run_on 'g': none of its hosts takes 'a': cannot be kept"],
        ),
        (TWO_HELD, {"run_on": group("a", "c", hosts=["h1"], hard=False)}, []),
    ],
)
def test_groups_that_no_host_can_satisfy(vms: tuple[VM, ...], sections: dict[str, Any], finding: list[str]) -> None:
    """VMs that are held, by whatever rule, keep the group from ever being whole; nothing else is said."""
    assert said(pool_of(*vms, **sections)) == finding


def test_a_finding_names_three_vms() -> None:
    """And counts the others."""
    vms = [held(name, "h1") for name in "abcde"]
    (found,) = said(pool_of(*vms, run_on=group(*"abcde", hosts=["h2"])))
    assert found == "run_on 'g': none of its hosts takes 'a', 'b', 'c' and 2 more: cannot be kept"
    (found,) = said(pool_of(*vms, apart=group(*"abcde")))
    assert found.count(" has ") == 3
    (found,) = said(pool_of(*vms[:3], run_on=group(*"abc", hosts=["h2"])))
    assert found.endswith("takes 'a', 'b', 'c': cannot be kept")


@pytest.mark.parametrize("seed", range(40))
def test_unplaced_are_as_few_as_by_brute_force(seed: int) -> None:
    """Of all ways to place some VMs, none leaves fewer out."""
    chance = random.Random(seed)
    places = [f"p{number}" for number in range(3)]
    reach = {f"v{n}": frozenset(chance.sample(places, chance.choice([1, 1, 2, 3]))) for n in range(5)}
    at_most = chance.choice([1, 2])
    ways = product(*([*sorted(reach[vm]), None] for vm in reach))
    legal = (way for way in ways if all(way.count(place) <= at_most for place in places))
    assert len(unplaced(reach, at_most)) == min(way.count(None) for way in legal)


def spare_said(problem: Problem) -> list[str]:
    """What is found of hosts to spare."""
    return [each.words for each in check_spare(Rulebook.of(problem)) if each.where == "spare"]


@pytest.mark.parametrize("hosts", [4, 99])
def test_more_hosts_to_spare_than_there_are_is_an_error(hosts: int) -> None:
    """Four of three hosts cannot be spare; three can, and then every VM is named as one that restarts nowhere."""
    pool = spare_pool(THREE, ()).pool
    with pytest.raises(PolicyError, match=f"{hosts} hosts to spare, and the pool has 3"):
        intent_of(policy_of(spare={"hosts": hosts}), pool)
    found = spare_said(spare_pool(THREE, (make_vm("a", on="h1"),), hosts=3))
    assert found == ["VM 'a' cannot be kept restartable: no more than 3 hosts can start it"]


@pytest.mark.parametrize(
    ("room", "vms", "hosts", "words"),
    [
        pytest.param(THREE, {"a": ("h1", 4)}, 1, [], id="fine"),
        pytest.param(THREE, {"a": ("h1", 4)}, 0, [], id="nothing asked for"),
        pytest.param(
            {"h1": 12, "h2": 12, "h3": 6},
            {"a": ("h1", 6), "b": ("h2", 6), "c": ("h3", 5), "d": ("h1", 2)},
            1,
            ["all that restart need 19.1 GiB, and without the largest 1 host the pool has 19.0 GiB for VMs: "],
            id="too much for two hosts",
        ),
        pytest.param(
            {"h1": 12, "h2": 12, "h3": 6}, {"a": ("h1", 6), "b": ("h2", 6), "c": ("h3", 5)}, 1, [], id="just enough"
        ),
        pytest.param(
            {"h1": 12, "h2": 4, "h3": 4, "h4": 5},
            {"a": ("h1", 8)},
            2,
            ["VM 'a' needs 8.1 GiB to restart, and of its hosts 1 has as much: "],
            id="one large host, two needed",
        ),
        pytest.param(
            {"h1": 12, "h2": 12, "h3": 4, "h4": 5}, {"a": ("h1", 8)}, 2, [], id="two large hosts: enough elsewhere"
        ),
        pytest.param(
            {"h1": 5, "h2": 5, "h3": 5},
            {"a": ("h1", 8)},
            1,
            ["VM 'a' needs 8.1 GiB to restart, and of its hosts none have as much: "],
            id="no host is large enough",
        ),
    ],
)
def test_what_the_pool_can_never_give(
    room: Mapping[str, int], vms: Mapping[str, tuple[str, int]], hosts: int, words: list[str]
) -> None:
    """Memory that is not there wherever the VMs are; what another placement would mend is not said."""
    guests = tuple(make_vm(name, on=on, gib=gib) for name, (on, gib) in vms.items())
    found = spare_said(spare_pool(room, guests, hosts=hosts))
    assert [each.partition("cannot be kept")[0].removesuffix(": ") + ": " for each in found] == words


def test_nobody_to_restart_is_said() -> None:
    """Without a protected VM, or without any, hosts to spare ask for nothing."""
    plain = (make_vm("a", on="h1"),)
    (unprotected,) = spare_said(spare_pool(THREE, plain, which="protected"))
    assert unprotected.startswith('no VM that runs has ha_restart_priority "restart": it asks for nothing')
    assert spare_said(spare_pool(THREE, (), which="all")) == ["no VM runs: it asks for nothing"]
    assert (
        spare_said(spare_pool(THREE, (make_vm("a", on="h1", ha_restart_priority="restart"),), which="protected")) == []
    )


def test_protected_vms_that_no_other_host_can_start_are_named() -> None:
    """One by one up to five, then counted: here by a network that only one host has."""
    vms = tuple(make_vm(f"v{n}", on="h1", gib=1, vifs=(make_vif("v", network="nowhere"),)) for n in range(7))
    found = spare_said(spare_pool(THREE, vms))
    assert len(found) == 6
    assert found[0].startswith("VM 'v0' cannot be kept restartable: ")
    assert found[5] == "and 2 VMs more that cannot be kept restartable"
    assert len(spare_said(spare_pool(THREE, vms[:5]))) == 5


def test_a_host_of_just_the_right_size_is_large_enough() -> None:
    """A byte less is not."""
    vms = (make_vm("a", on="h1", gib=8),)
    plain = restarts_of(spare_pool({"h1": 8, "h2": 8}, vms))
    gap = (plain.items.size["a"] - plain.room["h1"]) / GIB
    exact = {"h1": 8 + gap, "h2": 2.0}
    needs = "needs 8.1 GiB to restart"
    assert not any(needs in each for each in spare_said(spare_pool(exact, vms)))
    assert any(needs in each for each in spare_said(spare_pool({**exact, "h1": 8 + gap - 1 / GIB}, vms)))


def test_all_that_is_wrong_with_a_policy_is_said_once() -> None:
    """What contradicts itself is not judged again by the rules; what only they see is said, hosts to spare too."""
    pinned = {"never_move": ["a", "b"], "together": group("a", "b")}
    twice = pool_of(*TWO_HELD, **pinned)
    assert said(twice)
    assert [str(each) for each in policy_findings(twice.policy, twice.pool)] == [
        "together 'g': its VMs that never move are on different hosts: cannot be kept"
    ]
    seen = pool_of(*TWO_HELD, together=group("a", "b"))
    assert [str(each) for each in policy_findings(seen.policy, seen.pool)] == said(seen)
    spare = pool_of(make_vm("a", on="h1"), spare={"hosts": 1, "vms": "protected"})
    (found,) = policy_findings(spare.policy, spare.pool)
    assert found.where == "spare"
