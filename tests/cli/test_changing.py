"""Commands that change a pool: a plan carried out, and a night."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import read_plan
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, QUICK, USER, Terminal


@pytest.fixture
def own() -> Iterator[Simulator]:
    """The same pool once more, to be changed."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as simulator:
        yield simulator


def where(simulator: Simulator) -> dict[str, str]:
    """The host of every VM."""
    return {vm["uuid"]: vm["resident_on"] for vm in simulator.database.all("VM").values()}


def test_apply_carries_out_and_the_pool_is_calm(own: Simulator, terminal: Terminal) -> None:
    """Every VM ends where the plan says, once; again nothing is sent; the next plan has no steps and says why."""
    policy = terminal.write("quick.toml", QUICK)
    assert terminal.run("plan", own.url, "-p", policy, "-o", "tonight").code == Exit.DONE
    made = read_plan(terminal.folder / "tonight")
    first = terminal.run("apply", "tonight", own.url)
    assert (first.code, first.out) == (Exit.DONE, f"steps done: {len(made.steps)}; all steps are done\n")
    assert all(
        f"{step.id}: {step.vm_name} {step.source_name} -> {step.target_name}" in first.err for step in made.steps
    )
    after = where(own)
    assert {own.database.get("host", after[step.vm])["uuid"] for step in made.steps} <= {s.target for s in made.steps}
    again = terminal.run("apply", "tonight", own.url, "--json")
    assert (again.code, again.json()["ending"], again.json()["left"]) == (Exit.DONE, "complete", [])
    done = terminal.run("verify", "tonight", own.url)
    words = f"done: every VM is where the plan leads; of {len(made.steps)} steps none is left to prove\n"
    assert (done.code, done.out) == (Exit.DONE, words)
    assert where(own) == after
    second = terminal.run("plan", own.url, "-p", policy, "-o", "again", "--detailed-exitcode")
    assert second.code == Exit.DONE
    assert second.out.startswith("Nothing to do: ")
    empty = terminal.run("apply", "again", own.url)
    assert (empty.code, empty.out) == (Exit.DONE, "nothing to do: the plan has no steps\n")
    assert terminal.run("verify", "again", own.url).out == "accepted: the plan has no steps\n"
    assert where(own) == after


def test_apply_stops_before_the_hour(own: Simulator, terminal: Terminal, plan: Path) -> None:
    """With too little time nothing is started, and what is left is told."""
    slow = json.loads((plan / "plan.json").read_text(encoding="utf-8"))
    assert all(step["seconds"] < 60 for step in slow["steps"])
    before = where(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rebalancer.execute.run.hours.Hours.would_be_late", lambda *_: True)
        ended = terminal.run("apply", plan, own.url, "--minutes", 1, "--json")
    assert (ended.code, ended.json()["ending"]) == (Exit.DONE, "deadline")
    assert len(ended.json()["left"]) == len(slow["steps"])
    assert where(own) == before


def test_apply_keeps_the_windows_of_the_plan(own: Simulator, terminal: Terminal) -> None:
    """Two hours early nothing is sent, and it says when, and what does it at once; that, as it is typed, does it."""
    opens = datetime.now(UTC) + timedelta(hours=2)
    window = f'[[window]]\nstart = "{opens:%H:%M}"\nend = "{opens + timedelta(hours=3):%H:%M}"\n'
    policy = terminal.write("windows.toml", f'name = "windows"\n{QUICK}{window}')
    terminal.run("plan", own.url, "-p", policy, "-o", "later")
    before, steps = where(own), len(read_plan(terminal.folder / "later").steps)
    early = terminal.run("apply", "later", own.url)
    assert (early.code, where(own)) == (Exit.LATER, before)
    assert early.out.startswith(f"steps done: 0, left: {steps}; the change windows of the plan's policy leave no time")
    assert f"the next opens at {opens:%Y-%m-%d %H:%M} UTC" in early.out
    assert "the same command resumes then" in early.err
    typed = next(line for line in early.err.splitlines() if "to do it now: " in line).partition("rebalancer ")[2]
    done = terminal.run(*shlex.split(typed))
    assert (done.code, done.out) == (Exit.DONE, f"steps done: {steps}; all steps are done\n")


def test_a_pool_on_hold_is_left_for_later(own: Simulator, terminal: Terminal) -> None:
    """`apply` ends with 9 and says what ends it, `nightly` with 0; both name the tag, and move nothing."""
    policy = terminal.write("night.toml", f'name = "night"\n{QUICK}[pool]\nurl = "{own.url}"\n')
    terminal.run("plan", own.url, "-p", policy, "-o", "tonight")
    (pool,) = own.database.all("pool")
    own.database.change("pool", pool, tags=["rebalancer:hold"])
    before, words = where(own), "the pool is on hold: pool simulated carries the tag rebalancer:hold"
    held = terminal.run("apply", "tonight", own.url, "--until", "05:00")
    assert (held.code, where(own)) == (Exit.LATER, before)
    assert words in held.out
    assert "starting nothing that would not end by 05:00 (this machine's time zone): " in held.err
    assert "the same command goes on once the tag is removed" in held.err
    night = terminal.run("nightly", policy, "--execute", "--json")
    assert (night.code, night.json()["verdict"], where(own)) == (Exit.DONE, "on_hold", before)
    assert night.json()["why"] in words


def test_nightly_plans_and_executes(own: Simulator, terminal: Terminal) -> None:
    """Without `--execute` nothing moves and the plan is kept; with it the pool is cooled, and then left alone."""
    policy = terminal.write("night.toml", f'name = "night"\n{QUICK}[pool]\nurl = "{own.url}"\n')
    before = where(own)
    planned = terminal.run("nightly", policy, "--detailed-exitcode")
    assert (planned.code, where(own)) == (Exit.HAS_STEPS, before)
    summary, verdict, kept = planned.out.splitlines()
    folder = Path(kept.removeprefix("plan: "))
    assert (read_plan(folder).summary, verdict.startswith("pool simulated: ")) == (summary, True)
    executed = terminal.run(
        "nightly", policy, "--execute", "--json", "--detailed-exitcode", "--metrics-file", "night.prom"
    )
    metrics = (terminal.folder / "night.prom").read_text(encoding="utf-8")
    assert value_of("exit_code", metrics) == 0
    assert value_of("steps_done", metrics) == executed.json()["moved"]
    assert 'pool="simulated"' in metrics
    assert 'verdict="done"' in metrics
    assert (executed.code, executed.json()["verdict"], executed.json()["left"]) == (Exit.DONE, "done", 0)
    assert executed.json()["moved"] == executed.json()["steps"] > 0
    calm = terminal.run("nightly", policy, "--execute", "--json", "--detailed-exitcode")
    assert (calm.code, calm.json()["verdict"]) == (Exit.DONE, "nothing_to_do")


def value_of(name: str, metrics: str) -> float:
    """The value of the one series of that name, of the policy in night.toml."""
    (value,) = re.findall(rf'^rebalancer_nightly_{name}\{{.*policy="night.toml".*\}} (.+)$', metrics, re.MULTILINE)
    return float(value)


def test_a_night_that_fails_is_monitored_too(terminal: Terminal) -> None:
    """The file says with which code it ended, whatever the error; a file that cannot be written stops it at once."""
    policy = terminal.write("night.toml", '[pool]\nurl = "https://127.0.0.1:9"\n')
    ended = terminal.run("nightly", policy, "--metrics-file", "night.prom")
    assert ended.code == Exit.ERROR
    metrics = (terminal.folder / "night.prom").read_text(encoding="utf-8")
    assert (value_of("exit_code", metrics), value_of("steps_left", metrics)) == (1, 0)
    assert re.findall('verdict="(.*)"', metrics) == ["not_ready"]
    wrong = terminal.run("nightly", policy, "--metrics-file", "no/night.prom")
    assert "its folder is not there" in wrong.sentence


def test_nightly_names_the_steps_that_do_not_fit(own: Simulator, terminal: Terminal) -> None:
    """Two windows of a second each, of which one is far away: in advance, and to programs, too."""
    windows = "".join(f'[[window]]\nstart = "{hour}:00:00"\nend = "{hour}:00:01"\n' for hour in ("06", "18"))
    policy = terminal.write("night.toml", f'{QUICK}[pool]\nurl = "{own.url}"\n{windows}')
    said = terminal.run("nightly", policy)
    late = terminal.run("nightly", policy, "--json").json()["late"]
    assert f"not fit before it closes, and stay for another time: {', '.join(late)}." in said.out
