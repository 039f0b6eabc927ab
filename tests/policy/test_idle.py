"""Keys that another key of the same policy leaves without any use are named."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.policy import Policy
from rebalancer.policy.lint import check_alone, check_policy
from tests.pools import make_pool

IDLE: list[tuple[dict[str, Any], str]] = [
    ({"demand": {"budget": 5}}, "demand.budget: without robust = true no peaks count: it asks for nothing"),
    ({"objective": {"network": {"threshold": 0.5}}}, "objective.network.threshold: without a weight"),
    ({"objective": {"disk": {"mb_per_second": 500.0}}}, "objective.disk.mb_per_second: without a weight"),
    ({"rules": {"set": "enforced", "relax": ["six-disks"]}}, 'rules.relax: with set = "enforced"'),
    ({"intent": {"read_tags": False, "tag_groups": "soft"}}, "intent.tag_groups: with read_tags = false"),
    ({"storage_motion": {"keep_free_gib": 10.0}}, "storage_motion.keep_free_gib: without enabled = true"),
    ({"spare": {"vms": "all"}}, "spare.vms: with hosts = 0 no host is spared"),
    ({"execution": {"adaptive": False, "slow_factor": 3.0}}, "execution.slow_factor: with adaptive = false"),
    ({"pool": {"retry_minutes": 9.0}}, "pool.retry_minutes: without retry_until the night is given up at once"),
    ({"history": {"credentials_file": "keys"}}, "history.credentials_file: without url the history is a file"),
    ({"notify": {"tell": ["people"]}}, "notify.tell: without to or pool_messages nobody is told"),
    ({"demand": {"resources": ["network"]}}, "demand.resources: network is read and counts for nothing"),
    ({"limits": {"concurrent": 2, "in_per_host": 3}}, "limits.in_per_host: 3 is never reached: 2 run at once at most"),
    (
        {"never_move": ["a", "b"], "leave_alone": ["b"]},
        "leave_alone: 'b' in never_move as well: no maintenance moves them",
    ),
    ({"never_move": ["a", "b"], "last_resort": ["b"]}, "last_resort: 'b' in never_move as well: they stay anyway"),
]
BUSY: list[dict[str, Any]] = [
    {"demand": {"robust": True, "budget": 5}},
    {"objective": {"memory": {"weight": 1.0, "threshold": 0.5}}},
    {"rules": {"relax": ["six-disks"]}},
    {"intent": {"tag_groups": "soft"}},
    {"storage_motion": {"enabled": True, "keep_free_gib": 10.0}},
    {"spare": {"hosts": 1, "vms": "all"}},
    {"execution": {"slow_factor": 3.0}},
    {"pool": {"retry_minutes": 9.0, "retry_until": "05:00"}},
    {"history": {"credentials_file": "keys", "url": "postgresql://db/nights"}},
    {"notify": {"tell": ["people"], "pool_messages": True}},
    {"demand": {"resources": ["network"]}, "objective": {"network": {"weight": 2.0, "threshold": 0.5}}},
    {"limits": {"concurrent": 3, "in_per_host": 3}},
    {"never_move": ["a"], "last_resort": ["b"]},
]


@pytest.mark.parametrize(("keys", "words"), IDLE)
def test_a_key_without_use_is_named(keys: dict[str, Any], words: str) -> None:
    """The key, and the one that leaves it without any use."""
    (finding,) = check_alone(Policy.model_validate(keys))
    assert str(finding).startswith(words)


@pytest.mark.parametrize("keys", BUSY)
def test_a_key_of_use_is_not_named(keys: dict[str, Any]) -> None:
    """The same keys where something comes of them."""
    assert check_alone(Policy.model_validate(keys)) == ()


def test_a_reserve_of_all_pcpus_is_named() -> None:
    """A host of which as many pCPUs are kept free as it counts is always overloaded; one less is a reserve."""
    policy = {"capacity": {"cpu_factor": 0.5, "pcpu_reserve": 1.0}, "reserve": [{"hosts": ["h1"], "pcpus": 7.0}]}
    (finding,) = check_policy(Policy.model_validate(policy), make_pool())
    assert str(finding) == "reserve: 8 pCPUs kept free on 'h1', which counts 8: whatever runs there is overload"
    policy["reserve"] = [{"hosts": ["h1"], "pcpus": 6.5}]
    assert check_policy(Policy.model_validate(policy), make_pool()) == ()
