"""Which objections are settled by letting disks go along, and what that copies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.policy import Policy
from rebalancer.rules import Objection, Rulebook
from rebalancer.units import GIB
from tests.local_disks import full_disk, local_problem, local_vm, with_disks
from tests.pools import policy_of

UNSEEN = Objection(rule="shared-sr-visible", code="VM_REQUIRES_SR", words="")


def copied_bytes(policy: Policy, said: Objection = UNSEEN) -> int | None:
    """What the fix copies for web, whose disk of 20 GiB h2 does not see, where *said* is the objection."""
    problem = local_problem(local_vm("web"), vdis=[full_disk("web-disk0", "l1")], policy=policy)
    return Rulebook.of(problem).let_disks_go.copied_bytes(said, problem.pool.vms["web"], problem.pool.hosts["h2"])


def test_an_sr_that_the_target_does_not_see_is_settled() -> None:
    """The disk and the memory are what is copied."""
    assert copied_bytes(policy_of()) == 22 * GIB


@pytest.mark.parametrize("said", [replace(UNSEEN, rule="nomigrate"), replace(UNSEEN, remedy="eject the CD")])
def test_other_objections_are_not(said: Objection) -> None:
    """What another rule says stays, and so does a fix that is known."""
    assert copied_bytes(policy_of(), said) is None


def test_nor_is_anything_where_disks_may_go_already() -> None:
    """Where the policy lets them, it is not theirs that the VM stays."""
    assert copied_bytes(with_disks()) is None
