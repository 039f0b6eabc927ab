from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool, VMMetrics
from rebalancer.policy import check_policy
from tests.policy.conftest import guest
from tests.pools import make_host, policy_of

ALL = ["web-1", "web-2", "db-1", "db-2"]


@pytest.mark.parametrize(
    ("sections", "finding"),
    [
        ({"mode": "evacuate"}, "mode: evacuate, but empty names no host"),
        (
            {"apart": [{"name": "g", "vms": ["web-1", "web-2"], "at_most": 2}]},
            "apart 'g': at_most 2 allows all its VMs on one host: it asks for nothing",
        ),
        (
            {"together": [{"name": "g", "vms": ["web-1", "old"]}]},
            "together 'g': 'old' not running, does not count; it asks for nothing tonight",
        ),
        (
            {"run_on": [{"name": "g", "vms": ["web-1", "old"], "hosts": ["a"]}]},
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
                "run_on": [{"name": "r", "vms": ["web-1", "web-2"], "hosts": ["a"]}],
            },
            "apart 'g': 2 VMs, at most 1 a host, hosts they may run on: 1; cannot be kept",
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
            {"reserve": [{"hosts": ["c"], "memory_mib": 65536}]},
            "reserve: 64.1 GiB kept free on 'c', which has no more: nobody can move there",
        ),
    ],
)
def test_what_cannot_be_kept_is_said(pool: Pool, sections: dict[str, Any], finding: str) -> None:
    """Each wish that this pool cannot keep, or that asks for nothing, is one finding and no other."""
    assert [str(each) for each in check_policy(policy_of(**sections), pool)] == [finding]


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
    wish = {"name": "r", "vms": ["web-1"], "hosts": ["c"]}
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
