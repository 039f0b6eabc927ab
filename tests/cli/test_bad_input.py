"""Whatever is wrong ends in one sentence and the documented exit code, and nothing moves."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import plan_json, write_plan
from rebalancer.plan import Plan, digest_of
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, USER, Served, Terminal, as_process, is_one_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A terminal beside a pool that is served, with its snapshot and plan at hand."""

    terminal: Terminal
    served: Served

    @property
    def plan(self) -> Path:
        """A folder with the plan."""
        write_plan(self.served.plan, self.terminal.folder / "plan")
        return self.terminal.folder / "plan"

    def write(self, name: str, text: str | bytes) -> Path:
        """A file beside the person."""
        return self.terminal.write(name, text)

    def edited(self, change: Callable[[Plan], Plan]) -> Path:
        """A plan that was changed and sealed again."""
        made = change(self.served.plan)
        return self.write("edited.json", plan_json(replace(made, digest=digest_of(made))))


@pytest.fixture
def door(terminal: Terminal, served: Served) -> Iterator[Door]:
    """A door; whatever is tried at it, nothing may have moved afterwards."""
    served.calls.clear()
    yield Door(terminal=terminal, served=served)
    assert served.changes == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is typed, and what is said: every part of it stands in the sentence."""

    typed: Callable[[Door], list[object]]
    said: tuple[str, ...]
    code: Exit = Exit.ERROR
    environment: tuple[tuple[str, str | None], ...] = ()


def snapshot_text(door: Door) -> str:
    """The snapshot as JSON."""
    return gzip.decompress(door.served.snapshot.read_bytes()).decode()


def open_file(door: Door) -> Path:
    """A credentials file that others can read."""
    path = door.write("key", f"{USER}\n{PASSWORD}\n")
    path.chmod(0o644)
    return path


CONNECTIONS = {
    "nothing listens": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9"], said=("https://127.0.0.1:9", "nothing listens", "Check")
    ),
    "unknown name": Wrong(typed=lambda _: ["check", "https://nowhere.invalid"], said=("nowhere.invalid", "Check")),
    "no scheme": Wrong(
        typed=lambda _: ["check", "xen01.example.org"], said=("xen01.example.org", "no such file", "https://xen01")
    ),
    "other scheme": Wrong(typed=lambda _: ["check", "ssh://xen01"], said=("ssh://xen01", "Write https://")),
    "plain http to another machine": Wrong(
        typed=lambda _: ["check", "http://192.0.2.1"], said=("http://192.0.2.1", "in the clear", "Use https://")
    ),
    "password in the URL": Wrong(
        typed=lambda _: ["check", "https://root:geheim@192.0.2.1"], said=("192.0.2.1", "must not hold", "Put them")
    ),
    "path in the URL": Wrong(typed=lambda _: ["check", "https://192.0.2.1/RPC2"], said=("more than host", "Write")),
    "port that is none": Wrong(typed=lambda _: ["check", "https://192.0.2.1:x"], said=("not a URL", "Write")),
    "apply to a file": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.snapshot], said=("not the URL of a pool", "Write https")
    ),
    "login refused": Wrong(
        typed=lambda door: ["check", door.served.url],
        environment=(("REBALANCER_PASSWORD", "wrong"),),
        said=("127.0.1.1", "user root", "refused", "Check"),
    ),
    "no password": Wrong(
        typed=lambda door: ["check", door.served.url],
        environment=(("REBALANCER_PASSWORD", None),),
        said=("REBALANCER_PASSWORD is not set", "Set REBALANCER_USER"),
    ),
    "no user": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url],
        environment=(("REBALANCER_USER", ""),),
        said=("REBALANCER_USER is not set",),
    ),
    "credentials that others can read": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", open_file(door)],
        said=("key", "others may read", "chmod 600"),
    ),
    "no credentials file": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", "none"], said=("none", "cannot be read")
    ),
    "credentials folder": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", "."], said=(".", "Is a directory")
    ),
    "fingerprint that is none": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9", "--fingerprint", "abc"], said=("'abc'", "openssl x509")
    ),
    "no CA file": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9", "--ca-file", "none.pem"], said=("none.pem", "Name a PEM file")
    ),
    "CA file that is none": Wrong(
        typed=lambda door: ["check", "https://127.0.0.1:9", "--ca-file", door.write("ca.pem", "x")],
        said=("ca.pem", "Name a PEM file"),
    ),
}

FILES = {
    "no file": Wrong(typed=lambda _: ["check", "none.json"], said=("none.json", "no such file", "Name a snapshot")),
    "a folder": Wrong(typed=lambda _: ["check", "."], said=(".", "it is a folder", "Name a snapshot")),
    "truncated": Wrong(
        typed=lambda door: ["check", door.write("t.json", snapshot_text(door)[:5000])],
        said=("t.json", "not whole JSON", "Take a new one"),
    ),
    "truncated gzip": Wrong(
        typed=lambda door: ["plan", door.write("t.json.gz", door.served.snapshot.read_bytes()[:2000])],
        said=("t.json.gz", "not a whole gzip file", "Take a new one"),
    ),
    "no gzip": Wrong(typed=lambda door: ["check", door.write("t.json.gz", "{}")], said=("t.json.gz", "gzip")),
    "foreign": Wrong(
        typed=lambda door: ["check", door.write("f.json", '{"a": 1}')], said=("f.json", "not a snapshot", "Take")
    ),
    "another format": Wrong(
        typed=lambda door: ["check", door.plan / "plan.json"], said=("plan.json", "rebalancer-plan/1", "Take")
    ),
    "newer": Wrong(
        typed=lambda door: ["check", door.write("n.json", snapshot_text(door).replace("snapshot/1", "snapshot/2", 1))],
        said=("n.json", "rebalancer-snapshot/2", "newer rebalancer"),
    ),
    "edited": Wrong(
        typed=lambda door: ["check", door.write("e.json", snapshot_text(door).replace('"power_state"', '"power"', 1))],
        said=("e.json", "power_state", "Take a new one"),
    ),
    "XML of something else": Wrong(
        typed=lambda door: ["check", door.write("x.xml", "<html/>")], said=("x.xml", "<html>", "pool-dump-database")
    ),
    "truncated dump": Wrong(
        typed=lambda door: ["check", door.write("x.xml", "<database><table")], said=("x.xml", "only a part")
    ),
    "samples of nothing": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "--demand", door.write("d.csv", "a,b\n1,2\n")],
        said=("d.csv", "vm_uuid"),
    ),
    "no samples": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "--demand", "none.csv"], said=("none.csv", "Name")
    ),
    "unknown VM": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, "nobody"], said=("'nobody'", "no VM of the pool", "name")
    ),
    "VM that is nearly there": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, f"{first_vm(door)}x"], said=("Perhaps", "is meant")
    ),
    "unknown host": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, first_vm(door), "nowhere"], said=("host 'nowhere'", "name")
    ),
    "simulated pool that is none": Wrong(
        typed=lambda door: ["simulate", door.write("s.json", "{}"), "--port", 0], said=("s.json", "Name a file")
    ),
}


def first_vm(door: Door) -> str:
    """A name that the pool knows."""
    return door.served.plan.steps[0].vm_name


OUTPUTS = {
    "snapshot into a missing folder": Wrong(
        typed=lambda door: ["snapshot", door.served.url, "--no-metrics", "-o", "none/pool.json"],
        said=("none/pool.json", "cannot be written", "Choose a folder"),
    ),
    "snapshot onto a folder": Wrong(
        typed=lambda door: ["snapshot", door.served.url, "--no-metrics", "-o", "."], said=(".", "cannot be written")
    ),
    "plan into a folder with other files": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x").parent],
        said=("mine.txt", "other files", "Name a new folder"),
    ),
    "plan onto a file": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x")],
        said=("mine.txt", "it is a file", "Name a folder"),
    ),
    "plan below a file": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x") / "plan"],
        said=("mine.txt/plan", "cannot be written", "Name another folder"),
    ),
    "demo onto a file": Wrong(
        typed=lambda door: ["demo", "-o", door.write("mine.txt", "x")], said=("mine.txt", "folder")
    ),
    "journal that is a folder": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url, "--journal", "."],
        said=(".", "the journal cannot be used", "nothing is sent"),
    ),
    "state folder that is a file": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url, "--state-dir", door.write("state.txt", "x")],
        said=("state.txt", "cannot be used", "nothing is sent"),
    ),
}

POLICIES = {
    "unknown VM": ('[[apart]]\nname = "a"\nvms = ["nobody", "mail"]\n', ("apart 'a'", "no VM 'nobody'", "Correct")),
    "unknown host": ('empty = ["nowhere"]\nmode = "evacuate"\n', ("nowhere", "Correct")),
    "unknown key": ("colour = 1\n", ("policy.toml", "unknown key colour", "Known there")),
    "wrong value": ("[limits]\nmaximum_moves = -3\n", ("policy.toml", "limits.maximum_moves")),
    "bad TOML": ('name = "x\n', ("policy.toml", "line 1", "Correct that line")),
}


def said_one_sentence(door: Door, wrong: Wrong) -> bool:
    """Type it, and compare the code and the sentence."""
    ended = door.terminal.run(*wrong.typed(door), **dict(wrong.environment))
    assert (ended.code, ended.err.count("\n")) == (wrong.code, 1), ended
    assert "unforeseen" not in ended.err
    assert ended.sentence.endswith(".")
    assert is_one_sentence(ended, *wrong.said), ended
    return True


@pytest.mark.parametrize("wrong", CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_pool_that_cannot_be_entered(door: Door, wrong: Wrong) -> None:
    """Wrong URLs, credentials and trust settings are refused before or at the door."""
    assert said_one_sentence(door, wrong)


@pytest.mark.parametrize("wrong", FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_used(door: Door, wrong: Wrong) -> None:
    """Truncated, foreign and newer files, folders, and names that nobody has are told apart."""
    assert said_one_sentence(door, wrong)


@pytest.mark.parametrize("wrong", OUTPUTS.values(), ids=OUTPUTS)
def test_a_place_that_cannot_be_written(door: Door, wrong: Wrong) -> None:
    """Where nothing can be written, or somebody's files are, nothing is written."""
    before = sorted(door.terminal.folder.glob("mine*"))
    assert said_one_sentence(door, wrong)
    assert all(path.read_text(encoding="utf-8") == "x" for path in before)


@pytest.mark.parametrize(("text", "said"), POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_policy_that_cannot_be_used(door: Door, command: str, text: str, said: tuple[str, ...]) -> None:
    """Keys and names that are unknown, and text that is no TOML, are refused where they stand."""
    policy = door.write("policy.toml", text)
    assert said_one_sentence(door, Wrong(typed=lambda d: [command, d.served.snapshot, "-p", policy], said=said))


@pytest.mark.parametrize("policy", ["none.toml", "."])
def test_a_policy_that_is_not_there(door: Door, policy: str) -> None:
    """A missing policy is never the default policy; `nightly` says the same."""
    said = (policy, "cannot be read", "Name a policy file")
    assert said_one_sentence(door, Wrong(typed=lambda d: ["plan", d.served.snapshot, "-p", policy], said=said))
    assert said_one_sentence(door, Wrong(typed=lambda _: ["policy", "check", policy], said=said))
    assert said_one_sentence(door, Wrong(typed=lambda _: ["nightly", policy], said=said))


def test_a_nightly_policy_without_a_pool(door: Door) -> None:
    """It says which key is missing."""
    policy = door.write("policy.toml", 'name = "n"\n')
    assert said_one_sentence(door, Wrong(typed=lambda _: ["nightly", policy], said=("pool.url", "missing", "Say")))


PLANS: dict[str, Wrong] = {
    "no plan": Wrong(typed=lambda _: ["none"], said=("none", "no such file", "Name a plan folder")),
    "no plan in the folder": Wrong(typed=lambda _: ["."], said=("plan.json", "no such file", "Name a plan folder")),
    "a snapshot": Wrong(typed=lambda door: [door.served.snapshot], said=("pool.json.gz", "no plan", "Name")),
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
    for ended in (verified, applied):
        assert door.served.plan.steps[0].vm_name in ended.sentence
        assert ended.sentence.endswith("Make a new plan.")
    assert "[placement]" in verified.out


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
    assert "elsewhere" in verified.sentence


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


def test_the_certificate_of_somebody_else(door: Door) -> None:
    """An unknown certificate is refused, a wrong pin with the fingerprint that was shown, the right pin is taken."""
    with Simulator(POOL, user=USER, password=PASSWORD, tls=True, login_delay=0.0) as secured:
        url = secured.url
        unknown = door.terminal.run("check", secured.url)
        wrong = door.terminal.run("check", secured.url, "--fingerprint", "a" * 64)
        right = door.terminal.run("check", secured.url, "--fingerprint", secured.certificate_fingerprint, "--json")
    assert (unknown.code, wrong.code, right.code) == (Exit.ERROR, Exit.ERROR, Exit.DONE)
    assert is_one_sentence(unknown, url, "not trusted", "--fingerprint")
    assert is_one_sentence(wrong, url, str(secured.certificate_fingerprint), "Compare it")


def test_a_member_leads_to_the_coordinator(door: Door) -> None:
    """The URL of any host of the pool is as good as the coordinator's."""
    (member, *_) = [url for url in door.served.simulator.urls.values() if url != door.served.url]
    answers = [door.terminal.run("check", url, "--json") for url in (member, door.served.url)]
    assert [each.code for each in answers] == [Exit.DONE, Exit.DONE]
    assert answers[0].json() == answers[1].json()


@pytest.fixture(params=["rrd-error", "rrd-unknown"])
def unmeasured(request: pytest.FixtureRequest, door: Door) -> Iterator[Door]:
    """A pool in which a host answers no RRD request, or knows no number."""
    kind = str(request.param)
    host = next(iter(door.served.simulator.urls)) if kind == "rrd-error" else None
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


TYPED_WRONG = {
    "no such command": ["balance"],
    "no argument": ["check"],
    "one argument too many": ["check", "a", "b"],
    "no such option": ["check", "a", "--colour"],
    "snapshot without output": ["snapshot", "a"],
    "minutes that are none": ["apply", "a", "b", "--minutes", "nan"],
    "no minute": ["apply", "a", "b", "--minutes", "0"],
    "too many minutes": ["apply", "a", "b", "--minutes", "1000000000000"],
    "no such port": ["simulate", "demo", "--port", "65536"],
    "no speed": ["simulate", "demo", "--speed", "0"],
    "no such generation": ["simulate", "demo", "--rrd-generation", "7"],
}


@pytest.mark.parametrize("words", TYPED_WRONG.values(), ids=TYPED_WRONG)
def test_a_command_that_was_typed_wrong(terminal: Terminal, words: list[str]) -> None:
    """It ends with 1, never with 2, which means that a plan has steps; usage goes to the log."""
    ended = terminal.run(*words)
    assert (ended.code, ended.out) == (Exit.ERROR, "")
    assert "Error: " in ended.err
    assert "--help" in ended.err


def test_a_port_that_is_taken(door: Door) -> None:
    """The simulator says which."""
    port = door.served.url.rpartition(":")[2]
    assert said_one_sentence(
        door, Wrong(typed=lambda _: ["simulate", "demo", "--port", port], said=(f"--port {port}", "Name another port"))
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "none.json"], Exit.ERROR, "none.json: there is no such file"),
        (["verify", "plan", "nodemand.json"], Exit.STALE, "the plan is not legal"),
        (["plan", "nodemand.json"], Exit.METRICS_REFUSED, "metrics refused"),
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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(door: Door) -> None:
    """Permission is named, for snapshot, plan and policy alike."""
    for name in ("pool.json", "plan.json", "policy.toml"):
        door.write(name, "x").chmod(0)
    for words in (("check", "pool.json"), ("show", "plan.json"), ("policy", "check", "policy.toml")):
        assert is_one_sentence(door.terminal.run(*words), "Permission denied")
