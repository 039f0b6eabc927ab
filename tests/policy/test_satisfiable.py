from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool
from rebalancer.policy import Policy, check_policy
from rebalancer.policy.sections import SpreadPolicy
from tests.policy.conftest import in_racks
from tests.pools import policy_of

VMS = {"web-1": "a", "web-2": "b", "db-1": "a", "db-2": "b"}
HOSTS = "abc"
RACKS = "AAB"

some_vms = st.lists(st.sampled_from(list(VMS)), min_size=2, max_size=4, unique=True)
some_hosts = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=3, unique=True)


def numbered(section: str, groups: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to two groups with names of their own."""
    return st.lists(groups, max_size=2).map(
        lambda found: [{"name": f"{section}-{number}", **each} for number, each in enumerate(found)]
    )


policies = st.fixed_dictionaries(
    {
        "together": numbered("t", st.fixed_dictionaries({"vms": some_vms})),
        "apart": numbered("s", st.fixed_dictionaries({"vms": some_vms, "at_most": st.integers(1, 2)})),
        "spread": numbered(
            "d",
            st.fixed_dictionaries(
                {"vms": some_vms, "domain": st.just("rack"), "at_most": st.one_of(st.none(), st.integers(1, 3))}
            ),
        ),
        "run_on": numbered("r", st.fixed_dictionaries({"vms": some_vms, "hosts": some_hosts})),
        "never_move": st.lists(st.sampled_from(list(VMS)), max_size=2, unique=True),
        "empty": st.lists(st.sampled_from(HOSTS), max_size=3, unique=True),
    }
).map(lambda sections: policy_of(**sections))


def satisfies(at: Mapping[str, str], policy: Policy) -> bool:
    """Whether a placement keeps all wishes, by their definition."""
    return (
        all(len({at[vm] for vm in group.vms}) == 1 for group in policy.together)
        and all(sum(at[vm] == host for vm in group.vms) <= group.at_most for group in policy.apart for host in HOSTS)
        and all(_spreads(at, group, policy.empty) for group in policy.spread)
        and all(at[vm] in wish.hosts for wish in policy.run_on for vm in wish.vms)
        and all(at[vm] == VMS[vm] for vm in policy.never_move)
        and not {*at.values()} & {*policy.empty}
    )


def _spreads(at: Mapping[str, str], group: SpreadPolicy, empty: Sequence[str]) -> bool:
    """Whether no rack holds too many of a group; an even share is one of the racks that keep a host."""
    racks = [RACKS[HOSTS.index(at[vm])] for vm in group.vms]
    keep = {rack for rack, host in zip(RACKS, HOSTS, strict=True) if host not in empty}
    most = group.at_most or -(-len(racks) // max(1, len(keep)))
    return all(racks.count(rack) <= most for rack in racks)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies)
def test_what_is_called_impossible_is_impossible(pool_with: Callable[..., Pool], policy: Policy) -> None:
    """No policy is refused, and no wish said to be beyond keeping, that some placement of the VMs would satisfy."""
    placements = [dict(zip(VMS, hosts, strict=True)) for hosts in product(HOSTS, repeat=len(VMS))]
    possible = any(satisfies(at, policy) for at in placements)
    assert not (possible and _called_impossible(policy, pool_with(hosts=in_racks(RACKS))))


def _called_impossible(policy: Policy, pool: Pool) -> bool:
    """Whether the policy is refused, or a finding says that it cannot be kept."""
    try:
        findings = check_policy(policy, pool)
    except PolicyError:
        return True
    return any("cannot be kept" in each.words for each in findings)


def test_the_brute_force_can_tell(pool_with: Callable[..., Pool]) -> None:
    """The enumeration itself says yes and no."""
    assert satisfies(VMS, policy_of(together=[{"name": "t", "vms": ["web-1", "db-1"]}]))
    assert not satisfies(VMS, policy_of(apart=[{"name": "s", "vms": ["web-1", "db-1"]}]))
    assert _called_impossible(policy_of(empty=[*HOSTS]), pool_with())
