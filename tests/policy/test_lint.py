from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool, VMMetrics
from rebalancer.policy import check_policy
from tests.policy.conftest import guest, in_racks
from tests.pools import make_host, make_pool, make_vm, policy_of

ALL = ["web-1", "web-2", "db-1", "db-2"]


@pytest.mark.parametrize(
    ("sections", "finding"),
    [
        ({"mode": "evacuate"}, "mode: evacuate, but empty names no host"),
        (
            {"timezone": "Europe/Berlin", "demand": {"timezone": "UTC"}},
            "demand.timezone: hours of load are in UTC, all else is told in Europe/Berlin",
        ),
        (
            {"timezone": "Europe/Berlin", "window": [{"start": "22:00", "end": "05:00", "timezone": "UTC"}]},
            "window[1].timezone: 22:00 to 05:00 is in UTC, all else is told in Europe/Berlin",
        ),
        (
            {"mode": "consolidate", "objective": {"priority": "gib"}},
            "objective.priority: consolidate puts load before hosts in use, and those before GiB, whatever it says",
        ),
        (
            {"mode": "repair", "objective": {"clean_up": ["spread"]}},
            "objective.clean_up: nothing is levelled in mode repair",
        ),
        (
            {"objective": {"level": 1.0, "priority": "gib"}},
            "objective.level: with priority 'gib' there is nothing to spend on it: it only copies no more",
        ),
        ({"limits": {"maximum_moves": 0}}, "limits.maximum_moves: 0 lets nothing move: every plan is without steps"),
        ({"limits": {"maximum_gib": 0.0}}, "limits.maximum_gib: 0 lets nothing move: every plan is without steps"),
        (
            {"blackout": [{"start": "00:00", "end": "00:00"}]},
            "blackout: no change window ever opens: nothing can be planned until a blackout is shortened",
        ),
        (
            {"apart": [{"name": "g", "vms": ["web-1", "web-2"], "at_most": 2}]},
            "apart 'g': at_most 2 allows all its VMs on one host: it asks for nothing",
        ),
        (
            {"together": [{"name": "g", "vms": ["web-1", "old"]}]},
            "together 'g': 'old' not running, does not count; it asks for nothing tonight",
        ),
        (
            {"run_on": [{"name": "g", "vms": ["web-1", "old"], "hosts": ["a", "b"]}]},
            "run_on 'g': 'old' not running, does not count",
        ),
        ({"never_move": ["old"]}, "never_move: 'old' not running, does not count"),
        (
            {"apart": [{"name": "g", "vms": ALL}]},
            "apart 'g': 4 VMs, at most 1 a host, hosts they may run on: 3; cannot be kept",
        ),
        (
            {
                "apart": [{"name": "g", "vms": ["web-1", "web-2"]}],
                "run_on": [{"name": "r", "vms": ["web-1", "web-2"], "hosts": ["a"], "hard": False}],
            },
            "run_on 'r', soft: excludes apart 'g': 2 VMs, at most 1 a host, hosts they may run on: 1; cannot be kept",
        ),
        (
            {"never_move": ["web-1"], "run_on": [{"name": "r", "vms": ["web-1"], "hosts": ["b"]}]},
            "run_on 'r': 'web-1' never moves and stays on 'a'",
        ),
        (
            {"never_move": ["web-1", "web-2"], "together": [{"name": "g", "vms": ["web-1", "web-2"]}]},
            "together 'g': its VMs that never move are on different hosts: cannot be kept",
        ),
        (
            {"never_move": ["web-1", "db-1"], "apart": [{"name": "g", "vms": ["web-1", "db-1"]}]},
            "apart 'g': 2 of its VMs never move and share 'a': cannot be kept",
        ),
        (
            {"apart": [{"name": "g", "vms": ALL[:3]}]},
            "apart 'g': impossible as soon as 'a' or 'b' or 'c' is lost",
        ),
        (
            {"run_on": [{"name": "r", "vms": ["web-1"], "hosts": ["a"]}]},
            "run_on 'r': impossible as soon as 'a' is lost",
        ),
        (
            {"apart": [{"name": "g", "vms": ALL, "hard": False}]},
            "apart 'g', soft: 4 VMs, at most 1 a host, hosts they may run on: 3; cannot be kept",
        ),
        (
            {
                "together": [{"name": "t", "vms": ["web-1", "web-2"], "hard": False}],
                "apart": [{"name": "g", "vms": ["web-1", "web-2"]}],
            },
            (
                "together 't', soft: excludes apart 'g': "
                "'web-1', 'web-2' are kept together by 't' and apart by 'g': cannot be kept"
            ),
        ),
        (
            {"run_on": [{"name": "r", "vms": ["web-1"], "hosts": ["a"], "hard": False}], "empty": ["a"]},
            "run_on 'r', soft: 'web-1' may run on no host: run_on 'r' and empty leave none: cannot be kept",
        ),
        (
            {"reserve": [{"hosts": ["c"], "memory_mib": 65536}]},
            "reserve: 64.1 GiB kept free on 'c', which has no more: nobody can move there",
        ),
    ],
)
def test_what_cannot_be_kept_is_said(pool: Pool, sections: dict[str, Any], finding: str) -> None:
    """Each wish that this pool cannot keep, or that asks for nothing, is one finding and no other."""
    assert [str(each) for each in check_policy(policy_of(**sections), pool)] == [finding]


@pytest.mark.parametrize(
    ("racks", "vms", "changes", "findings"),
    [
        ("AAB", ALL, {}, ["impossible as soon as 'c' is lost"]),
        ("AAB", ALL, {"at_most": 3}, ["impossible as soon as 'c' is lost"]),
        ("AAB", ALL, {"at_most": 4}, ["all its VMs may be in one rack: it asks for nothing"]),
        ("AAA", ALL, {}, ["all its VMs may be in one rack, and there is only one: it asks for nothing"]),
        ("AAB", ALL, {"at_most": 1}, ["4 VMs, at most 1 in one rack, and only 2 to run in; cannot be kept"]),
        (
            "AAA",
            ALL[:2],
            {"at_most": 1},
            ["2 VMs, at most 1 in one rack, and only 1 to run in; cannot be kept"],
        ),
        ("ABC", ALL[:2], {}, []),
    ],
)
def test_a_spread_over_too_few_domains_is_said(
    pool_with: Callable[..., Pool], racks: str, vms: list[str], changes: dict[str, Any], findings: list[str]
) -> None:
    """A spread that cannot be kept, asks for nothing, or hangs on one host, is a finding; others are not."""
    group = {"name": "g", "vms": vms, "domain": "rack", **changes}
    pool = pool_with(hosts=in_racks(racks))
    assert [str(each) for each in check_policy(policy_of(spread=[group]), pool)] == [
        f"spread 'g': {words}" for words in findings
    ]


def test_vms_that_never_move_may_crowd_a_domain(pool_with: Callable[..., Pool]) -> None:
    """Two that never move in one rack of two are one too many, whatever the others do."""
    group = {"name": "g", "vms": ["web-1", "web-2"], "domain": "rack"}
    policy = policy_of(spread=[group], never_move=["web-1", "web-2"])
    found = [str(each) for each in check_policy(policy, pool_with(hosts=in_racks("AAB")))]
    assert "spread 'g': 2 of its VMs never move and share rack 'A': cannot be kept" in found


def test_a_unit_that_fits_no_host_is_said(pool_with: Callable[..., Pool]) -> None:
    """Overlapping together groups are weighed as one against the largest host left to them."""
    big = [guest(f"big-{i}", "c", memory=guest("x", "c").memory, metrics=_metrics(30)) for i in range(3)]
    groups = [{"name": f"g{i}", "vms": [f"big-{i}", f"big-{i + 1}"]} for i in range(2)]
    (finding,) = check_policy(policy_of(together=groups), pool_with(*big))
    assert finding.where == "together 'g0', 'g1'"
    assert "have 90.0 GiB, the largest host left to them 64.0 GiB: cannot be kept" in finding.words


def _metrics(gib: int) -> VMMetrics:
    """Metrics of a domain of so many GiB."""
    metrics = guest("x", "a").metrics
    assert metrics is not None
    return replace(metrics, memory_actual_bytes=gib * 1024**3)


def test_a_tag_of_one_vm_is_said(pool_with: Callable[..., Pool]) -> None:
    """A group tag that one running VM carries is a finding while tags are read."""
    pool = pool_with(guest("x", "a", tags=("rebalancer:apart=q",)))
    assert [str(each) for each in check_policy(policy_of(), pool)] == [
        "tag rebalancer:apart=q: only 'x' carries it: it asks for nothing"
    ]
    assert check_policy(policy_of(intent={"read_tags": False}), pool) == ()


def test_run_on_hosts_that_are_down_are_said(pool_with: Callable[..., Pool]) -> None:
    """A wish whose hosts are all disabled or dead is a finding."""
    hosts = [replace(make_host(f"uuid-{name}", enabled=name != "c"), name=name) for name in "abc"]
    wish = {"name": "r", "vms": ["web-1"], "hosts": ["c"], "hard": False}
    assert [str(each) for each in check_policy(policy_of(run_on=[wish]), pool_with(hosts=hosts))] == [
        "run_on 'r': none of its hosts is enabled and live: nobody can move there"
    ]


def test_a_policy_that_can_be_kept_has_no_findings(pool: Pool) -> None:
    """Nothing is said about wishes that are fine."""
    fine = policy_of(
        apart=[{"name": "dbs", "vms": ["tag:database"]}],
        together=[{"name": "shop", "vms": ["web-1", "db-1"]}],
        run_on=[{"name": "r", "vms": ["web-1"], "hosts": ["a", "b"]}],
        reserve=[{"hosts": ["a"], "memory_mib": 1024}],
    )
    assert check_policy(fine, pool) == ()


def test_a_policy_that_cannot_be_used_is_an_error(pool: Pool) -> None:
    """What `intent_of` refuses, the check refuses with the same sentence."""
    with pytest.raises(PolicyError, match="the pool has no host 'zz'"):
        check_policy(policy_of(empty=["zz"]), pool)


def test_tags_that_mean_nothing_are_said(pool_with: Callable[..., Pool]) -> None:
    """Tags that begin like ours, or like Xen Orchestra's, and are none of them; what else is tagged is left alone."""
    pool = pool_with(
        guest("x", "a", tags=("rebalancer:never_move", "rebalancer:apart=", "prod")),
        guest("y", None, tags=("rebalancer:never_move",)),
        guest("z", "a", tags=("xo:load:balancer:ignore", "rebalancer:last-resort", "rebalancer:apart=q")),
        guest("q", "b", tags=("rebalancer:apart=q",)),
    )
    assert [str(each) for each in check_policy(policy_of(), pool)] == [
        "tag rebalancer:apart=: 'x': it means nothing (near to it: 'rebalancer:apart=')",
        "tag rebalancer:never_move: 'x' and 1 more: it means nothing (near to it: 'rebalancer:never-move')",
    ]
    assert check_policy(policy_of(intent={"read_tags": False}), pool) == ()


@pytest.mark.parametrize(
    ("limits", "findings"),
    [
        ({"vms_per_host": {"at_most": 2}}, []),
        (
            {"vms_per_host": {"at_most": 1}},
            [
                "limits.vms_per_host: VMs that never move have 2 VMs on 'h1', at most 1: cannot be kept",
                "limits.vms_per_host: all VMs together have 3 VMs, the hosts left to them 2 at most: cannot be kept",
            ],
        ),
        (
            {"vcpus_per_pcpu": {"at_most": 0.2}},
            ["limits.vcpus_per_pcpu: VMs that never move have 4 vCPUs on 'h1', at most 3.2: cannot be kept"],
        ),
        ({"vcpus_per_pcpu": {"at_most": 0.25}}, []),
    ],
)
def test_limits_of_hosts_that_cannot_be_kept_are_said(limits: dict[str, Any], findings: list[str]) -> None:
    """Two VMs of 2 vCPUs each never leave h1, which has 16 pCPUs; a third is on h2."""
    pool = make_pool(vms=[make_vm("a", on="h1"), make_vm("b", on="h1"), make_vm("c", on="h2")])
    found = check_policy(policy_of(limits=limits, never_move=["a", "b"]), pool)
    assert [str(each) for each in found if each.where.startswith("limits")] == findings
