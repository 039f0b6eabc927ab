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
from rebalancer.history.nights import NightRecord, append_night
from rebalancer.plan import Plan, digest_of
from tests.cli.manual import json_keys
from tests.cli.terminal import Served, Terminal, is_one_sentence
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
    assert terminal.run("history", "--state-dir", state).out == listed.out
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


def test_a_plan_finds_the_credentials_beside_its_policy(terminal: Terminal, served: Served) -> None:
    """From whatever folder; where the database does not answer, it says that journals alone are read."""
    folder = terminal.folder / "etc"
    folder.mkdir()
    terminal.write("etc/keys", "jane\nverysecret\n").chmod(0o644)
    url = f"postgresql://db/x?host={terminal.folder}"
    terminal.write("etc/p.toml", f'mode = "repair"\n[history]\nurl = "{url}"\ncredentials_file = "keys"\n')
    typed = ("plan", served.snapshot, "--policy", "etc/p.toml")
    read = terminal.run(*typed)
    assert f"journals alone: {folder}/keys: others may" in read.err
    (folder / "keys").chmod(0o600)
    ended = terminal.run(*typed)
    assert ended.code == Exit.DONE
    assert "journals alone: postgresql://jane" in ended.err
    assert "verysecret" not in ended.err


def test_times_are_those_of_the_policy(terminal: Terminal, state: Path) -> None:
    """In tables, reports and pages, and so are days; for programs they are in UTC."""
    live_through(state, _sealed(replace(PLAN, made_at=datetime(2026, 3, 1, 22, 30, tzinfo=UTC))))
    policy = terminal.write("p.toml", 'timezone = "Asia/Tokyo"\n')
    asked = ("--policy", policy, "--state-dir", state)
    for what in ("nights", "moves"):
        listed = terminal.run("history", what, "--days", "9999", *asked)
        assert "(Asia/Tokyo)" in listed.out
        assert "2026-03-02 07:3" in listed.out
    assert "2026-03-01T22:30:00+00:00" in terminal.run("history", "nights", "--days", "9999", *asked, "--json").out
    before = terminal.run("report", "--until", "2026-03-02", *asked)
    assert before.out.splitlines()[0] == "The week from 2026-02-23 00:00 to 2026-03-02 00:00 Asia/Tokyo"
    assert "Nothing is known of this time." in before.out
    assert "2026-03-02 07:3" in terminal.run("report", "--until", "2026-03-03", *asked, "--html", "week.html").out
    page = (terminal.folder / "week.html").read_text()
    assert "<td>2026-03-02 07:30</td>" in page
    assert "All times are in Asia/Tokyo" in page


def test_prune_names_what_goes(terminal: Terminal, state: Path) -> None:
    """First without removing anything."""
    old = _sealed(replace(PLAN, made_at=datetime.now(UTC) - timedelta(days=30)))
    live_through(state, old)
    policy = terminal.write("p.toml", "[history]\nplans_days = 7\njournals_days = 7\n")
    typed = ("history", "prune", "--policy", policy, "--state-dir", state)
    dry = terminal.run(*typed, "--dry-run")
    assert dry.out.splitlines()[-1] == (
        "Would be removed: plan folders: 1, journals: 1, lists of nights: 0, days of load: 0, rows: 0"
    )
    told = terminal.run(*typed, "--json").json()
    assert list(told) == json_keys("history prune")
    assert told["plans"][0] in dry.out
    assert len(list(state.glob("plans/*/*"))) == 1


def test_a_report_is_text_json_and_a_page(terminal: Terminal, state: Path) -> None:
    """Of a week unless a month is asked for."""
    week = terminal.run("report", "--state-dir", state, "--html", "week.html")
    assert week.code == Exit.DONE
    assert f"Pool {POOL.name}: 1 night (1 done), 1 VM moved, 2.0 GiB, 1 try failed" in week.out
    assert "Left alone, because their moves fail" in week.out
    assert (terminal.folder / "week.html").read_text().startswith("<!doctype html>")
    month = terminal.run("report", "month", "--state-dir", state, "--json").json()
    assert list(month) == json_keys("report")
    assert month["name"] == "month"
    assert [each["vm"] for each in month["pools"][0]["alone"]] == ["b"]
    before = terminal.run("report", "--until", "2020-01-01", "--state-dir", state)
    assert "Nothing is known of this time." in before.out


def test_a_page_that_cannot_be_written_is_one_sentence(terminal: Terminal, state: Path) -> None:
    """With the name of the file."""
    ended = terminal.run("report", "--state-dir", state, "--html", "no/such/folder.html")
    assert ended.code == Exit.ERROR
    assert is_one_sentence(ended, "no/such/folder.html", "cannot be written")


def test_a_site_is_written(terminal: Terminal, state: Path) -> None:
    """Its files are told; of a folder with something else it says so in a sentence."""
    first = terminal.run("site", state, "-o", "www")
    assert first.code == Exit.DONE
    assert first.out == "www: 7 files written, of which index.html is the first to look at\n"
    told = terminal.run("site", state, "-o", "www", "--json").json()
    assert list(told) == json_keys("site")
    assert all((terminal.folder / "www" / name).is_file() for name in told["files"])
    ended = terminal.run("site", state, "-o", state)
    assert (ended.code, "something else than a site" in ended.sentence) == (Exit.ERROR, True)


def test_without_a_policy_times_are_those_of_the_latest_night(terminal: Terminal, state: Path) -> None:
    """In tables and reports; a night whose policy nobody could read says nothing of it, and nor do older lists."""
    asked = ("--days", "9999", "--state-dir", state)
    assert "began (UTC)" in terminal.run("history", "nights", *asked).out
    began = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    night = NightRecord(
        policy="p.toml",
        pool=POOL.uuid,
        pool_name=POOL.name,
        began_at=began,
        ended_at=began,
        exit_code=0,
        verdict="nothing_to_do",
    )
    zones = ("Asia/Tokyo", "", "Nowhere/Land")
    for later, zone in enumerate(zones):
        append_night(
            replace(night, began_at=began + timedelta(later), ended_at=began + timedelta(later), timezone=zone), state
        )
    listed = terminal.run("history", "nights", *asked).out
    assert "began (Asia/Tokyo)" in listed
    assert "2026-03-02 07:30" in listed
    told = terminal.run("report", "--until", "2026-03-09", "--state-dir", state).out
    assert told.splitlines()[0] == "The week from 2026-03-02 00:00 to 2026-03-09 00:00 Asia/Tokyo"


def test_a_plan_looks_back_as_far_as_nights_do(terminal: Terminal, served: Served) -> None:
    """By the days that they kept; without a history older hours are unknown, and it says so of one that is broken."""
    policy = terminal.write("p.toml", "[demand]\nwindow_days = 14\n[limits]\nsolve_seconds = 1\n")
    asked = ("plan", served.url, "--policy", policy, "--state-dir", "state", "--json")
    bare = terminal.run(*asked)
    assert bare.code == Exit.DONE, bare.err
    assert "window_days" not in bare.err
    state = terminal.folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "history.sqlite").write_bytes(b"no database" * 100)
    (state / "history.sqlite").chmod(0o600)
    broken = terminal.run(*asked)
    assert (broken.code, "older load is unknown: " in broken.err) == (Exit.DONE, True), broken.err


def test_verify_says_that_it_has_no_load(terminal: Terminal, served: Served) -> None:
    """Hosts have no hours of a fortnight: the plan is judged without, and each reason is given once."""
    policy = terminal.write("p.toml", "[demand]\nwindow_days = 14\n[limits]\nsolve_seconds = 1\n")
    planned = terminal.run("plan", served.url, "--policy", policy, "--state-dir", "state", "-o", "long")
    assert planned.code == Exit.DONE, planned.err
    judged = terminal.run("verify", "long", served.url)
    assert judged.code == Exit.DONE, judged.err
    assert judged.err.startswith("verified without metrics: ")
    assert judged.err.count("set demand.window_days to 7 or less") == 1
