"""Plans that may not be carried out, metrics that cannot be planned on, and runs that come too early: nothing moves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import plan_json
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.door import Door, Wrong, first_vm, said_one_sentence, snapshot_text
from tests.cli.terminal import PASSWORD, USER, as_process, is_one_sentence

PLANS: dict[str, Wrong] = {
    "no plan": Wrong(typed=lambda _: ["none"], said=("none", "no such file", "Name a plan folder")),
    "no plan in the folder": Wrong(typed=lambda _: ["."], said=("plan.json", "no such file", "Name a plan folder")),
    "a snapshot": Wrong(typed=lambda door: [door.served.snapshot], said=("pool.json.gz", "no plan", "Name a plan")),
    "truncated": Wrong(
        typed=lambda door: [door.write("p.json", plan_json(door.served.plan)[:3000])],
        said=("p.json", "truncated", "Copy it again"),
    ),
    "empty": Wrong(typed=lambda door: [door.write("p.json", "")], said=("p.json", "truncated")),
    "newer": Wrong(
        typed=lambda door: [door.write("p.json", plan_json(door.served.plan).replace("plan/1", "plan/9", 1))],
        said=("p.json", "rebalancer-plan/9", "Update rebalancer"),
    ),
    "edited": Wrong(
        typed=lambda door: [door.write("p.json", plan_json(door.served.plan).replace(first_vm(door), "other"))],
        said=("p.json", "edited", "digest", "Take the plan as it was written"),
        code=Exit.STALE,
    ),
}


@pytest.mark.parametrize("command", ["show", "verify", "apply"])
@pytest.mark.parametrize("wrong", PLANS.values(), ids=PLANS)
def test_a_plan_file_that_cannot_be_used(door: Door, wrong: Wrong, command: str) -> None:
    """What is no plan, or not the one that was written, is refused before anybody logs in."""
    url = [] if command == "show" else [door.served.url]
    assert said_one_sentence(door, replace(wrong, typed=lambda d: [command, *wrong.typed(d), *url]))
    assert door.served.calls == []


def test_a_plan_that_was_edited_and_sealed_again(door: Door) -> None:
    """A plan with a new digest and a step the wrong way round is found illegal, by `verify` and by `apply`."""

    def turned(plan: Plan) -> Plan:
        step = plan.steps[0]
        back = replace(
            step, source=step.target, source_name=step.target_name, target=step.source, target_name=step.source_name
        )
        return replace(plan, steps=(back, *plan.steps[1:]))

    edited = door.edited(turned)
    verified = door.terminal.run("verify", edited, door.served.url)
    applied = door.terminal.run("apply", edited, door.served.url)
    assert (verified.code, applied.code) == (Exit.STALE, Exit.STALE)
    for said in (verified.out, applied.sentence):
        assert door.served.plan.steps[0].vm_name in said
    for ended in (verified, applied):
        assert ended.sentence.rstrip(".").endswith("Make a new plan")
    assert "[placement]" in verified.out


def test_another_pool_of_the_same_name_is_told_apart(door: Door) -> None:
    """By its uuid: `simulated` is not `simulated`."""
    elsewhere = "5e1d0000-0000-4000-8000-000000000000"
    with Simulator(POOL, user=USER, password=PASSWORD, login_delay=0.0) as other:
        (ref,) = other.database.all("pool")
        other.database.change("pool", ref, uuid=elsewhere)
        verified = door.terminal.run("verify", door.plan, other.url, "--no-metrics")
        compared = door.terminal.run("diff", door.plan, other.url)
    for said in (verified.out, compared.out):
        assert f"another one of that name ({elsewhere})" in said


def test_a_plan_that_has_expired(door: Door) -> None:
    """The time by which it had to begin is named."""
    old = datetime.now(UTC) - timedelta(days=3)
    edited = door.edited(lambda plan: replace(plan, made_at=old, expires_at=old + timedelta(hours=24)))
    ended = door.terminal.run("apply", edited, door.served.url)
    assert ended.code == Exit.STALE
    assert is_one_sentence(ended, "stale plan", "expired at", "Make a new plan.")


def test_a_plan_of_another_pool(door: Door) -> None:
    """Both pools are named."""
    with Simulator(POOL, user=USER, password=PASSWORD, login_delay=0.0) as other:
        (ref,) = other.database.all("pool")
        other.database.change("pool", ref, uuid="5e1d0000-0000-4000-8000-000000000000", name_label="elsewhere")
        applied = door.terminal.run("apply", door.plan, other.url)
        verified = door.terminal.run("verify", door.plan, other.url, "--no-metrics")
    assert (applied.code, verified.code) == (Exit.STALE, Exit.STALE)
    assert is_one_sentence(applied, door.served.plan.made_from.pool_name, "elsewhere", "Make a new plan.")
    assert "elsewhere" in verified.out
    named = "the plan is for pool simulated: 1 finding. Name what it was made for, or make a new plan"
    assert verified.err == f"rebalancer: {named}\n"


@contextmanager
def vm_moved(door: Door) -> Iterator[None]:
    """Somebody moved the first VM of the plan to a third host."""
    step = door.served.plan.steps[0]
    database = door.served.simulator.database
    (third,) = [ref for ref, each in database.items("host") if each["uuid"] not in {step.source, step.target}]
    with door.served.changed("VM", step.vm, resident_on=third):
        yield


@contextmanager
def host_disabled(door: Door) -> Iterator[None]:
    """The target of the first step takes no VMs any more."""
    with door.served.changed("host", door.served.plan.steps[0].target, enabled=False):
        yield


@contextmanager
def vm_halted(door: Door) -> Iterator[None]:
    """The first VM of the plan was shut down."""
    step = door.served.plan.steps[0]
    with door.served.changed("VM", step.vm, power_state="Halted", resident_on="OpaqueRef:NULL"):
        yield


@pytest.mark.parametrize("happened", [vm_moved, host_disabled, vm_halted], ids=lambda each: each.__name__)
def test_a_pool_that_has_changed(door: Door, happened: Callable[[Door], AbstractContextManager[None]]) -> None:
    """What changed is named, and the first step is not made."""
    with happened(door):
        applied = door.terminal.run("apply", door.plan, door.served.url)
        verified = door.terminal.run("verify", door.plan, door.served.url, "--no-metrics")
    assert (applied.code, verified.code) == (Exit.STALE, Exit.STALE)
    step = door.served.plan.steps[0]
    assert {step.vm_name, step.target_name} & set(applied.sentence.replace(":", " ").split())
    assert is_one_sentence(applied, "stale plan", "Make a new plan.")


@pytest.fixture(params=["rrd-error", "rrd-unknown"])
def unmeasured(request: pytest.FixtureRequest, door: Door) -> Iterator[Door]:
    """A pool in which all hosts but one answer no RRD request, or none knows a number."""
    kind = str(request.param)
    for host in [*door.served.simulator.urls][1:] if kind == "rrd-error" else [None]:
        door.served.simulator.faults.add(kind, host=host, times=-1)
    yield door
    door.served.simulator.faults.clear()


@pytest.mark.parametrize("command", [["plan"], ["snapshot", "-o", "pool.json"]], ids=["plan", "snapshot"])
def test_metrics_that_are_not_good_enough(unmeasured: Door, command: list[str]) -> None:
    """Balance cannot be planned without metrics: the host is named, and what can be done without."""
    ended = unmeasured.terminal.run(*command, unmeasured.served.url)
    assert ended.code == Exit.METRICS_REFUSED
    assert ended.sentence.startswith("metrics refused: ")
    assert "repair" in ended.sentence
    assert not ended.out
    assert not (unmeasured.terminal.folder / "pool.json").exists()


def test_repair_and_evacuation_do_without_metrics(unmeasured: Door) -> None:
    """They are planned all the same, by `plan` and by `nightly`, and the log tells what was refused."""
    host = unmeasured.served.plan.hosts[-1].name
    repair = unmeasured.write("repair.toml", f'mode = "repair"\n[pool]\nurl = "{unmeasured.served.url}"\n')
    evacuate = unmeasured.write("evacuate.toml", f'mode = "evacuate"\nempty = ["{host}"]\n')
    mended = unmeasured.terminal.run("plan", unmeasured.served.url, "-p", repair, "--json")
    emptied = unmeasured.terminal.run("plan", unmeasured.served.url, "-p", evacuate, "--json")
    night = unmeasured.terminal.run("nightly", repair, "--json")
    assert [each.code for each in (mended, emptied, night)] == [Exit.DONE] * 3
    assert all("without metrics: metrics refused: " in each.err for each in (mended, emptied, night))
    assert {step["source_name"] for step in emptied.json()["steps"]} == {host}
    assert "metrics refused" in night.json()["refused"]


HOLD = """
import sys
from pathlib import Path
from rebalancer.execute import pool_lock
with pool_lock(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_runs_at_once(door: Door) -> None:
    """While another process holds the lock of the pool, `apply` waits for nothing and sends nothing."""
    state = door.terminal.folder / "state"
    words = [sys.executable, "-c", HOLD, door.served.plan.made_from.pool, str(state)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        ended = door.terminal.run("apply", door.plan, door.served.url, "--state-dir", state)
        assert holder.stdin
        holder.stdin.close()
    assert ended.code == Exit.ERROR
    assert is_one_sentence(ended, "another run", str(state), "Wait")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "none.json"], Exit.ERROR, "none.json: there is no such file"),
        (["verify", "plan", "nodemand.json"], Exit.STALE, "the plan is not legal"),
        (["plan", "nodemand.json"], Exit.METRICS_REFUSED, "there are no metrics"),
        (["plan", "pool.json", "-p", "impossible.toml"], Exit.INFEASIBLE, "no placement satisfies"),
    ],
    ids=["error", "stale", "metrics", "infeasible"],
)
def test_the_process_ends_with_the_code(door: Door, words: list[str], code: Exit, said: str) -> None:
    """The exit code of the process is the documented one, with one line on standard error."""
    document = json.loads(snapshot_text(door))
    door.write("pool.json", json.dumps(document))
    door.write("nodemand.json", json.dumps(document | {"demand": None}))
    names = [row.name for row in door.served.plan.hosts]
    door.write("impossible.toml", f'mode = "evacuate"\nempty = {json.dumps(names[:-1])}\nintent.read_tags = false\n')
    edited = door.edited(lambda plan: replace(plan, steps=plan.steps[1:]))
    (door.terminal.folder / "plan").mkdir(exist_ok=True)
    edited.rename(door.terminal.folder / "plan" / "plan.json")
    done = as_process(*words, cwd=door.terminal.folder)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert done.stderr.count("\n") == 1
