"""VMs that only their local disks keep on a host that is emptied: what they are told, and what it then takes."""

from __future__ import annotations

from rebalancer.policy import Policy
from rebalancer.rules import Blocked
from rebalancer.rules.fixes import SHUT_DOWN
from rebalancer.whatif.evacuate import who_is_blocked
from tests.local_disks import full_disk, local_problem, local_vm, with_disks
from tests.pools import policy_of


def blocked(policy: Policy, *, on_boot: str = "persist") -> tuple[Blocked, ...]:
    """Who cannot leave h1, where web has a local disk of 20 GiB."""
    problem = local_problem(local_vm("web"), vdis=[full_disk("web-disk0", "l1", on_boot=on_boot)], policy=policy)
    return who_is_blocked(problem, ["h1"])


def test_the_fix_is_to_let_disks_go_along() -> None:
    """With Storage XenMotion off, the line of the policy and the GiB are the fix; with it on, nobody is blocked."""
    (web,) = blocked(policy_of())
    assert (web.rule, web.fix) == ("shared-sr-visible", "set storage_motion.enabled, to copy 22.0 GiB")
    assert blocked(with_disks()) == ()


def test_a_disk_that_may_not_go_along_leaves_no_such_fix() -> None:
    """A disk that is reset at boot stays, whatever the policy says."""
    (off,), (on,) = (blocked(policy, on_boot="reset") for policy in (policy_of(), with_disks()))
    assert off.fix == on.fix == SHUT_DOWN
