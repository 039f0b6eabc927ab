"""Approvals on the command line: where one is demanded, nothing moves without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import plan_json, write_plan
from rebalancer.plan import digest_of
from tests.cli.terminal import Served, Terminal

STRICT = "[execution]\nrequire_approval = true\n"
YES = ("--by", "jane@example.org", "--reason", "change 4711")


@pytest.fixture
def person(served: Served, terminal: Terminal) -> Terminal:
    """With a plan, and a policy that demands approvals."""
    write_plan(served.plan, terminal.folder / "plan")
    terminal.write("strict.toml", STRICT)
    return terminal


def test_nothing_moves_without_an_approval(served: Served, person: Terminal) -> None:
    """Code 8, one sentence, and not one call reaches the pool."""
    served.calls.clear()
    ended = person.run("apply", "plan", served.url, "--policy", "strict.toml")
    assert ended.code == Exit.NOT_APPROVED
    assert ended.sentence.startswith("not approved: plan: there is no approval.json.")
    assert served.calls == []


def test_nothing_moves_for_an_approval_of_another_plan(served: Served, person: Terminal) -> None:
    """Edited after the approval, and sealed again."""
    assert person.run("approve", "plan", *YES).code == Exit.DONE
    less = replace(served.plan, steps=())
    (person.folder / "plan" / "plan.json").write_text(plan_json(replace(less, digest=digest_of(less))))
    ended = person.run("apply", "plan", served.url, "--policy", "strict.toml")
    assert (ended.code, "for another plan" in ended.sentence) == (Exit.NOT_APPROVED, True)


def test_an_approved_plan_goes_on_to_the_pool(served: Served, person: Terminal) -> None:
    """The approval is shown, and apply comes as far as the pool; the plan has no step to make there."""
    calm = replace(served.plan, steps=())
    calm = replace(calm, digest=digest_of(calm))
    write_plan(calm, person.folder / "calm")
    words = ["apply", "calm", served.url, "--policy", "strict.toml", "--state-dir", "state"]
    assert person.run(*words).code == Exit.NOT_APPROVED
    told = person.run("approve", "calm", *YES, "--json").json()
    assert (told["plan"], told["by"], told["signed"]) == (calm.digest, YES[1], False)
    assert "approved by jane@example.org at " in person.run("show", "calm").out
    served.calls.clear()
    assert person.run(*words).code == Exit.DONE
    assert served.calls


def test_an_expired_plan_is_refused_by_apply(served: Served, person: Terminal) -> None:
    """Although it is sealed, and legal: code 4, and nothing is changed."""
    old = replace(served.plan, made_at=served.plan.made_at - timedelta(days=3))
    old = replace(old, expires_at=served.plan.expires_at - timedelta(days=3))
    write_plan(replace(old, digest=digest_of(old)), person.folder / "old")
    served.calls.clear()
    assert person.run("approve", "old", *YES).code == Exit.STALE
    ended = person.run("apply", "old", served.url, "--state-dir", "state")
    assert (ended.code, "the plan expired at " in ended.sentence) == (Exit.STALE, True)
    assert served.changes == []


def test_a_night_waits_for_approval(served: Served, person: Terminal) -> None:
    """The plan is kept, nothing moves, and the log says what it waits for."""
    person.write("night.toml", f'{STRICT}\n[pool]\nurl = "{served.url}"\n')
    ended = person.run("nightly", "night.toml", "--execute", "--state-dir", "state", "--json")
    assert (ended.code, ended.json()["verdict"], ended.json()["moved"]) == (Exit.DONE, "unapproved", 0)
