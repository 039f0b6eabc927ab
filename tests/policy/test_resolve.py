from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool, VMGroup, join_pools
from rebalancer.policy import RunOn, intent_of
from tests.policy.conftest import guest, in_racks
from tests.pools import policy_of as policy
from tests.two_pools import crossing_policy, one_pool, pool_vm

PAIR = {"name": "pair", "vms": ["web-1", "web-2"]}


@pytest.mark.parametrize("selector", ["web-1", "uuid-web-1"])
def test_a_vm_is_named_by_name_or_uuid(pool: Pool, selector: str) -> None:
    """Name and uuid lead to the same VM, and the intent says which selector named it."""
    assert intent_of(policy(never_move=[selector]), pool).never_move == {
        "uuid-web-1": f"policy never_move {selector!r}"
    }


def test_a_tag_names_all_that_carry_it(pool: Pool) -> None:
    """`tag:NAME` stands for every running guest with the tag."""
    intent = intent_of(policy(apart=[{"name": "dbs", "vms": ["tag:database"]}]), pool)
    assert intent.apart[0].vms == {"uuid-db-1", "uuid-db-2"}


def test_hosts_are_named_like_vms(pool: Pool) -> None:
    """`run_on`, `empty` and `reserve` find hosts by name and uuid; several reserves of one host add up."""
    intent = intent_of(
        policy(
            run_on=[{"name": "r", "vms": ["web-1"], "hosts": ["a", "uuid-b"]}],
            empty=["c"],
            reserve=[{"hosts": ["a"], "memory_mib": 1}, {"hosts": ["uuid-a", "b"], "memory_mib": 2, "pcpus": 0.5}],
        ),
        pool,
    )
    assert intent.run_on[0].hosts == {"uuid-a", "uuid-b"}
    assert set(intent.empty) == {"uuid-c"}
    assert intent.reserves["uuid-a"].memory_bytes == 3 * 1024**2
    assert intent.reserves["uuid-b"].pcpus == 0.5


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"never_move": ["web-3"]}, "near to it: 'web-2', 'web-1'"),
        ({"never_move": ["database"]}, "(a tag is written 'tag:database')"),
        ({"never_move": ["tag:databse"]}, "near to it: 'database'"),
        ({"never_move": ["debian"]}, "'debian' is a template"),
        ({"never_move": ["dom0"]}, "'dom0' is a control domain"),
        ({"empty": ["d"]}, "the pool has no host 'd'"),
        ({"empty": ["tag:rack-1"]}, "no host of the pool carries the tag 'rack-1'"),
        ({"empty": ["a", "b", "c"]}, "empty names every host"),
        ({"apart": [{"name": "g", "vms": ["web-1"]}]}, "apart 'g': the group has only VM 'web-1'"),
        ({"together": [{"name": "g", "vms": ["web-1", "uuid-web-1"]}]}, "the group has only VM 'web-1'"),
        ({"together": [PAIR], "apart": [PAIR]}, "'web-1', 'web-2' are kept together by 'pair' and apart by 'pair'"),
        (
            {
                "together": [PAIR, {"name": "more", "vms": ["web-2", "db-1"]}],
                "apart": [{"name": "x", "vms": ["web-1", "db-1"]}],
            },
            "'db-1', 'web-1' are kept together by 'pair', 'more' and apart by 'x'",
        ),
        (
            {"run_on": [{"name": "r", "vms": ["web-1"], "hosts": ["a"]}], "empty": ["a"]},
            "'web-1' may run on no host: run_on 'r' and empty leave none",
        ),
        (
            {
                "together": [PAIR],
                "run_on": [
                    {"name": "r", "vms": ["web-1"], "hosts": ["a"]},
                    {"name": "s", "vms": ["web-2"], "hosts": ["b"]},
                ],
            },
            "'web-1', 'web-2' may run on no host: run_on 'r', 's'",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(pool: Pool, sections: dict[str, Any], words: str) -> None:
    """A wrong name, a group too small and a contradiction say what, where, and what is near."""
    with pytest.raises(PolicyError) as raised:
        intent_of(policy(**sections), pool)
    assert words in str(raised.value)
    assert str(raised.value).startswith("policy 'default'")


def test_two_running_vms_of_one_name_are_refused(pool_with: Callable[..., Pool]) -> None:
    """An ambiguous name lists the uuids to choose from."""
    pool = pool_with(guest("web-1", "c", uuid="uuid-twin"))
    with pytest.raises(PolicyError, match="2 VMs are named 'web-1': uuid-twin, uuid-web-1"):
        intent_of(policy(never_move=["web-1"]), pool)


def test_a_halted_namesake_is_not_meant(pool_with: Callable[..., Pool]) -> None:
    """A halted copy of the same name does not make a running VM's name ambiguous."""
    pool = pool_with(guest("web-1", None, uuid="uuid-copy"))
    assert set(intent_of(policy(never_move=["web-1"]), pool).never_move) == {"uuid-web-1"}


def test_halted_vms_do_not_count(pool: Pool) -> None:
    """A halted member leaves its group; a group with one running VM asks for nothing; a halted pin is nothing."""
    group = {"name": "g", "vms": ["web-1", "old"]}
    intent = intent_of(
        policy(
            together=[group],
            apart=[{"name": "h", "vms": ["web-1", "web-2", "old"]}],
            never_move=["old"],
            run_on=[{"name": "r", "vms": ["tag:legacy"], "hosts": ["a"]}],
        ),
        pool,
    )
    assert intent.together == ()
    assert intent.run_on == ()
    assert intent.apart[0].vms == {"uuid-web-1", "uuid-web-2"}
    assert intent.never_move == {}


def test_apart_with_at_most_two_allows_a_pair_together(pool: Pool) -> None:
    """Together contradicts apart only where more VMs are bound together than may share a host."""
    wide = {"name": "wide", "vms": ["web-1", "web-2", "db-1"], "at_most": 2}
    assert intent_of(policy(together=[PAIR], apart=[wide]), pool).apart[0].at_most == 2


@pytest.mark.parametrize("prefix", ["xo:load:balancer:", "rebalancer:"])
def test_tags_of_the_pool_count(pool_with: Callable[..., Pool], prefix: str) -> None:
    """Xen Orchestra's tags and ours make groups and pins; a tag that one VM carries makes none."""
    ours = prefix == "rebalancer:"
    together, apart = (prefix + kind for kind in (("together", "apart") if ours else ("affinity", "anti-affinity")))
    never = prefix + ("leave-alone" if ours else "ignore")
    pool = pool_with(
        guest("x", "a", tags=(f"{together}=t", f"{apart}=lonely")),
        guest("y", "a", tags=(f"{together}=t", f"{apart}=s", never)),
        guest("z", "b", tags=(f"{apart}=s",)),
    )
    intent = intent_of(policy(), pool)
    assert [(group.name, sorted(group.vms)) for group in intent.together] == [
        (f"tag {together}=t", ["uuid-x", "uuid-y"])
    ]
    assert [(group.name, sorted(group.vms)) for group in intent.apart] == [(f"tag {apart}=s", ["uuid-y", "uuid-z"])]
    assert intent.never_move == {"uuid-y": f"tag {never}"}
    ignored = intent_of(policy(intent={"read_tags": False}), pool)
    assert (ignored.together, ignored.apart, ignored.never_move) == ((), (), {})


def test_maintenance_may_move_who_is_left_alone(pool_with: Callable[..., Pool]) -> None:
    """As a last resort, in mode evacuate and in plans of maintenance; whoever never moves does not."""
    pool = pool_with(
        guest("x", "a", tags=("rebalancer:never-move",)),
        guest("y", "a", tags=("rebalancer:leave-alone",)),
        guest("z", "b", tags=("xo:load:balancer:ignore",)),
    )
    named = {"leave_alone": ["web-1"], "never_move": ["db-1"]}
    never, alone = {"uuid-x", "uuid-db-1"}, {"uuid-y", "uuid-z", "uuid-web-1"}
    assert {*intent_of(policy(**named), pool).never_move} == never | alone
    for wanted in ({"mode": "evacuate"}, {"plan": {"maintenance": True}}):
        intent = intent_of(policy(**named, **wanted), pool)
        assert ({*intent.never_move}, {*intent.last_resort}) == (never, alone)


def test_vm_groups_of_the_pool_count(pool_with: Callable[..., Pool]) -> None:
    """A VM group is apart where its placement is anti_affinity, as hard as the policy says, soft by default."""
    members = ("uuid-db-1", "uuid-db-2", "uuid-old")
    groups = {
        "g1": VMGroup(uuid="g1", name="dbs", placement="anti_affinity", vms=members),
        "g2": VMGroup(uuid="g2", name="any", placement="normal", vms=("uuid-web-1", "uuid-web-2")),
    }
    pool = pool_with(vm_groups=groups)
    assert [(group.name, sorted(group.vms)) for group in intent_of(policy(), pool).apart] == [
        ("VM group dbs", ["uuid-db-1", "uuid-db-2"])
    ]
    assert not intent_of(policy(), pool).apart[0].hard
    assert intent_of(policy(intent={"vm_groups": "hard"}), pool).apart[0].hard
    assert intent_of(policy(intent={"vm_groups": "ignore"}), pool).apart == ()


def test_affinity_counts_where_the_policy_asks_for_it(pool_with: Callable[..., Pool]) -> None:
    """A soft run_on for each host that running VMs prefer to start on; a host that is gone is nobody's."""
    pool = pool_with(
        guest("x", "a", affinity="uuid-c"),
        guest("y", "b", affinity="uuid-c"),
        guest("z", "b", affinity="gone"),
        guest("rests", None, affinity="uuid-b"),
    )
    assert intent_of(policy(), pool).run_on == ()
    assert intent_of(policy(intent={"read_affinity": True}), pool).run_on == (
        RunOn(name="affinity c", vms=frozenset({"uuid-x", "uuid-y"}), hosts=frozenset({"uuid-c"}), hard=False),
    )


SPREAD = {"name": "s", "vms": ["web-1", "web-2", "db-1", "old"], "domain": "rack"}


@pytest.mark.parametrize(
    ("racks", "empty", "at_most"),
    [("AAB", [], 2), ("ABC", [], 1), ("AAA", [], 3), ("ABC", ["c"], 2), ("AAB", ["a"], 2)],
)
def test_a_spread_is_even_over_the_domains_that_stay_open(
    pool_with: Callable[..., Pool], racks: str, empty: list[str], at_most: int
) -> None:
    """The running VMs, three here, are shared among domains that keep a host, rounded up."""
    (spread,) = intent_of(policy(spread=[SPREAD], empty=empty), pool_with(hosts=in_racks(racks))).spread
    assert (spread.at_most, spread.hard, sorted(spread.hosts_of)) == (at_most, True, sorted(set(racks)))
    assert spread.hosts_of[racks[0]] == {f"uuid-{name}" for name, rack in zip("abc", racks, strict=True) if rack == "A"}


def test_a_spread_says_how_many(pool_with: Callable[..., Pool]) -> None:
    """What the policy says counts, not the even share."""
    wide = {**SPREAD, "at_most": 3, "hard": False}
    (spread,) = intent_of(policy(spread=[wide]), pool_with(hosts=in_racks("AAB"))).spread
    assert (spread.at_most, spread.hard) == (3, False)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (("A", "rack"), r"every host is in one rack, but host 'b' has no tag rack:NAME"),
        (("rack:A", "rack:B"), r"every host is in one rack, but host 'b' has tags for 2 of them: A, B"),
    ],
)
def test_where_a_host_stands_is_not_guessed(pool_with: Callable[..., Pool], tags: tuple[str, ...], words: str) -> None:
    """A host without a tag of the domain, or with two, is an error that names it."""
    first, second, third = in_racks("AAB")
    with pytest.raises(PolicyError, match=words):
        intent_of(policy(spread=[SPREAD]), pool_with(hosts=[first, replace(second, tags=tags), third]))


def test_soft_groups_may_contradict(pool: Pool) -> None:
    """What would be refused of two hard groups is none of a soft one's business: it is counted."""
    apart = {"name": "mine", "vms": ["web-1", "db-1"], "hard": False}
    intent = intent_of(policy(together=[{"name": "both", "vms": ["web-1", "db-1"]}], apart=[apart]), pool)
    assert (intent.binding.apart, len(intent.apart)) == ((), 1)


def test_a_spread_may_not_contradict_a_group(pool_with: Callable[..., Pool]) -> None:
    """VMs of one host are in one rack: more than may be there is a contradiction."""
    groups = {"spread": [{**SPREAD, "at_most": 1}], "together": [{"name": "t", "vms": ["web-1", "web-2"]}]}
    with pytest.raises(PolicyError, match=r"kept together by 't' and apart by 's'"):
        intent_of(policy(**groups), pool_with(hosts=in_racks("AAB")))


def test_the_policy_may_not_contradict_a_tag(pool_with: Callable[..., Pool]) -> None:
    """A contradiction between the policy and a tag names both."""
    tagged = [guest(name, "a", tags=("rebalancer:apart=q",)) for name in ("q-1", "q-2")]
    with pytest.raises(PolicyError, match=r"kept together by 'mine' and apart by 'tag rebalancer:apart=q'"):
        intent_of(policy(together=[{"name": "mine", "vms": ["q-1", "q-2"]}]), pool_with(*tagged))


def test_groups_of_tags_are_as_hard_as_the_policy_says(pool_with: Callable[..., Pool]) -> None:
    """Hard by default, soft or left out on request; what a tag says of a single VM counts all the same."""
    tags = ("rebalancer:together=t", "rebalancer:never-move")
    others = [guest(name, name, tags=("rebalancer:apart=s",)) for name in "bc"]
    pool = pool_with(guest("x", "a", tags=tags), guest("y", "a", tags=tags), *others)
    for strength, hard in (({}, [True]), ({"tag_groups": "soft"}, [False]), ({"tag_groups": "ignore"}, [])):
        intent = intent_of(policy(intent=strength), pool)
        assert [group.hard for group in intent.together] == hard
        assert [group.hard for group in intent.apart] == hard
        assert sorted(intent.never_move) == ["uuid-x", "uuid-y"]


def test_the_same_tag_in_two_pools_brings_nobody_over() -> None:
    """VMs that a tag wants together are those of one pool; apart they are kept wherever they are."""
    web = {"tags": ("xo:load:balancer:affinity=web",)}
    db = {"tags": ("xo:load:balancer:anti-affinity=db",)}
    east = one_pool("e", *(pool_vm(name, on="e1", **web) for name in ("a", "b")), pool_vm("x", on="e1", **db))
    west = one_pool("w", *(pool_vm(name, on="w1", **web) for name in ("c", "d", "e")), pool_vm("y", on="w1", **db))
    intent = intent_of(crossing_policy(), join_pools(east, west))
    assert [(group.name, sorted(group.vms)) for group in intent.together] == [
        ("tag xo:load:balancer:affinity=web in pool east", ["a", "b"]),
        ("tag xo:load:balancer:affinity=web in pool west", ["c", "d", "e"]),
    ]
    assert [sorted(group.vms) for group in intent.apart] == [["x", "y"]]
