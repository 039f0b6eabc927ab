"""`rebalancer history`: what earlier nights came to, from the terminal."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.execute import StepState
from rebalancer.plan import Plan, digest_of
from tests.cli.manual import json_keys
from tests.cli.terminal import Terminal, is_one_sentence
from tests.history.made import PLAN, POOL, live_through


@pytest.fixture
def state(terminal: Terminal) -> Path:
    """A state folder that a night of an hour ago left behind; one of its two VMs stayed where it was."""
    made_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    plan = replace(PLAN, made_at=made_at)
    live_through(terminal.folder / "st", _sealed(plan), {"s01": StepState.MOVED, "s02": StepState.STAYED})
    return terminal.folder / "st"


def _sealed(plan: Plan) -> Plan:
    return replace(plan, digest=digest_of(plan))


def test_nights_are_listed(terminal: Terminal, state: Path) -> None:
    """By default, and by name: when, which pool, how it ended, how many steps are done."""
    listed = terminal.run("history", "nights", "--state-dir", state)
    assert listed.code == Exit.DONE
    assert POOL.name in listed.out
    assert "1 of 2" in listed.out
    assert "the plan is carried out" in listed.out
    bare = terminal.run("history", XDG_STATE_HOME=str(terminal.folder))
    assert bare.out == "No night is known.\n"


def test_moves_of_a_vm_and_of_a_host(terminal: Terminal, state: Path) -> None:
    """By name; what failed says why."""
    of_vm = terminal.run("history", "moves", "--vm", "b", "--state-dir", state, "--json").json()
    assert [(each["vm"], each["state"], each["words"]) for each in of_vm] == [("b", "stayed", "CANNOT_MIGRATE")]
    of_host = terminal.run("history", "moves", "--host", "h2", "--state-dir", state)
    assert ("h2" in of_host.out, "h3" in of_host.out) == (True, False)
    assert terminal.run("history", "moves", "--vm", "nobody", "--state-dir", state).out == "No migration is known.\n"


@pytest.mark.parametrize("name", ["history nights", "history moves", "history rebuild"])
def test_json_keys_are_documented(terminal: Terminal, state: Path, name: str) -> None:
    """docs/cli.md gives them in their order."""
    told = terminal.run(*name.split(), "--state-dir", state, "--json").json()
    assert list(told[0] if isinstance(told, list) else told) == json_keys(name)


def test_csv_has_a_header_and_no_formula(terminal: Terminal, state: Path) -> None:
    """A row a move, with uuids beside names and units in the names of columns."""
    rows = list(csv.DictReader(io.StringIO(terminal.run("history", "moves", "--csv", "--state-dir", state).out)))
    assert [row["vm_uuid"] for row in rows] == ["a", "b"]
    assert {"gib", "seconds", "source_uuid", "target_uuid", "pool_uuid"} <= rows[0].keys()


def test_only_so_many_days(terminal: Terminal, state: Path) -> None:
    """And only the pool that is named; an unknown one is an error that names those that are known."""
    week_ago = _sealed(replace(PLAN, made_at=datetime.now(UTC) - timedelta(days=7)))
    live_through(state, week_ago)
    assert len(terminal.run("history", "nights", "--days", "3", "--state-dir", state, "--json").json()) == 1
    both = terminal.run("history", "nights", "--pool", POOL.name, "--state-dir", state, "--json").json()
    assert [each["plan"] == week_ago.digest for each in both] == [True, False]
    wrong = terminal.run("history", "nights", "--pool", "x", "--state-dir", state)
    assert is_one_sentence(wrong, "pool 'x'", f"Name one that it knows: {POOL.name}")


def test_rebuild_says_what_it_read(terminal: Terminal, state: Path) -> None:
    """Also where the file is broken, which is set aside."""
    (state / "history.sqlite").write_bytes(b"no database" * 100)
    (state / "history.sqlite").chmod(0o600)
    (state / "journals" / "x.jsonl").write_text("{}\n")
    ended = terminal.run("history", "rebuild", "--state-dir", state)
    assert ended.code == Exit.DONE
    assert ended.out == f"{state}/history.sqlite: 1 night, 1 plan, 1 journal read\n"
    assert "It is kept as history.sqlite.broken" in ended.err
    assert "journals/x.jsonl cannot be read, and is left out" in ended.err
    told = json.loads(terminal.run("history", "rebuild", "--state-dir", state, "--json").out)
    assert (told["nights"], told["unreadable"]) == (1, ["journals/x.jsonl"])


def test_a_database_that_does_not_answer_is_one_sentence(terminal: Terminal) -> None:
    """Without the password."""
    terminal.write(
        "p.toml", f'[history]\nurl = "postgresql://db/x?host={terminal.folder}"\ncredentials_file = "keys"\n'
    )
    terminal.write("keys", "jane\nverysecret\n").chmod(0o600)
    ended = terminal.run("history", "nights", "--policy", "p.toml")
    assert ended.code == Exit.ERROR
    assert is_one_sentence(ended, "postgresql://", "cannot be used", "rebalancer history rebuild")
    assert "verysecret" not in ended.err
