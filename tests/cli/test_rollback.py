"""A run that stops half-way says how to resume and how to roll back, and both commands do what they say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.execute.journal.entries import Intended, RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.export import read_plan
from rebalancer.placement import Placement, current_placement_with_disks
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, Trust, connect, read_pool
from tests.cli.terminal import PASSWORD, USER, Ended, Served, Terminal, is_one_sentence

AFTERWARDS = datetime(2126, 1, 1, tzinfo=UTC)
"""After any snapshot."""
DISKS = "[storage_motion]\nenabled = true\n[execution]\nstop_after_failures = 1\n"
POOL = generate_pool(hosts=4, vms=24, seed=6, fill=0.6, hot=0.9, local=0.8, cpus=16, largest_gib=16, days=1)


@pytest.fixture
def pool() -> Iterator[Simulator]:
    """One that is too hot to stay as it is, with local disks."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=1000.0, login_delay=0.0) as running:
        yield running


def placed(simulator: Simulator) -> Placement:
    """Where VMs and their disks are."""
    with connect(simulator.url, Credentials(user=USER, password=PASSWORD), Trust()) as session:
        return current_placement_with_disks(read_pool(session))


def write_journal(path: Path, *entries: RunBegan | Intended) -> None:
    """A journal of *entries*."""
    with Journal(path) as journal:
        for entry in entries:
            journal.append(entry)


def ways(ended: Ended) -> dict[str, list[str]]:
    """The commands below the sentence, without the program's name, by what they are for."""
    found = dict(re.findall(r"^  ([a-z ]+): rebalancer (.*)$", ended.err, re.MULTILINE))
    return {purpose: shlex.split(command) for purpose, command in found.items()}


def stopped(terminal: Terminal, pool: Simulator, *options: str) -> Ended:
    """A run of several steps, the fourth of which fails."""
    terminal.write("policy.toml", DISKS)
    assert terminal.run("plan", pool.url, "-p", "policy.toml", "-o", "tonight").code == Exit.DONE
    steps = read_plan(terminal.folder / "tonight").steps
    assert any(step.disks for step in steps[:3])
    pool.faults.add("move-fails", vm=steps[3].vm, at=0.5)
    ended = terminal.run("apply", "tonight", pool.url, *options)
    assert ended.code == Exit.STOPPED
    return ended


def test_what_is_said_to_lead_back_leads_back(pool: Simulator, terminal: Terminal) -> None:
    """Typed as it stands there: everything, disks included, is where it was; then there is nothing to take back."""
    home = placed(pool)
    told = ways(stopped(terminal, pool, "--state-dir", "my state"))
    assert list(told) == ["to resume", "to roll back", "and then"]
    assert placed(pool) != home
    back = terminal.run(*told["to roll back"])
    assert (back.code, back.out.startswith("Takes back plan ")) == (Exit.DONE, True)
    assert terminal.run("verify", "tonight-back", pool.url).code == Exit.DONE
    assert terminal.run(*told["and then"]).code == Exit.DONE
    assert placed(pool) == home
    again = terminal.run(*told["to roll back"], "--detailed-exitcode")
    assert (again.code, again.out.startswith("Nothing to do: every VM is where plan ")) == (Exit.DONE, True)


def test_what_is_said_to_go_on_goes_on(pool: Simulator, terminal: Terminal) -> None:
    """Typed as it stands there, with a journal of one's own."""
    told = ways(stopped(terminal, pool, "--journal", "book.jsonl"))
    assert terminal.run(*told["to resume"]).code == Exit.DONE
    hosts = placed(pool).host_of
    assert all(hosts[step.vm] == step.target for step in read_plan(terminal.folder / "tonight").steps)


def test_programs_are_told_the_same(pool: Simulator, terminal: Terminal) -> None:
    """In the document that `--json` prints of an error."""
    ended = stopped(terminal, pool, "--json")
    assert {purpose: shlex.split(each)[1:] for purpose, each in ended.json()["next"].items()} == ways(ended)


def test_a_night_that_stops_says_the_same(pool: Simulator, terminal: Terminal) -> None:
    """With the folder in which it kept its plan: what leads back leads back."""
    home, night = placed(pool), f'{DISKS}[pool]\nurl = "{pool.url}"\n'
    policy = terminal.write("night.toml", night)
    first = terminal.run("nightly", policy, "--json").json()
    steps = read_plan(Path(first["folder"])).steps
    pool.faults.add("move-fails", vm=steps[-1].vm, at=0.5)
    ended = terminal.run("nightly", policy, "--execute")
    assert (ended.code, placed(pool) != home) == (Exit.STOPPED, True)
    told = ways(ended)
    assert all(terminal.run(*told[purpose]).code == Exit.DONE for purpose in ("to roll back", "and then"))
    assert placed(pool) == home


def test_a_snapshot_and_the_journal_tell_what_the_pool_shows(pool: Simulator, terminal: Terminal) -> None:
    """A snapshot from before the run, with the journal of the run: the same way back, without the pool."""
    terminal.run("snapshot", pool.url, "-o", "before.json.gz", "--no-metrics")
    told = ways(stopped(terminal, pool))
    live = terminal.run(*told["to roll back"], "--json").json()
    kept = terminal.run("rollback", "tonight", "before.json.gz", "--json").json()
    assert [(step["vm"], step["target"]) for step in kept["steps"]] == [
        (step["vm"], step["target"]) for step in live["steps"]
    ]
    assert len(kept["steps"]) >= 3


def test_a_way_back_is_prepared_before_the_run(served: Served, terminal: Terminal) -> None:
    """As if some steps were done: it starts where they lead, and the code says that it has steps; here it is done."""
    terminal.run("plan", served.snapshot, "-o", "tonight")
    served.calls.clear()
    last = read_plan(terminal.folder / "tonight").steps[-1]
    ended = terminal.run(
        "rollback", "tonight", served.snapshot, "--after", last.id, "-o", "back", "--detailed-exitcode"
    )
    made = read_plan(terminal.folder / "back")
    assert ended.code == Exit.HAS_STEPS
    assert made.before.host_of[last.vm] == last.target
    assert terminal.run("verify", "back", served.snapshot).out.startswith("done: every VM is where the plan leads")
    assert served.changes == []


def test_steps_or_a_journal_are_named(served: Served, terminal: Terminal) -> None:
    """Not both; and the journal is there, and that of the plan."""
    missing = terminal.run("rollback", "tonight", served.snapshot, "--journal", "xs")
    assert is_one_sentence(missing, "xs: there is no such journal", "or none to go by the pool alone")
    terminal.run("plan", served.snapshot, "-o", "tonight")
    both = terminal.run("rollback", "tonight", served.snapshot, "--after", "s01", "--journal", "x")
    assert (both.code, "the journal that tells of them" in both.err) == (Exit.ERROR, True)
    write_journal(terminal.folder / "x", RunBegan(at=AFTERWARDS, plan="another", pool="another"))
    wrong = terminal.run("rollback", "tonight", served.snapshot, "--journal", "x")
    assert is_one_sentence(wrong, "x: it is the journal of another plan")


def test_a_journal_that_does_not_tell_asks_for_the_pool(served: Served, terminal: Terminal) -> None:
    """A call was about to leave when the run was killed: only the pool knows, and a snapshot from before does not."""
    terminal.run("plan", served.snapshot, "-o", "tonight")
    made = read_plan(terminal.folder / "tonight")
    step = made.steps[0]
    began = RunBegan(at=AFTERWARDS, plan=made.digest, pool=made.made_from.pool)
    left = Intended(at=AFTERWARDS, step=step.id, vm=step.vm, source=step.source, target=step.target)
    write_journal(terminal.folder / "x", began, left)
    ended = terminal.run("rollback", "tonight", served.snapshot, "--journal", "x")
    assert is_one_sentence(ended, f"it does not tell what became of {step.id} after", "Name the pool's URL")
