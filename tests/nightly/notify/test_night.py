"""Nights that are told of, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from tests.nightly.noon import POOL
from tests.nightly.notify.mailbox import SECRET, Kept, webhook
from tests.nightly.typed import Typed, typed_at

OPS = '[notify]\nto = ["OPS"]\n'


@pytest.fixture
def hook() -> Iterator[Kept]:
    """A webhook."""
    with webhook() as kept:
        yield kept


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """A terminal beside a pool with two hot hosts."""
    with Simulator(POOL, speed=100.0, login_delay=0.0) as simulator:
        yield typed_at(simulator, tmp_path, monkeypatch, capsys)


def test_a_night_that_needs_people_is_told(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened, where the journal is and what to type; the answer for programs says how many were told."""
    monkeypatch.setenv("OPS", hook.url)
    typed.simulator.faults.add("vm-halts", at=0.3)
    ended = typed.nightly(OPS, "--execute", "--json", "--metrics-file", str(typed.folder / "n.prom"))
    assert ended.code == Exit.STOPPED
    (post,) = hook.posts
    assert post["title"] == "rebalancer, pool simulated: stopped half way"
    for words in ("- people have to look", "halted", "to resume: rebalancer apply", "Journal: ", "exit code 5"):
        assert words in post["message"]
    told = json.loads(ended.out)
    assert (told["told"], told["untold"]) == (1, [])
    lines = post["message"].splitlines()
    assert [line.partition(":")[0] for line in lines if line.startswith(("stopped", "steps"))] == [
        "stopped",
        "steps done",
    ]
    assert next(line for line in lines if line.startswith("stopped")).count(". ") == 0
    printed = ended.err.splitlines()
    assert printed[printed.index(next(line for line in printed if line.startswith("rebalancer: stopped"))) + 1] == (
        "  Nothing is started again by itself: find out why it stopped, then start it with xe vm-start"
    )
    assert SECRET not in f"{ended.out}{ended.err}{post}"
    assert "rebalancer_nightly_notifications_sent{" in (typed.folder / "n.prom").read_text()


def test_a_state_folder_that_cannot_be_used_is_told(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all nights that one: nothing can be remembered of it, and people are needed."""
    monkeypatch.setenv("OPS", hook.url)
    state = typed.folder / "state"
    state.mkdir()
    state.chmod(0o777)
    ended = typed.nightly(OPS)
    assert ended.code == Exit.ERROR
    assert "people have to look" in hook.posts[0]["message"]


def test_a_good_night_is_not_told_and_a_change_is(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good night, one without metrics, and another good one."""
    monkeypatch.setenv("OPS", hook.url)
    assert typed.nightly(OPS).code == Exit.DONE
    assert hook.posts == []
    typed.simulator.faults.add("rrd-unknown", times=-1)
    assert typed.nightly(OPS).code == Exit.METRICS_REFUSED
    typed.simulator.faults.clear()
    assert typed.nightly(OPS).code == Exit.DONE
    first, second = (post["message"] for post in hook.posts)
    assert first.startswith("- the metrics were refused\n- the verdict is 'metrics refused', after 'planned'")
    assert second.startswith("- the verdict is 'planned', after 'metrics refused'")


def test_what_cannot_be_told_changes_no_end(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The night ends as it would have; the log, the metrics and the answer for programs say who was not told."""
    monkeypatch.setenv("OPS", hook.wrong_url)
    policy = '[execution]\nrequire_approval = true\n[notify]\nto = ["OPS", "NOBODY"]\n'
    ended = typed.nightly(policy, "--execute", "--json", "--metrics-file", str(typed.folder / "n.prom"))
    assert ended.code == Exit.DONE
    untold = ["OPS: the server answered 403", "NOBODY: not in the environment"]
    assert json.loads(ended.out)["untold"] == untold
    assert all(f"not told: {each}" in ended.err for each in untold)
    metrics = (typed.folder / "n.prom").read_text().splitlines()
    assert [line[-4:] for line in metrics if line.startswith("rebalancer_nightly_notifications_failed")] == [" 2.0"]
    assert SECRET not in f"{ended.out}{ended.err}{metrics}"


def test_a_message_is_left_in_the_pool(typed: Typed) -> None:
    """About the pool, for XenCenter and Xen Orchestra; only where the policy asks for it."""
    approval = "[execution]\nrequire_approval = true\n"
    assert typed.nightly(approval, "--execute").code == Exit.DONE
    assert typed.simulator.database.all("message") == {}
    assert typed.nightly(f"{approval}[notify]\npool_messages = true\n", "--execute").code == Exit.DONE
    (message,) = typed.simulator.database.all("message").values()
    (pool,) = typed.simulator.database.all("pool").values()
    assert (message["name"], message["cls"].lower(), message["obj_uuid"]) == (
        "NIGHTLY_REBALANCER",
        "pool",
        pool["uuid"],
    )
    assert message["body"].startswith("rebalancer, pool simulated: unapproved\n- the plan waits to be approved")


def test_a_role_that_leaves_no_messages_changes_no_end(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """VM power admin may migrate, and not leave messages."""
    session: Any = XenAPI.Session(typed.simulator.url)
    session.xenapi.login_with_password("root", "simulator", "1.0", "tests")
    alice = {"subject_identifier": "S-1-5-alice", "other_config": {"subject-name": "alice"}}
    subject = session.xenapi.subject.create(alice)
    session.xenapi.subject.add_to_roles(subject, session.xenapi.role.get_by_name_label("vm-power-admin")[0])
    monkeypatch.setenv("REBALANCER_USER", "alice")
    policy = "[execution]\nrequire_approval = true\n[notify]\npool_messages = true\n"
    ended = typed.nightly(policy, "--execute", "--json")
    assert ended.code == Exit.DONE
    (untold,) = json.loads(ended.out)["untold"]
    assert untold.startswith("pool message: ")
    assert "it takes the role pool-operator or more" in untold


def test_trying_out_says_who_is_reached(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by name and kind of URL; code 1 where somebody was not."""
    monkeypatch.setenv("OPS", hook.url)
    ended = typed.run("notify", "test", typed.policy(OPS))
    assert (ended.code, ended.out) == (0, "OPS (json): told\n")
    monkeypatch.setenv("OPS", hook.wrong_url)
    ended = typed.run("notify", "test", typed.policy(OPS), "--json")
    assert (ended.code, json.loads(ended.out)) == (
        1,
        {"tried": [{"name": "OPS", "kind": "json", "why": "the server answered 403"}]},
    )
    assert SECRET not in f"{ended.out}{ended.err}"


def test_times_are_those_of_the_clock_that_counts(typed: Typed, hook: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool whose clock is set years ahead: message and metrics tell its time, as windows and plans do."""
    monkeypatch.setenv("OPS", hook.url)
    typed.simulator.clock.put("2098-06-01T22:00")
    typed.simulator.faults.add("rrd-unknown", times=-1)
    metrics = typed.folder / "n.prom"
    typed.nightly(OPS, "--pool-clock", "--metrics-file", str(metrics))
    (post,) = hook.posts
    assert "It ended at 2098-06-01 22:0" in post["message"]
    lines = metrics.read_text().splitlines()
    ended, took = (
        next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"rebalancer_nightly_{name}"))
        for name in ("end_timestamp_seconds", "duration_seconds")
    )
    assert datetime.fromtimestamp(ended, UTC).year == 2098
    assert 0 <= took < 600
