"""Rules of the way to another pool, against a table that was written by hand: `web` goes from e1 to w1 or stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import HighAvailability, join_pools
from rebalancer.placement import Migration
from rebalancer.problem import make_problem
from rebalancer.rules import LIVE, WITH_STORAGE, Rulebook, rules_for
from rebalancer.rules.core.kinds import DiskRule, Origin, PoolRule, StateLimit
from rebalancer.rules.facts.counterparts import network_beyond, network_map, sr_beyond
from rebalancer.rules.facts.memory_model import arrival_overhead, counts_xen_vcpu_pages
from rebalancer.units import GIB
from tests.local_disks import full_disk, local_sr
from tests.pools import make_disk, make_pool, make_vif, make_vm, policy_of
from tests.rules import crossing_rows
from tests.rules.crossing_rows import TO_L1, TO_WEST, Row, named, snapshot
from tests.rules.motions import CROSSING
from tests.rules.twin_rows import TWIN_ROWS
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools, ways_between

ROWS = (*crossing_rows.ROWS, *TWIN_ROWS)
ELSEWHERE = {"crossed-stays", *(rule.id for rule in WITH_STORAGE if isinstance(rule, (DiskRule, PoolRule)))}
"""Rules that are tried below, and those about disks and memory that bind inside a pool, too."""


def objections(row: Row) -> list[str]:
    """The rules that object to the move of *row*."""
    problem = row.problem()
    return [each.rule for each in ways_between(problem).objections(row.move)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{'legal' if row.legal else 'illegal'}")
def test_rule_objects_exactly_where_it_should(row: Row) -> None:
    """The rule of the row objects to the move if and only if the row is illegal, once."""
    assert objections(row).count(row.rule) == (0 if row.legal else 1)


@pytest.mark.parametrize("rule", [rule.id for rule in CROSSING])
def test_every_rule_has_its_rows(rule: str) -> None:
    """Something just legal and something just illegal."""
    if rule not in ELSEWHERE:
        assert {row.legal for row in ROWS if row.rule == rule} == {True, False}


def test_rules_say_what_they_are() -> None:
    """A sentence, a source, an error where XAPI has one, and an id that no rule of the catalogue has for another."""
    for rule in CROSSING:
        assert rule.sentence.endswith(".")
        assert rule.source
        assert rule.code or rule.origin is not Origin.XAPI or rule.id in {"networks-there", "snapshots-follow"}
        assert all(type(each) is type(rule) for each in LIVE if each.id == rule.id)


def test_ordinary_vm_may_go_over() -> None:
    """To the move of an ordinary guest with its disk nothing objects, and that is a way of it."""
    problem = Row(rule="", legal=True).problem()
    assert ways_between(problem).objections(TO_WEST) == ()
    ways = ways_between(problem).routes(problem.pool.vms["web"], problem.pool.hosts["w1"])
    assert ways[0].disks == TO_WEST.disks
    assert ways[0].copied_bytes == 22 * GIB


def test_a_disk_left_behind_is_refused() -> None:
    """All disks go, or none: one that stays would be on an SR that the target does not see."""
    vm = {"vbds": (make_disk("web", 0), make_disk("web", 1))}
    row = Row(rule="", legal=False, vm=vm, east={"vdis": (full_disk("web-disk1", "e-shared"),)})
    assert "target-sr-attached" in objections(row)


def test_a_vm_without_disks_stays_in_its_pool() -> None:
    """There is no disk to take along, so there is no way."""
    problem = Row(rule="", legal=False, vm={"vbds": ()}).problem()
    assert ways_between(problem).routes(problem.pool.vms["web"], problem.pool.hosts["w1"]) == ()


def test_who_has_come_over_is_not_touched_again() -> None:
    """Neither back nor on to another host, by whichever way; whoever did not come over may go on."""
    problem = two_pools(one_pool("e", pool_vm("web", on="e1")), one_pool("w", pool_vm("own", on="w1")))
    there = replace(problem.initial.after(TO_WEST), srs_of=problem.initial.srs_of)
    vms = {**problem.pool.vms, "web": replace(problem.pool.vms["web"], resident_on="w1")}
    now = replace(problem, pool=replace(problem.pool, vms=vms), initial=there, before=problem.initial)
    ways = ways_between(now)
    on = Migration(vm="web", source="w1", target="w2")
    for move in (TO_WEST.back, on, replace(on, disks=TO_WEST.back.disks)):
        assert "crossed-stays" in {each.rule for each in ways.objections(move)}
    assert ways.objections(Migration(vm="own", source="w1", target="w2")) == ()


@pytest.mark.parametrize(("names", "target"), [({}, "w-lan"), ({"lan": "w-two"}, "w-two")])
def test_every_interface_is_in_the_map(names: dict[str, str], target: str) -> None:
    """Those of the VM and of its snapshots, each with the network of its name or of the policy."""
    east = one_pool(
        "e",
        pool_vm("web", on="e1", snapshots=("before",)),
        snapshot(vifs=(make_vif("before", "e-lan"),)),
    )
    west = one_pool("w", hosts=[pool_host("w1", networks=("w-lan", "w-two"))], networks=[named("w-two", "two")])
    problem = two_pools(east, west, policy=crossing_policy(networks=names))
    found = network_map(problem.pool.vms["web"], problem.pool.hosts["w1"], problem)
    assert found == (("before-e-lan", target), ("web-e-lan", target))


def test_disks_go_where_the_policy_leads_their_srs() -> None:
    """Each disk to the SR that is named for its own, the others together to any that has room."""
    east = one_pool(
        "e",
        pool_vm("web", on="e1", vbds=(make_disk("web", 0), make_disk("web", 1))),
        vdis=[full_disk("web-disk1", "e-l1")],
    )
    problem = two_pools(east, one_pool("w"), policy=crossing_policy(srs={"e-l1": "w-l1"}))
    web, host = problem.pool.vms["web"], problem.pool.hosts["w1"]
    ways = ways_between(problem)
    assert [tuple(disk.target for disk in way.disks) for way in ways.routes(web, host)] == [
        ("w-shared", "w-l1"),
        ("w-l1", "w-l1"),
    ]
    carried = ways.disks_along(web, host)
    assert carried is not None
    assert (carried.srs_of("web-xvd0"), carried.srs_of("web-xvd1")) == (("w-shared", "w-l1"), ("w-l1",))
    assert ways.disks_along(web, problem.pool.hosts["w2"]) is None
    (words,) = [each.words for each in ways.why_no_disks(web, problem.pool.hosts["w2"])]
    assert words == "SR 'w-l1' is not attached to the host"
    never = crossing_policy(srs={"e-l1": "w-l1"}, storage_motion={"enabled": True, "never": ["w-l1"]})
    closed = ways_between(two_pools(east, one_pool("w"), policy=never))
    assert closed.routes(web, host) == ()
    assert [each.words for each in closed.why_no_disks(web, host)] == [
        "the policy leads its disks to SR 'w-l1', which cannot receive them there"
    ]


def test_what_leads_nowhere_is_told() -> None:
    """What is missing over there, what is there twice, what is not unique at home, and what has no name."""
    lans = [named("e-two", "twin"), named("e-three", "twin"), named("e-four", ""), named("e-five", "five")]
    east = one_pool("e", networks=lans)
    west = one_pool("w", networks=[named("w-six", "six"), named("w-seven", "six")])
    problem = two_pools(east, west, policy=crossing_policy(networks={"lan": "six"}, srs={"e-l1": "e-l2"}))
    said = [network_beyond(uuid, east, west, problem).words for uuid in ("gone", "e-lan", "e-two", "e-four", "e-five")]
    assert said == [
        "has an interface on a network of which nothing is known",
        "network 'lan' leads nowhere: pool west has 2 networks called 'six'",
        "network e-two leads nowhere: another network of its pool is also called 'twin'",
        "network e-four leads nowhere: it has no name",
        "network 'five' leads nowhere: pool west has no network called 'five'",
    ]
    (sr,) = [sr_beyond("e-l1", east, west.hosts["w1"], problem)]
    assert sr is not None
    assert sr.words == "SR 'e-l1' leads nowhere: pool west has no SR called 'e-l2'"
    assert sr_beyond("e-l2", east, west.hosts["w1"], problem) is None


@pytest.mark.parametrize(
    ("wanted", "seen", "led"),
    [
        ("local", ("w-l1",), "w-l1"),
        ("local", ("w-l2", "w-shared"), "w-l2"),
        ("w-l2", ("w-l1",), "w-l2"),
        ("w-shared", (), "w-shared"),
        ("local", ("w-l1", "w-l2"), "pool west has 2 SRs called 'local', of which the host sees 2"),
        ("local", (), "pool west has 2 SRs called 'local', of which the host sees 0"),
    ],
)
def test_an_sr_that_each_host_has_is_the_one_of_the_target(wanted: str, seen: tuple[str, ...], led: str) -> None:
    """A name that several SRs carry means all of them at home, and over there the one that the target sees."""
    pools = []
    for side, srs in (("e", ("e-l1", "e-l2")), ("w", ("w-l1", "w-l2"))):
        hosts = [pool_host(f"{side}1", srs=seen if side == "w" else srs), pool_host(f"{side}2")]
        pool = one_pool(side, hosts=hosts)
        renamed = {uuid: replace(sr, name="local") if uuid in srs else sr for uuid, sr in pool.srs.items()}
        pools.append(replace(pool, srs=renamed))
    east, west = pools
    problem = two_pools(east, west, policy=crossing_policy(srs={"local": wanted}))
    for sr in ("e-l1", "e-l2"):
        found = sr_beyond(sr, east, west.hosts["w1"], problem)
        assert found is not None
        said = f"SR 'local' leads nowhere: {led}" if " " in led else ""
        assert (found.uuid, found.words) == (None if said else led, said)


def test_space_of_the_other_pool_is_held() -> None:
    """Two disks of 20 GiB do not come to SRs that have room for one."""
    tight = [local_sr(f"w-l{number}", physical_size_bytes=1) for number in (1, 2)]
    west = one_pool("w", srs=tight)
    small = replace(west.srs["w-shared"], physical_size_bytes=45 * GIB, physical_utilisation_bytes=0)
    west = replace(west, srs={**west.srs, "w-shared": small})
    problem = two_pools(one_pool("e", pool_vm("web", on="e1"), pool_vm("two", on="e1")), west)
    both = problem.initial.after(
        TO_WEST, replace(TO_WEST, vm="two", disks=(replace(TO_WEST.disks[0], drive="two-xvd0"),))
    )
    rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
    assert {each.rule for each in Rulebook(problem, rules).violations(both, since=problem.initial)} == {"sr-space"}
    assert not Rulebook(problem, rules).violations(problem.initial.after(TO_WEST), since=problem.initial)


def test_memory_of_the_other_pool_is_held() -> None:
    """A host of the other pool takes what fits, by the same count as inside a pool."""
    west = one_pool("w", pool_vm("own", on="w1", gib=57))
    problem = two_pools(one_pool("e", pool_vm("web", on="e1", gib=3)), west)
    ledger = Rulebook.of(problem).ledger()
    assert "enough-memory" in {each.rule for each in ledger.objections("web", "w1", TO_WEST.disks)}
    assert not ledger.objections("web", "w2", TO_WEST.disks)


def test_ha_of_each_pool_counts_its_own_hosts() -> None:
    """The failover plan of one pool does not rest on hosts of the other."""
    on = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    guarded = {"ha_always_run": True, "ha_restart_priority": "restart"}
    east = one_pool("e", *(pool_vm(f"v{n}", on=f"e{1 + n % 2}", gib=19, **guarded) for n in range(4)), ha=on)
    alone = make_problem(east, None, policy_of(storage_motion={"enabled": True}))
    joined = two_pools(east, one_pool("w"))
    rules = [rule for rule in LIVE if rule.id == "ha-plan" and isinstance(rule, PoolRule)]
    said = [
        [each.words for each in Rulebook(case, rules).violations(case.initial, since=case.initial)]
        for case in (alone, joined)
    ]
    assert said[0] == said[1]
    limits = [limit for rule in rules for case in (alone, joined) for limit in rule.limits(case)]
    where = {vm: (host,) for vm, host in alone.initial.host_of.items()}
    broken = "HA cannot restart all protected VMs after the failure of one host"
    assert [limit.broken(where) for limit in limits if isinstance(limit, StateLimit)] == [broken, broken]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (policy_of(), "other_pools.enabled: 2 pools were named"),
        (crossing_policy(networks={"lam": "lan"}), "other_pools.networks: no pool has 'lam'; near to it: 'lan'"),
        (crossing_policy(srs={"e-shared": "w-sharde"}), "other_pools.srs: no pool has 'w-sharde'"),
    ],
)
def test_policy_has_to_fit_both_pools(policy: Any, words: str) -> None:  # noqa: ANN401 - a policy
    """Several pools need a policy that wants them, and maps that name what there is."""
    with pytest.raises(PolicyError, match=words):
        two_pools(one_pool("e"), one_pool("w"), policy=policy)


def test_one_pool_needs_none_of_it() -> None:
    """A policy with maps is used with one pool as if it had none."""
    policy = crossing_policy(networks={"anything": "else"})
    problem = make_problem(make_pool(vms=[make_vm("web")]), None, policy)
    assert Rulebook.of(problem).targets(problem.pool.vms["web"]).keys() == {"h2"}


def test_disks_that_are_led_elsewhere_are_told() -> None:
    """The disk, and the SR that the policy names for it."""
    problem = Row(rule="", legal=False, policy={"srs": {"e-shared": "w-shared"}}).problem()
    (objection,) = ways_between(problem).objections(TO_L1)
    assert objection.words == "the policy leads its disk 'web-disk0' to SR 'w-shared'"


def test_the_only_sr_of_a_host_may_be_the_one_that_the_policy_names() -> None:
    """There is nothing else to choose, and that is a way."""
    west = one_pool("w", hosts=[pool_host("w1", srs=("w-shared",))])
    problem = two_pools(
        one_pool("e", pool_vm("web", on="e1")), west, policy=crossing_policy(srs={"e-shared": "w-shared"})
    )
    carried = ways_between(problem).disks_along(problem.pool.vms["web"], problem.pool.hosts["w1"])
    assert carried is not None
    assert carried.srs_of("web-xvd0") == ("w-shared",)


def test_what_one_version_checks_binds_in_both_pools() -> None:
    """An old pool beside a new one is held to what the new one asks."""
    old = {"platform_version": "1.6.10", "product_version": "6.1.0", "xapi": "1.3"}
    hosts = [pool_host(name, software_version=old) for name in ("e1", "e2")]
    alone = make_problem(one_pool("e", hosts=hosts), None, policy_of())
    both = two_pools(one_pool("e", hosts=hosts), one_pool("w"))
    asked = [{rule.id for rule in rules_for(problem)} for problem in (alone, both)]
    assert ["enough-pcpus" in ids for ids in asked] == [False, True]


def test_overheads_count_as_in_the_pool_that_counts_more() -> None:
    """What Xen takes for a vCPU counts in both pools where one of them counts it."""
    pools = []
    for side, pages in (("e", True), ("w", False)):
        vm = pool_vm(f"{side}-vm", on=f"{side}1")
        counted = replace(vm, memory_overhead_bytes=arrival_overhead(vm, xen_vcpu_pages=pages))
        pools.append(one_pool(side, counted))
    assert [counts_xen_vcpu_pages(pool) for pool in pools] == [True, False]
    assert counts_xen_vcpu_pages(join_pools(*pools))
