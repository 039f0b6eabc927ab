"""A run as another terminal shows it."""

from __future__ import annotations

import json
import shlex
import subprocess

from rebalancer.cli.exits import Exit
from tests.cli.process.processes import MIGRATE, Ground, ended
from tests.cli.terminal import QUICK

STILL = 0.01


def shown(ground: Ground, *words: object) -> str:
    """What `rebalancer status` prints."""
    with ground.running("status", *words) as process:
        code, out, err = ended(process)
    assert (code, err) == (Exit.DONE, "")
    return out


def test_a_run_is_shown_while_it_lasts_and_after_it_was_killed(ground: Ground) -> None:
    """With no pool at hand: first who runs it and how far it is, then that it was killed; what is said to do works."""
    ground.simulator.world.speed = STILL
    with ground.running(*ground.apply) as process:
        ground.wait_for(process, lambda: "sent" in ground.events())
        calls = len(ground.calls)
        told = json.loads(shown(ground, "--json"))["runs"][0]
        out = shown(ground)
        assert len([each for each in ground.calls[calls:] if each.startswith("session.login")]) == 0
        process.kill()
        process.wait()
    assert (told["state"], told["process"], told["locked"]) == ("running", str(process.pid), True)
    assert told["folder"] == str(ground.folder / "tonight")
    assert {step["stage"] for step in told["steps"]} >= {"under way"}
    assert "done in" not in out  # nothing is done yet, and what is left has its time to go
    assert f"Pool {ground.plan.made_from.pool_name}: {ground.folder / 'tonight'}" in out
    assert f"(process {process.pid})" in " ".join(out.split())
    killed = shown(ground, "tonight")
    assert "killed: it ran since" in killed
    assert "unsettled" in killed
    way = " ".join(killed.partition("to resume: ")[2].partition("\n\n")[0].split())
    folder, _, command = way.partition(" && ")
    assert folder == f"cd {ground.folder}"
    ground.simulator.world.speed = 500.0
    with ground.running(*shlex.split(command)[1:]) as process:
        assert ended(process)[0] == Exit.DONE
    assert "all steps are done" in " ".join(shown(ground).split())


def test_a_night_is_shown(ground: Ground) -> None:
    """By the state folder alone; while it still plans, that somebody holds the lock."""
    policy = ground.folder / "night.toml"
    policy.write_text(f'{QUICK}[pool]\nurl = "{ground.simulator.url}"\n', encoding="utf-8")
    gate = ground.hold(MIGRATE)
    first = "import rebalancer.planner.rebalance as r; solve = r.solve\n"
    first += "r.solve = lambda *a, **k: (Path('paused').touch(), sys.stdin.read(1), solve(*a, **k))[2]"
    with ground.running("nightly", policy, "--execute", first=first, stdin=subprocess.PIPE) as process:
        ground.wait_for(process, (ground.folder / "paused").exists)
        planning = shown(ground)
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
        ground.wait_for(process, gate.reached.is_set)
        told = json.loads(shown(ground, "--json"))["runs"][0]
        gate.opened.set()
        assert ended(process)[0] == Exit.DONE
    assert "a night plans" in planning
    assert (told["state"], "/plans/" in told["folder"]) == ("running", True)
    assert told["resume"] == ""
    assert json.loads(shown(ground, "--json"))["runs"][0]["state"] == "ended"


def test_a_state_folder_without_runs_says_so(ground: Ground) -> None:
    """It is named, and it is no error."""
    there = ground.folder / "state" / "rebalancer"
    assert shown(ground) == f"no run is under way: there is no folder {there}\n"
    there.mkdir(parents=True, mode=0o700)
    assert shown(ground) == f"no run is under way: {there} knows none\n"
    assert json.loads(shown(ground, "--json")) == {"runs": []}
    assert shown(ground, "--state-dir", "stat") == "no run is under way: there is no folder stat\n"
