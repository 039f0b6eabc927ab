"""A signal at any moment ends a command with a documented code and a sentence, and loses nothing."""

from __future__ import annotations

import json
import re
from signal import SIG_IGN as IGNORE
from signal import SIGHUP, SIGINT, SIGPIPE, SIGTERM, Signals, signal

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import FILES
from tests.cli.process.processes import MIGRATE, Ground, ended, hear_out, send
from tests.cli.terminal import QUICK

ENDING = [SIGINT, SIGTERM, SIGHUP]
INTERRUPTED = "rebalancer: interrupted"
ONCE = "nothing more is started, and what runs is finished"
TWICE = "cancelling what runs"
AT_REST = "nothing is under way, so the run ends"
STILL = 0.01
"""The speed of a simulator in which no migration ends while a test looks."""


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("apply", "session.login_with_password"),
        ("plan", "session.login_with_password"),
        ("plan", "VM.get_all_records"),
        ("nightly", "session.login_with_password"),
        ("nightly", "VM.get_all_records"),
    ],
)
def test_before_a_run_it_ends_the_command(ground: Ground, number: Signals, method: str, command: str) -> None:
    """While it logs in or reads, nothing was sent: code 1 and a word; of `apply`, the first look is part of the run."""
    policy = ground.folder / "night.toml"
    policy.write_text(f'{QUICK}[pool]\nurl = "{ground.simulator.url}"\n', encoding="utf-8")
    words: dict[str, list[object]] = {
        "apply": ground.apply,
        "plan": ["plan", ground.simulator.url],
        "nightly": ["nightly", policy, "--execute"],
    }
    gate = ground.hold(method)
    with ground.running(*words[command]) as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, number)
        code, out, err = ended(process)
    assert (code, out, err.splitlines()[-1]) == (Exit.ERROR, "", INTERRUPTED)
    assert (ground.sent, ground.events()) == (0, [])


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
@pytest.mark.parametrize("command", ["plan", "nightly"])
def test_while_it_plans_it_ends_the_command(ground: Ground, number: Signals, command: str) -> None:
    """The solver is interrupted: code 1, and no plan is left."""
    policy = ground.folder / "night.toml"
    policy.write_text(f'{QUICK}[pool]\nurl = "{ground.simulator.url}"\n', encoding="utf-8")
    words: dict[str, list[object]] = {
        "plan": ["plan", ground.simulator.url, "-o", "new"],
        "nightly": ["nightly", policy, "--execute", "--metrics-file", "night.prom"],
    }
    first = "import rebalancer.planner.rebalance as r; r.solve = lambda *_, **__: pause()"
    with ground.running(*words[command], first=first) as process:
        ground.wait_for(process, (ground.folder / "paused").exists)
        send(process, number)
        code, _, err = ended(process)
    assert (code, err.splitlines()[-1]) == (Exit.ERROR, INTERRUPTED)
    assert not list(ground.folder.rglob("plan.json"))
    if command == "nightly":
        metrics = (ground.folder / "night.prom").read_text(encoding="utf-8")
        assert re.search(r'^rebalancer_nightly_exit_code\{.*policy="night.toml".*\} 1.0$', metrics, re.MULTILINE)
        assert 'verdict="keyboard_interrupt"' in metrics


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_at_the_first_look_a_run_stops_in_order(ground: Ground, number: Signals) -> None:
    """Nothing is sent, the journal ends, and the ways on are told."""
    gate = ground.hold("VM.get_all_records")
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, number)
        hear_out(process, AT_REST)
        gate.opened.set()
        code, _, err = ended(process)
    assert code == Exit.STOPPED
    assert "stopped: it was asked to stop\n  steps done: 0" in err
    assert "to resume: rebalancer apply tonight" in err
    assert (ground.sent, ground.events()) == (0, ["run-began", "run-ended"])


@pytest.mark.parametrize("numbers", [[SIGINT], [SIGTERM], [SIGINT, SIGTERM]], ids=str)
def test_between_intended_and_sent_no_line_is_lost(ground: Ground, numbers: list[Signals]) -> None:
    """The call is on its way: its answer is awaited and written down, and its VM is looked at."""
    gate = ground.hold(MIGRATE)
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, gate.reached.is_set)
        assert ground.events()[-1] == "intended"
        for number, words in zip(numbers, (ONCE, TWICE), strict=False):
            send(process, number)
            hear_out(process, words)
        gate.opened.set()
        code, _, err = ended(process)
    assert (code, ground.sent) == (Exit.STOPPED, 1)
    assert "asked to stop" in err or "was to be cancelled" in err or "ask" in err
    assert ground.events() == ["run-began", "intended", "sent", "looked", "run-ended"]
    assert ground.looked()[0] in {"moved", "stayed"}


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_during_a_read_that_hangs_it_is_heard_at_once(ground: Ground, number: Signals) -> None:
    """While the task is asked for, the words come at once, and the run ends once the pool has answered."""
    gate = ground.hold("task.get_record")
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, number)
        hear_out(process, ONCE)
        gate.opened.set()
        code, _, err = ended(process)
    assert (code, ground.looked()) == (Exit.STOPPED, ["moved"] * ground.sent)
    assert "stopped: it was asked to stop" in err


@pytest.mark.parametrize("numbers", [[SIGINT], [SIGTERM], [SIGINT, SIGINT]], ids=str)
def test_while_it_waits_for_a_migration(ground: Ground, numbers: list[Signals]) -> None:
    """Once lets it end, twice cancels it; both are code 5, and the journal knows where each VM is."""
    ground.simulator.world.speed = STILL
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, lambda: "sent" in ground.events())
        for number, words in zip(numbers, (ONCE, TWICE), strict=False):
            send(process, number)
            hear_out(process, words)
        if len(numbers) == 1:
            ground.simulator.world.speed = 500.0
        code, _, err = ended(process)
    assert code == Exit.STOPPED
    assert "rebalancer: stopped: " in err
    assert set(ground.looked()) == {"moved" if len(numbers) == 1 else "stayed"}
    assert ground.events()[-1] == "run-ended"


@pytest.mark.parametrize("number", [SIGHUP, SIGPIPE])
def test_a_run_goes_on_without_its_terminal(ground: Ground, number: Signals) -> None:
    """Neither SIGHUP nor SIGPIPE stops it: code 0, and all is written down."""
    gate = ground.hold(MIGRATE)
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, number)
        gate.opened.set()
        code, out, _ = ended(process)
    assert (code, ground.looked()) == (Exit.DONE, ["moved"] * len(ground.plan.steps))
    assert out.endswith("all steps are done\n")


@pytest.mark.parametrize("number", ENDING)
def test_what_is_ignored_at_the_start_stays_ignored(ground: Ground, number: Signals) -> None:
    """As `nohup` has it for SIGHUP, and a shell for SIGINT of what it runs in the background: from the login on."""
    gates = ground.hold("session.login_with_password"), ground.hold(MIGRATE)
    with ground.running(*ground.apply, preexec_fn=lambda: signal(number, IGNORE)) as process:
        for gate in gates:
            ground.wait_for(process, gate.reached.is_set)
            send(process, number)
            gate.opened.set()
        code, _, err = ended(process)
    assert (code, ground.sent) == (Exit.DONE, len(ground.plan.steps)), err


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_after_the_last_step_the_code_is_known(ground: Ground, number: Signals) -> None:
    """While it logs out, no signal makes a run that is complete look like one that sent nothing."""
    gate = ground.hold("session.logout")
    with ground.running(*ground.apply, "--json") as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, number)
        hear_out(process, AT_REST)
        gate.opened.set()
        code, out, _ = ended(process)
    assert (code, json.loads(out)["ending"]) == (Exit.DONE, "complete")


def test_in_a_night_a_run_stops_in_order(ground: Ground) -> None:
    """Once steps are on their way, the first signal starts nothing more: code 5, and how to go on."""
    policy = ground.folder / "night.toml"
    policy.write_text(f'{QUICK}[pool]\nurl = "{ground.simulator.url}"\n', encoding="utf-8")
    gate = ground.hold(MIGRATE)
    with ground.running("nightly", policy, "--execute") as process:
        ground.wait_for(process, gate.reached.is_set)
        send(process, SIGTERM)
        hear_out(process, ONCE)
        gate.opened.set()
        code, _, err = ended(process)
    assert (code, ground.sent) == (Exit.STOPPED, 1)
    assert "to resume: rebalancer apply " in err


WRITING = {
    "a file": "import rebalancer.files.writing as w; w.os.fsync = lambda *_: pause()",
    "the exchange": """
import rebalancer.export.folder as f
rename = Path.rename
def slow(self, target):
    rename(self, target)
    if target.name == "old":
        import os
        Path("paused").touch()
        os.read(0, 1)
Path.rename = slow
""",
}


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("when", WRITING)
def test_no_plan_is_half_written(ground: Ground, number: Signals, when: str) -> None:
    """In the middle of a file the old plan stays; in the middle of the exchange of folders the new one comes."""
    ground.apply  # noqa: B018 - writes the old plan
    before = (ground.folder / "tonight" / "plan.json").read_bytes()
    words = ["plan", ground.simulator.url, "-o", "tonight"]
    with ground.running(*words, first=WRITING[when], stdin=-1) as process:
        ground.wait_for(process, (ground.folder / "paused").exists)
        send(process, number)
        if when == "the exchange":
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        code, _, err = ended(process)
    assert (code, err.splitlines()[-1]) == (Exit.ERROR, INTERRUPTED)
    assert sorted(each.name for each in (ground.folder / "tonight").iterdir()) == sorted(FILES)
    assert not list(ground.folder.glob(".*"))
    after = (ground.folder / "tonight" / "plan.json").read_bytes()
    assert (after == before) is (when == "a file")


def test_an_unforeseen_error_after_a_call_needs_people(ground: Ground) -> None:
    """Code 5, the journal and the ways on, because 1 says that nothing was sent; before the first call it is 1."""
    first = "from rebalancer.execute.run.watch import Watch\ndef fail(*_):\n raise ValueError('odd')\n"
    with ground.running(*ground.apply, first=f"{first}Watch.task_end = fail") as process:
        code, _, err = ended(process)
    assert (code, ground.sent) == (Exit.STOPPED, 1)
    assert "stopped: unforeseen ValueError: odd\n  steps done: 0" in err
    assert str(ground.journal) in err
    assert "to roll back: rebalancer rollback tonight" in err
    assert ground.events()[-1] == "run-ended"
    ground.journal.unlink()
    with ground.running(*ground.apply, first=f"{first}Watch.look = fail") as process:
        code, _, err = ended(process)
    assert (code, ground.sent, "unforeseen ValueError: odd" in err) == (Exit.ERROR, 1, True)
