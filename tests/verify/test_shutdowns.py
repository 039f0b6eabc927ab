"""What stands against shutting VMs down, or switching them off, as the pool is: by hand, one thing wrong at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.inventory import Pool, PowerState
from rebalancer.verify.shutdowns import shutdown_findings, switch_off_findings
from tests.plan.made import pool_with

HOLD = "rebalancer:hold"


@pytest.fixture
def pool() -> Pool:
    """Two hosts; a is on the first."""
    return pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 2.0), "b": ("h2", 2.0)})


def with_a(pool: Pool, **fields: Any) -> Pool:  # noqa: ANN401 - fields of a VM
    """*pool* with other fields of a."""
    return replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], **fields)})


def test_nothing_stands_against_a_vm_that_is_named_and_runs_there(pool: Pool) -> None:
    """By its uuid or its name; where it may be shut down, also by a tag."""
    named = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], name="web", tags=("t",))})
    for selector in ("a", "web", "tag:t"):
        assert list(shutdown_findings(["a"], "h1", [selector], named, hold=HOLD)) == []
    for selector in ("a", "web"):
        assert list(switch_off_findings("a", "h1", [selector], named, hold=HOLD)) == []
    assert list(switch_off_findings("a", "h1", ["tag:t"], named, hold=HOLD)) != []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tags": (HOLD,)}, "it carries the tag rebalancer:hold"),
    ({"resident_on": "h2"}, "it is not on the host any more"),
    ({"power_state": PowerState.PAUSED}, "it is paused"),
    ({"blocked_operations": {"start_on": "no"}}, "somebody blocked start_on"),
    ({"name": "b"}, "does not name it"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG)
def test_each_thing_that_is_wrong_is_told_of_both(pool: Pool, fields: dict[str, Any], words: str) -> None:
    """It alone, one sentence."""
    worse, named = with_a(pool, uuid="a", **fields), ["other" if "name" in fields else "a"]
    (asked,) = shutdown_findings(["a"], "h1", named, worse, hold=HOLD)
    (off,) = switch_off_findings("a", "h1", named, worse, hold=HOLD)
    assert words in asked
    assert words in off


def test_what_only_switching_off_asks(pool: Pool) -> None:
    """A name that two carry names neither; nobody has blocked it, nobody holds host or pool, and it is not gone."""

    def found(pool: Pool, named: str = "a") -> str:
        return "; ".join(switch_off_findings("a", "h1", [named], pool, hold=HOLD))

    twins = with_a(pool, name="b")
    assert (found(twins, "a"), found(twins, "b")) == ("", "rolling.hard_shut_down of the policy does not name it alone")
    assert found(with_a(pool, blocked_operations={"hard_shutdown": "no"})) == "somebody blocked hard_shutdown"
    assert found(replace(pool, tags=(HOLD,))) == f"the pool carries the tag {HOLD}"
    held = replace(pool, hosts={**pool.hosts, "h1": replace(pool.hosts["h1"], tags=(HOLD,))})
    assert found(held) == f"its host carries the tag {HOLD}"
    assert found(replace(pool, vms={"b": pool.vms["b"]})) == "the pool has no VM a any more"
