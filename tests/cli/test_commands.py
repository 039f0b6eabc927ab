"""Every command does its part, for people and for programs."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.execute.journal import Intended, Journal, Looked, RunBegan
from rebalancer.execute.outcome import StepState
from rebalancer.export import FILES, plan_document, plan_json, read_plan, write_plan
from rebalancer.plan import Plan, digest_of
from rebalancer.simulator import Simulator
from rebalancer.snapshot import read_snapshot
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, QUICK, USER, Served, Terminal


@pytest.fixture
def plan(served: Served, terminal: Terminal) -> Path:
    """A folder with the plan for the served pool."""
    write_plan(served.plan, terminal.folder / "plan")
    return terminal.folder / "plan"


@pytest.fixture
def own() -> Iterator[Simulator]:
    """The same pool once more, to be changed."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as simulator:
        yield simulator


def where(simulator: Simulator) -> dict[str, str]:
    """The host of every VM."""
    return {vm["uuid"]: vm["resident_on"] for vm in simulator.database.all("VM").values()}


def test_snapshot_keeps_pool_and_load(served: Served, terminal: Terminal) -> None:
    """The file holds the pool and its load profile; standard output stays empty, the log says what was written."""
    ended = terminal.run("snapshot", served.url, "-o", "pool.json.gz")
    assert (ended.code, ended.out) == (Exit.DONE, "")
    assert ended.err == "pool.json.gz: pool simulated, 3 hosts, 15 running guests, load profile from hosts' RRDs\n"
    taken = read_snapshot(terminal.folder / "pool.json.gz")
    assert taken.source == served.url
    assert taken.demand is not None


def test_snapshot_without_metrics(served: Served, terminal: Terminal) -> None:
    """With `--no-metrics` nothing is fetched, and no profile of a file is taken over."""
    for source in (served.url, served.snapshot):
        ended = terminal.run("snapshot", source, "--no-metrics", "-o", "pool.json")
        assert ended.err.endswith("15 running guests, no load profile\n")
        assert read_snapshot(terminal.folder / "pool.json").demand is None


def test_check_says_the_same_to_people_and_programs(served: Served, terminal: Terminal) -> None:
    """How many may move, by which rule the others are held, how open each host is, and what is broken."""
    people, programs = terminal.run("check", served.snapshot), terminal.run("check", served.snapshot, "--json")
    told = programs.json()
    assert list(told) == ["pool", "guests", "movable", "held", "hosts", "standing", "spare", "dangling"]
    assert people.out.startswith(f"Pool simulated: {told['movable']} of {told['guests']} running guests may move")
    assert told["guests"] == 15
    assert sum(len(each["vms"]) for each in told["held"]) == told["guests"] - told["movable"] > 0
    assert all(each["rule"] in people.out and each["words"] in people.out for each in told["held"])
    assert {each["host"] for each in told["hosts"]} == {row.name for row in served.plan.hosts}
    assert (people.err, programs.err) == ("", "")


def test_check_reads_dumps(terminal: Terminal, shared_data: Callable[[str], Path]) -> None:
    """A database dump of a real pool is a source like any other."""
    ended = terminal.run("check", shared_data("xapi-db/Cowley-db.xml.gz"), "--json")
    assert ended.code == Exit.DONE
    assert ended.json()["guests"] > 0


def test_explain_answers_for_every_host(served: Served, terminal: Terminal) -> None:
    """One answer a host; a held VM names rule, XAPI's code and the way out; hosts that are alike share a row."""
    (held, *_) = terminal.run("check", served.snapshot, "--json").json()["held"]
    name = held["vms"][0]
    answers = terminal.run("explain", served.snapshot, name, "--json").json()
    assert len(answers) == 3
    assert [each["stays"] for each in answers].count(True) == 1
    (objection, *_) = next(each["objections"] for each in answers if not each["stays"])
    assert objection["rule"] == held["rule"]
    people = terminal.run("explain", served.snapshot, name).out
    assert people.startswith(f"{name} (")
    assert people.count(objection["words"]) == 1
    assert objection["remedy"] in people


def test_explain_answers_for_one_host(served: Served, terminal: Terminal) -> None:
    """By name or by the start of a uuid."""
    step = served.plan.steps[0]
    ended = terminal.run("explain", served.snapshot, step.vm[:8], step.target_name, "--json")
    (answer,) = ended.json()
    assert (answer["vm"]["name"], answer["host"]["name"]) == (step.vm_name, step.target_name)
    assert answer["may_move"] is True


def test_plan_writes_a_folder_and_moves_nothing(served: Served, terminal: Terminal) -> None:
    """All files are there, JSON on standard output is plan.json, and with `--detailed-exitcode` the code is 2."""
    served.calls.clear()
    policy = terminal.write("quick.toml", QUICK)
    typed = ("plan", served.url, "-p", policy, "-o", "tonight")
    ended = terminal.run(*typed, "--json", "--detailed-exitcode")
    assert ended.code == Exit.HAS_STEPS
    assert sorted(each.name for each in (terminal.folder / "tonight").iterdir()) == sorted(FILES)
    assert ended.json() == json.loads((terminal.folder / "tonight" / "plan.json").read_text(encoding="utf-8"))
    assert ended.err == "tonight: plan.json, plan.md, moves.csv and run.sh written\n"
    assert served.changes == []
    with (terminal.folder / "tonight" / "moves.csv").open(encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 1 + len(ended.json()["steps"])


def test_plan_shows_what_a_reviewer_asks(served: Served, terminal: Terminal) -> None:
    """Summary, objectives with bound, steps with reasons, and hosts; without `--detailed-exitcode` the code is 0."""
    ended = terminal.run("plan", served.snapshot, "-p", terminal.write("quick.toml", QUICK))
    assert ended.code == Exit.DONE
    for heading in ("How good it is", "no plan is below", "Steps, in order", "why", "Hosts", "CPU peak"):
        assert heading in ended.out
    assert not list(terminal.folder.glob("*/plan.json"))


def test_plan_draws_what_less_overload_costs(served: Served, terminal: Terminal) -> None:
    """`--tradeoff` prints points from doing nothing on, people see a table; another cost is refused."""
    policy = terminal.write("quick.toml", QUICK)
    found = terminal.run("plan", served.snapshot, "-p", policy, "--tradeoff", "moves", "--json").json()
    assert (found["cost"], found["points"][0]["moves"]) == ("moves", 0)
    assert all(point["bound"] <= point["overload"] for point in found["points"])
    assert "no placement is below" in terminal.run("plan", served.snapshot, "-p", policy, "--tradeoff", "gib").out
    both = terminal.run("plan", served.snapshot, "--tradeoff", "gib", "-o", "out")
    assert (both.code, "a curve is no plan" in both.err) == (Exit.ERROR, True)
    refused = terminal.run("plan", served.snapshot, "--tradeoff", "watts")
    assert refused.code != Exit.DONE
    assert "neither gib nor moves" in refused.err


def test_the_curve_knows_what_just_moved(served: Served, terminal: Terminal) -> None:
    """`--tradeoff` reads the journals of the state folder, like a plan: whom they name are last resorts."""
    policy = terminal.write("warm.toml", f"{QUICK}cool_down_hours = 24\n")
    typed = ("plan", served.snapshot, "-p", policy, "--tradeoff", "moves", "--state-dir", "state", "--json")
    assert terminal.run(*typed).json()["last_resorts"] is None
    vm, now = served.plan.steps[0].vm, datetime.now(UTC)
    (terminal.folder / "state" / "journals").mkdir(parents=True, exist_ok=True)
    with Journal(terminal.folder / "state" / "journals" / "before.jsonl") as journal:
        journal.append(RunBegan(at=now, plan="sha256:1", pool=read_snapshot(served.snapshot).pool.uuid))
        journal.append(Intended(at=now, step="s1", vm=vm, source="h1", target="h2"))
        journal.append(Looked(at=now, step="s1", state=StepState.MOVED, power_state="Running", resident_on="h2"))
    assert terminal.run(*typed).json()["last_resorts"] in {0, 1}


def test_plan_by_samples_from_a_file(served: Served, terminal: Terminal) -> None:
    """`--demand` takes the place of the pool's own metrics; samples that are too few are refused by name."""
    vm = served.plan.steps[0].vm
    table = terminal.write("cpu.csv", f"vm_uuid,time,pcpu\n{vm},2026-11-01T00:00:00Z,1.0\n")
    ended = terminal.run("plan", served.snapshot, "--demand", table)
    assert ended.code in {Exit.DONE, Exit.METRICS_REFUSED}
    assert "unforeseen" not in ended.err


def test_show_repeats_the_plan(served: Served, terminal: Terminal, plan: Path) -> None:
    """The whole plan, from its folder or its file: what it is bound to, every step, and the way back."""
    people, programs = terminal.run("show", plan), terminal.run("show", plan / "plan.json", "--json")
    assert programs.json() == json.loads(json.dumps(plan_document(served.plan)))
    for each in (served.plan.digest, served.plan.summary, "expires", "The way back"):
        assert each in people.out
    assert all(step.why in people.out for step in (*served.plan.steps, *served.plan.rollback))


def test_show_tells_the_hosts_at_a_step(served: Served, terminal: Terminal, plan: Path) -> None:
    """Who leaves, who takes the VM, and what every host holds then; after the last step, what it holds at the end."""
    last = served.plan.steps[-1]
    people, programs = (terminal.run("show", plan, "--step", last.id, *more) for more in ([], ["--json"]))
    assert people.out.startswith(f"{last.id}: {last.vm_name} from {last.source_name} to {last.target_name}: ")
    assert all(row.name in people.out for row in served.plan.hosts)
    told = {host["uuid"]: host["after"]["memory_used_bytes"] for host in programs.json()["hosts"]}
    assert told == {row.uuid: row.after.memory_used_bytes for row in served.plan.hosts}
    assert terminal.run("show", plan, "--step", "s99").sentence.startswith("step 's99': the plan has no such step")


def test_diff_tells_plans_apart(served: Served, terminal: Terminal, plan: Path) -> None:
    """Of a plan and itself nothing; of a plan without its last step which one is missing; the code only if asked."""
    assert terminal.run("diff", plan, plan, "--detailed-exitcode").out == "no difference\n"
    less = replace(served.plan, steps=served.plan.steps[:-1])
    shorter = terminal.write("shorter.json", plan_json(replace(less, digest=digest_of(less))))
    last = served.plan.steps[-1]
    ended = terminal.run("diff", plan, shorter)
    assert (ended.code, ended.err) == (Exit.DONE, "")
    assert f"only the first moves {last.vm_name} {last.source_name} -> {last.target_name}" in ended.out
    assert terminal.run("diff", plan, shorter, "--detailed-exitcode").code == Exit.HAS_STEPS


def test_diff_tells_what_a_pool_has_become(served: Served, terminal: Terminal, plan: Path) -> None:
    """Against snapshot and live pool: nothing has changed; then a host is disabled."""
    for source in (served.snapshot, served.url):
        assert terminal.run("diff", plan, source, "--json").json() == {"same": True, "differences": []}
    step = served.plan.steps[0]
    with served.changed("host", step.target, enabled=False):
        ended = terminal.run("diff", plan, served.url, "--json", "--detailed-exitcode")
    assert ended.code == Exit.HAS_STEPS
    told = ended.json()["differences"]
    assert {"kind": "drift", "words": f"host {step.target_name} is disabled"} in told


def test_verify_accepts_the_plan(served: Served, terminal: Terminal, plan: Path) -> None:
    """Against the snapshot and against the live pool, without a word on standard error."""
    for source in (served.snapshot, served.url):
        ended = terminal.run("verify", plan, source)
        assert (ended.code, ended.err) == (Exit.DONE, "")
        assert ended.out.startswith(f"accepted: all {len(served.plan.steps)} steps")
    told = terminal.run("verify", plan, served.snapshot, "--json").json()
    assert told == {"plan": served.plan.digest, "accepted": True, "done": False, "findings": [], "differences": []}


def test_verify_says_what_it_did_not_compare(served: Served, terminal: Terminal, plan: Path) -> None:
    """The plan is legal in a pool that has changed: accepted, with the difference, and no word for its figures."""
    bystander = next(row.uuid for row in served.plan.hosts if row.uuid not in _ends(served.plan))
    with served.changed("host", bystander, enabled=False):
        ended = terminal.run("verify", plan, served.url)
    assert ended.code == Exit.DONE
    accepted, said, *changed = ended.out.splitlines()
    assert accepted.startswith("accepted")
    assert said.endswith("figures and reasons of the plan were not compared:")
    assert any("is disabled" in each for each in changed)


def _ends(plan: Plan) -> set[str]:
    """Hosts that the plan moves VMs from or to."""
    return {end for step in plan.steps for end in (step.source, step.target)}


def test_verify_names_the_step(served: Served, terminal: Terminal, plan: Path) -> None:
    """In JSON, a refused plan comes with step, state, rule and words; the code is 4."""
    with served.changed("host", served.plan.steps[0].target, enabled=False):
        ended = terminal.run("verify", plan, served.url, "--json")
    assert ended.code == Exit.STALE
    assert ended.json()["accepted"] is False
    (finding, *_) = ended.json()["findings"]
    assert list(finding) == ["step", "state", "rule", "words"]
    assert "target-enabled" in {each["rule"] for each in ended.json()["findings"]}


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
        patch.setattr("rebalancer.execute.hours.Hours.would_be_late", lambda *_: True)
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
    assert (early.code, where(own)) == (Exit.WINDOW_CLOSED, before)
    assert early.out.startswith(f"steps done: 0, left: {steps}; the change windows of the plan's policy leave no time")
    assert f"the next opens at {opens:%Y-%m-%d %H:%M} UTC" in early.out
    assert "the same command goes on then" in early.err
    typed = next(line for line in early.err.splitlines() if "to do it now: " in line).partition("rebalancer ")[2]
    done = terminal.run(*shlex.split(typed))
    assert (done.code, done.out) == (Exit.DONE, f"steps done: {steps}; all steps are done\n")


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
    assert 'rebalancer_nightly_exit_code{policy="night.toml"} 0\n' in metrics
    assert f'rebalancer_nightly_steps_done{{policy="night.toml"}} {executed.json()["moved"]}\n' in metrics
    assert (executed.code, executed.json()["verdict"], executed.json()["left"]) == (Exit.DONE, "done", 0)
    assert executed.json()["moved"] == executed.json()["steps"] > 0
    calm = terminal.run("nightly", policy, "--execute", "--json", "--detailed-exitcode")
    assert (calm.code, calm.json()["verdict"]) == (Exit.DONE, "nothing_to_do")


def test_a_night_that_fails_is_monitored_too(terminal: Terminal) -> None:
    """The file says with which code it ended, whatever the error; a file that cannot be written stops it at once."""
    policy = terminal.write("night.toml", '[pool]\nurl = "https://127.0.0.1:9"\n')
    ended = terminal.run("nightly", policy, "--metrics-file", "night.prom")
    assert ended.code == Exit.ERROR
    metrics = (terminal.folder / "night.prom").read_text(encoding="utf-8")
    assert 'rebalancer_nightly_exit_code{policy="night.toml"} 1\n' in metrics
    wrong = terminal.run("nightly", policy, "--metrics-file", "no/night.prom")
    assert "its folder is not there" in wrong.sentence


def test_nightly_names_the_steps_that_do_not_fit(own: Simulator, terminal: Terminal) -> None:
    """Two windows of a second each, of which one is far away: in advance, and to programs, too."""
    windows = "".join(f'[[window]]\nstart = "{hour}:00:00"\nend = "{hour}:00:01"\n' for hour in ("06", "18"))
    policy = terminal.write("night.toml", f'{QUICK}[pool]\nurl = "{own.url}"\n{windows}')
    said = terminal.run("nightly", policy)
    late = terminal.run("nightly", policy, "--json").json()["late"]
    assert f"not fit before it closes, and stay for another time: {', '.join(late)}." in said.out


def test_policy_check_with_and_without_a_pool(served: Served, terminal: Terminal) -> None:
    """A good policy is called well-formed, with a pool every name is known, and programs get the whole policy."""
    policy = terminal.write("p.toml", 'name = "mine"\nintent.read_tags = false\n')
    assert terminal.run("policy", "check", policy).out == f"{policy}: policy 'mine', mode balance, is well-formed.\n"
    assert "Every name is known" in terminal.run("policy", "check", policy, served.snapshot).out
    told = terminal.run("policy", "check", policy, served.snapshot, "--json").json()
    assert (told["policy"]["name"], told["findings"]) == ("mine", [])


def test_policy_check_tells_what_is_in_vain(served: Served, terminal: Terminal) -> None:
    """What a pool cannot give is listed, and no error."""
    policy = terminal.write("p.toml", 'mode = "evacuate"\n')
    ended = terminal.run("policy", "check", policy, served.snapshot)
    assert ended.code == Exit.DONE
    assert "- mode: evacuate, but empty names no host" in ended.out
    closed = terminal.write("closed.toml", '[[blackout]]\nstart = "00:00"\nend = "00:00"\n')
    assert "- blackout: no change window ever opens" in terminal.run("policy", "check", closed).out


def test_demo_goes_the_whole_way(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads, plans, verifies, moves, and the second plan has nothing to do; what it wrote can be read."""
    monkeypatch.setattr("rebalancer.cli.tour.SPEED", 2000.0)
    ended = terminal.run("demo", "-o", "demo")
    assert ended.code == Exit.DONE
    assert [line[:5] for line in ended.out.splitlines() if line.startswith("== ")] == [f"== {n}." for n in range(1, 7)]
    assert "accepted: all " in ended.out
    assert ended.out.splitlines()[-1].startswith("Nothing to do: ")
    assert read_plan(terminal.folder / "demo" / "plan").steps
    assert not read_plan(terminal.folder / "demo" / "plan-after").steps
