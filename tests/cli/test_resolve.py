"""`rebalancer resolve`: a person settles what neither run nor pool can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rebalancer.execute import read_journal
from rebalancer.execute.journal.entries import Intended, Resolved, RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.export import write_plan
from tests.cli.terminal import Served, Terminal

SAID = ("--by", "jane", "--reason", "no such task")


@pytest.fixture
def killed(served: Served, terminal: Terminal) -> Terminal:
    """A terminal where a run of the plan was killed three hours ago, right before its first call."""
    write_plan(served.plan, terminal.folder / "plan")
    at, step = datetime.now(UTC) - timedelta(hours=3), served.plan.steps[0]
    with Journal(terminal.folder / "run.jsonl") as journal:
        journal.append(RunBegan(at=at, plan=served.plan.digest, pool=served.plan.made_from.pool, run="run"))
        journal.append(Intended(at=at, step=step.id, vm=step.vm, source=step.source, target=step.target))
    return terminal


def test_what_was_said_is_written_with_the_name(killed: Terminal, served: Served) -> None:
    """Checked against the pool; its JSON has the keys that docs/cli.md gives."""
    step = served.plan.steps[0].id
    told = killed.run(
        "resolve", "plan", step, served.url, "--not-sent", *SAID, "--journal", "run.jsonl", "--state-dir", "s", "--json"
    ).json()
    assert list(told) == ["at", "step", "state", "by", "reason"]
    last = read_journal(killed.folder / "run.jsonl")[-1]
    assert isinstance(last, Resolved)
    assert (last.step, last.by, last.reason, str(last.state)) == (step, "jane", "no such task", "unsent")


def test_a_vm_that_did_not_move_is_not_said_to_have(killed: Terminal, served: Served) -> None:
    """The pool shows it where it was."""
    step = served.plan.steps[0].id
    refused = killed.run("resolve", "plan", step, served.url, "--moved", *SAID, "--journal", "run.jsonl")
    assert refused.code == 1
    assert "the pool shows VM" in refused.err


def test_one_of_both_has_to_be_said(killed: Terminal, served: Served) -> None:
    """Neither, or both, is no answer."""
    for said in ((), ("--moved", "--not-sent")):
        assert killed.run("resolve", "plan", served.plan.steps[0].id, *said, *SAID).code == 1


def test_without_the_pool_it_goes_on(killed: Terminal, served: Served) -> None:
    """Three hours later XAPI lets no call wait any more."""
    step = served.plan.steps[0].id
    said = killed.run("resolve", "plan", step, "--not-sent", *SAID, "--journal", "run.jsonl", "--state-dir", "s")
    assert said.code == 0
    assert f"{step} is unsent, says jane: no such task" in said.out
