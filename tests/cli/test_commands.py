"""Every command does its part, for people and for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.execute.journal.entries import Intended, Looked, RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.export import FILES, plan_document, plan_json, read_plan
from rebalancer.plan import Plan, digest_of
from rebalancer.snapshot import read_snapshot
from tests.cli.terminal import QUICK, ROOT, Served, Terminal


def test_snapshot_keeps_pool_and_load(served: Served, terminal: Terminal) -> None:
    """The file holds the pool and its load profile; standard output stays empty, the log says what was written."""
    ended = terminal.run("snapshot", served.url, "-o", "pool.json.gz")
    assert (ended.code, ended.out) == (Exit.DONE, "")
    assert ended.err == "pool.json.gz: pool simulated, 3 hosts, 15 running VMs, load profile from hosts' RRDs\n"
    taken = read_snapshot(terminal.folder / "pool.json.gz")
    assert taken.source == served.url
    assert taken.demand is not None


def test_snapshot_tells_clocks_that_are_off(served: Served, terminal: Terminal) -> None:
    """Whose clock is off is told, and whose metrics are no good for it; the file says the same to who plans from it."""
    first, second = list(served.simulator.urls)[1:]
    served.simulator.faults.add("clock-skew", host=first, seconds=7200, times=-1)
    served.simulator.faults.add("clock-skew", host=second, seconds=-259_200, times=-1)
    try:
        ended = terminal.run("snapshot", served.url, "-o", "pool.json.gz")
    finally:
        served.simulator.faults.clear()
    taken = read_snapshot(terminal.folder / "pool.json.gz")
    names = [taken.pool.hosts[uuid].name for uuid in (first, second)]
    off = "its clock is 3.0 days behind most clocks, and demand.clock_limit_minutes is 1440: set the clock right"
    assert ended.err.splitlines()[:-1] == [
        f"the clock of host {names[0]} is 2.0 h ahead of most clocks: its metrics were moved back by as much",
        f"host {names[1]} has no metrics that can be used: {off}",
    ]
    planned = terminal.run("plan", "pool.json.gz").out
    assert f"the clock of host {names[0]} is 2.0 h ahead of most clocks" in planned


def test_snapshot_without_metrics(served: Served, terminal: Terminal) -> None:
    """With `--no-metrics` nothing is fetched, and no profile of a file is taken over."""
    for source in (served.url, served.snapshot):
        ended = terminal.run("snapshot", source, "--no-metrics", "-o", "pool.json")
        assert ended.err.endswith("15 running VMs, no load profile\n")
        assert read_snapshot(terminal.folder / "pool.json").demand is None


def test_check_says_the_same_to_people_and_programs(served: Served, terminal: Terminal) -> None:
    """How many may move, by which rule the others are held, how open each host is, and what is broken."""
    people, programs = terminal.run("check", served.snapshot), terminal.run("check", served.snapshot, "--json")
    told = programs.json()
    assert list(told) == ["pool", "guests", "movable", "held", "hosts", "standing", "spare", "dangling", "sick"]
    assert people.out.startswith(f"Pool simulated: {told['movable']} of {told['guests']} running VMs may move")
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
    """One answer a host; a held VM names rule, XAPI's code and the fix; hosts that are alike share a row."""
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
    assert ended.err == "tonight: plan.json, plan.md, plan.html, moves.csv, run.sh and manifest.json written\n"
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


def test_plan_draws_what_a_lower_load_cost_takes(served: Served, terminal: Terminal) -> None:
    """`--tradeoff` prints points from doing nothing on, people see a table; another cost is refused."""
    policy = terminal.write("quick.toml", QUICK)
    found = terminal.run("plan", served.snapshot, "-p", policy, "--tradeoff", "moves", "--json").json()
    assert (found["cost"], found["points"][0]["moves"]) == ("moves", 0)
    assert all(point["bound"] <= point["load_cost"] for point in found["points"])
    shown = terminal.run("plan", served.snapshot, "-p", policy, "--tradeoff", "gib").out
    assert "none that pays as much is below" in shown
    assert "best by the policy's prices" in shown
    both = terminal.run("plan", served.snapshot, "--tradeoff", "gib", "-o", "out")
    assert (both.code, "a curve is no plan" in both.err) == (Exit.ERROR, True)
    refused = terminal.run("plan", served.snapshot, "--tradeoff", "watts")
    assert refused.code != Exit.DONE
    assert "neither gib nor moves" in refused.err


def test_the_curve_knows_what_just_moved(served: Served, terminal: Terminal) -> None:
    """`--tradeoff` reads the journals of the state folder, like a plan: whom they name stay in all points."""
    policy = terminal.write("warm.toml", f"{QUICK}cool_down_hours = 24\n")
    typed = ("plan", served.snapshot, "-p", policy, "--tradeoff", "moves", "--state-dir", "state", "--json")
    assert terminal.run(*typed).json()["limits"] == []
    step, now = served.plan.steps[0], datetime.now(UTC)
    vm, here = step.vm, step.source
    (terminal.folder / "state" / "journals").mkdir(parents=True, exist_ok=True)
    with Journal(terminal.folder / "state" / "journals" / "before.jsonl") as journal:
        journal.append(RunBegan(at=now, plan="sha256:1", pool=read_snapshot(served.snapshot).pool.uuid))
        journal.append(Intended(at=now, step="s1", vm=vm, source="h1", target=here))
        journal.append(Looked(at=now, step="s1", state=StepState.MOVED, power_state="Running", resident_on=here))
    assert terminal.run(*typed).json()["limits"] == ["1 VM that moved a short while ago left alone"]


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
    assert f"\n{last.source_name}\n  - {last.vm_name} {last.source_name} -> {last.target_name}\n" in ended.out
    lines = ended.out.splitlines()
    assert [line.split(" (")[0] for line in lines[:2]] == [f"--- {plan}", f"+++ {shorter}"]
    alike = len({step.vm for step in less.steps})
    counts = f"1 only the first (-), 0 only the second (+), 0 otherwise (~), {alike} alike"
    assert lines[2].startswith(f"VMs that move: {counts}; other differences: ")
    counts = terminal.run("diff", plan, shorter, "--json").json()["counts"]
    assert (counts["alike"], counts["only_first"], counts["only_second"], counts["otherwise"]) == (alike, 1, 0, 0)
    assert terminal.run("diff", plan, shorter, "--detailed-exitcode").code == Exit.HAS_STEPS


def test_diff_writes_two_plans_as_a_page(served: Served, terminal: Terminal, plan: Path) -> None:
    """Beside what it prints, and with the same code; of a plan and a pool there is none."""
    ended = terminal.run("diff", plan, plan, "-o", "diff.html")
    assert (ended.code, ended.out, ended.err) == (Exit.DONE, "no difference\n", "diff.html written\n")
    assert served.plan.digest in (terminal.folder / "diff.html").read_text(encoding="utf-8")
    refused = terminal.run("diff", plan, served.snapshot, "-o", "pool.html")
    assert refused.code == Exit.ERROR
    assert refused.sentence.startswith(f"-o pool.html: a page is of two plans, and {served.snapshot} is a pool")
    assert not (terminal.folder / "pool.html").exists()


def test_the_page_of_two_plans_replaces_neither(terminal: Terminal, plan: Path) -> None:
    """No file of their folders is written over."""
    for name in ("plan.json", "plan.html"):
        before = (terminal.folder / plan / name).read_bytes()
        refused = terminal.run("diff", plan, plan, "-o", plan / name)
        assert (refused.code, refused.sentence.split(":")[0]) == (Exit.ERROR, f"-o {plan / name}")
        assert (terminal.folder / plan / name).read_bytes() == before


def test_diff_tells_what_a_pool_has_become(served: Served, terminal: Terminal, plan: Path) -> None:
    """Against snapshot and live pool: nothing has changed; then a host is disabled."""
    for source in (served.snapshot, served.url):
        assert terminal.run("diff", plan, source, "--json").json() == {"same": True, "differences": []}
    step = served.plan.steps[0]
    with served.changed("host", step.target, enabled=False):
        ended = terminal.run("diff", plan, served.url, "--json", "--detailed-exitcode")
    assert ended.code == Exit.HAS_STEPS
    told = ended.json()["differences"]
    assert {"kind": "drift", "sign": "~", "host": "", "words": f"host {step.target_name} is disabled"} in told


def test_verify_accepts_the_plan(served: Served, terminal: Terminal, plan: Path) -> None:
    """Against the snapshot and against the live pool, without a word on standard error."""
    for source in (served.snapshot, served.url):
        ended = terminal.run("verify", plan, source)
        assert (ended.code, ended.err) == (Exit.DONE, "")
        assert ended.out.startswith(f"accepted: all {len(served.plan.steps)} steps")
    told = terminal.run("verify", plan, served.snapshot, "--json").json()
    nothing: dict[str, list[str]] = {"findings": [], "differences": [], "made": [], "waits": []}
    assert told.pop("manifest").startswith("sha256:")
    assert told == {"plan": served.plan.digest, "accepted": True, "done": False, **nothing}


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
    """In JSON, a refused plan comes with kind, step, state, rule and words; the code is 4."""
    with served.changed("host", served.plan.steps[0].target, enabled=False):
        ended = terminal.run("verify", plan, served.url, "--json")
    assert ended.code == Exit.STALE
    assert ended.json()["accepted"] is False
    (finding, *_) = ended.json()["findings"]
    assert list(finding) == ["kind", "step", "state", "rule", "words"]
    assert ("illegal", "target-enabled") in {(each["kind"], each["rule"]) for each in ended.json()["findings"]}


def test_policy_check_with_and_without_a_pool(served: Served, terminal: Terminal) -> None:
    """A good policy is called well-formed, with a pool every name is known, and programs get the whole policy."""
    policy = terminal.write("p.toml", 'name = "mine"\nintent.read_tags = false\n')
    assert terminal.run("policy", "check", policy).out == f"{policy}: policy 'mine', mode balance, is well-formed.\n"
    assert "Every name is known" in terminal.run("policy", "check", policy, served.snapshot).out
    told = terminal.run("policy", "check", policy, served.snapshot, "--json").json()
    assert (told["policy"]["name"], told["findings"]) == ("mine", [])


def test_policy_init_writes_what_can_be_used_at_once(served: Served, terminal: Terminal) -> None:
    """The file fits any pool, says the same as standard output does without a file, and is never written over."""
    ended = terminal.run("policy", "init", "mine.toml")
    assert ended.out == "mine.toml: written. After your changes: rebalancer policy check mine.toml SOURCE\n"
    written = (terminal.folder / "mine.toml").read_text(encoding="utf-8")
    assert terminal.run("policy", "init").out == written
    assert "is well-formed" in terminal.run("policy", "check", "mine.toml", served.snapshot).out
    terminal.write("mine.toml", "mine")
    again = terminal.run("policy", "init", "mine.toml")
    assert (again.code, again.sentence) == (1, "mine.toml: it exists, and is left as it is. Name another file.")
    assert (terminal.folder / "mine.toml").read_text(encoding="utf-8") == "mine"
    assert "it cannot be written" in terminal.run("policy", "init", "no/mine.toml").sentence


def test_systemd_prints_units(terminal: Terminal) -> None:
    """All, each below its name, or the one that is named."""
    service, timer = (terminal.run("systemd", unit).out for unit in ("service", "timer"))
    assert service.startswith("# rebalancer-nightly.service\n[Unit]\n")
    assert timer.startswith("# rebalancer-nightly.timer\n[Unit]\n")
    failed = terminal.run("systemd", "failed").out
    assert terminal.run("systemd").out == f"{service}\n{timer}\n{failed}"


def test_monitor_prints_what_ships(terminal: Terminal) -> None:
    """Alert rules and dashboard, to the letter."""
    for which, name in (("alerts", "rebalancer-alerts.yml"), ("dashboard", "rebalancer-dashboard.json")):
        shipped = (ROOT / "rebalancer" / "nightly" / name).read_text(encoding="utf-8")
        assert terminal.run("monitor", which).out == shipped


def test_policy_check_tells_what_is_in_vain(served: Served, terminal: Terminal) -> None:
    """What a pool cannot give is listed, and no error."""
    policy = terminal.write("p.toml", 'mode = "evacuate"\n')
    ended = terminal.run("policy", "check", policy, served.snapshot)
    assert ended.code == Exit.DONE
    assert "- mode: evacuate, but empty names no host" in ended.out
    closed = terminal.write("closed.toml", '[[blackout]]\nstart = "00:00"\nend = "00:00"\n')
    assert "- blackout: no change window ever opens" in terminal.run("policy", "check", closed).out
    keys = terminal.write("keys.toml", '[pool]\ncredentials_file = "keys"\nca_file = "keys.toml"\n')
    (terminal.folder / "keys").unlink(missing_ok=True)
    told = terminal.run("policy", "check", keys).out
    assert f"- pool.credentials_file: there is no file {keys.parent / 'keys'} here" in told
    assert "pool.ca_file" not in told
    terminal.write("keys", "")
    assert "there is no file" not in terminal.run("policy", "check", keys).out


@pytest.mark.parametrize("section", ['[history]\nurl = "postgresql://db/nights"\n', '[notify]\nto = ["OPS"]\n'])
def test_policy_check_looks_for_every_file_of_credentials(terminal: Terminal, section: str) -> None:
    """Those of the history and of whoever is told are named where they are not there."""
    policy = terminal.write("named.toml", f'{section}credentials_file = "absent"\n')
    ended = terminal.run("policy", "check", policy)
    assert ended.code == Exit.DONE
    assert f".credentials_file: there is no file {policy.parent / 'absent'} here" in ended.out


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
    again = terminal.run("demo", "-o", "demo")
    assert again.code == Exit.ERROR
    assert "demo: the folder is not empty. Name a new folder" in again.err
