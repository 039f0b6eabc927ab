"""Why a VM is left alone for a while."""

from __future__ import annotations

import pytest

from rebalancer.rules.wishes.left_alone import LeaveAlone
from tests.pools import make_vm, policy_of, problem_of
from tests.rules.vm_rows import FAILED, MOVED


@pytest.mark.parametrize(
    ("own", "other", "words"), [(FAILED, MOVED, "is not tried: "), (MOVED, FAILED, "is not moved again: ")]
)
def test_why_is_told_by_what_the_vm_did_itself(own: dict[str, object], other: dict[str, object], words: str) -> None:
    """Whether it moved or its move failed, and not what another VM did."""
    cooling = (own | {"stays": True}, other | {"vm": "db", "stays": True})
    web = make_vm("web")
    objection = LeaveAlone().objects(web, problem_of(vms=(web,), policy=policy_of(cooling=cooling)))
    assert objection is not None
    assert objection.words.startswith(words)
