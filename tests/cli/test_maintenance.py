"""Emptying hosts from the command line: one, or all in turn."""

from __future__ import annotations

import json

from rebalancer.cli.exits import Exit
from rebalancer.export import read_plan
from tests.cli.terminal import QUICK, Served, Terminal


def test_evacuate_writes_the_fix_and_home(served: Served, terminal: Terminal) -> None:
    """Two folders with plans; the second starts where the first ends; both are shown, and nothing moved."""
    name = next(
        row.name
        for row in served.plan.hosts
        if not terminal.run("evacuate", served.snapshot, row.name, "--json").json()["blocked"]
    )
    served.calls.clear()
    policy = terminal.write("quick.toml", QUICK)
    ended = terminal.run("evacuate", served.url, name, "-p", policy, "-o", "out")
    assert (ended.code, served.changes) == (Exit.DONE, [])
    away, home = read_plan(terminal.folder / "out"), read_plan(terminal.folder / "out-home")
    assert home.before == away.predicted
    assert next(row.after.vms for row in away.hosts if row.name == name) == ()
    assert ended.out.startswith(f"To empty {name}: ")
    assert all(step.vm_name in ended.out for step in (*away.steps, *home.steps))
    assert terminal.run("verify", "out", served.url).code == Exit.DONE


def test_evacuate_tells_who_cannot_leave(served: Served, terminal: Terminal) -> None:
    """Before the error, with rule, reason and fix; the code is 3, and nothing is written."""
    step = served.plan.steps[0]
    with served.changed("VM", step.vm, blocked_operations={"pool_migrate": "licence"}):
        ended = terminal.run("evacuate", served.url, step.source_name, "-o", "out")
        told = terminal.run("evacuate", served.url, step.source_name, "--json")
    assert (ended.code, told.code) == (Exit.INFEASIBLE, Exit.INFEASIBLE)
    for words in (step.vm_name, "op-not-blocked", "OPERATION_BLOCKED", "fix", "remove pool_migrate"):
        assert words in ended.out
    assert ended.sentence.startswith("nothing is planned: ")
    assert "cannot leave" in ended.sentence
    assert step.vm_name not in ended.sentence
    assert step.vm in {each["vm"] for each in told.json()["blocked"]}
    assert told.json()["plan"] is None
    (way,) = told.json()["ways_out"]
    words = f"remove pool_migrate from the VM's blocked_operations (VM {step.vm_name!r})"
    assert {"where": "vm", "words": words} in way["concessions"]
    for each in (words, f"{way['gib']:.1f} GiB"):
        assert each in ended.out
    assert not list(terminal.folder.glob("out*"))


def test_rolling_writes_a_folder_for_every_stage(served: Served, terminal: Terminal) -> None:
    """The first stage is a plan for the pool as it is; the index names all; a folder that is in use is refused."""
    name = next(
        row.name
        for row in served.plan.hosts
        if not terminal.run("evacuate", served.snapshot, row.name, "--json").json()["blocked"]
    )
    served.calls.clear()
    ended = terminal.run("rolling", served.url, name, "-o", "roll")
    assert (ended.code, served.changes) == (Exit.DONE, [])
    index = json.loads((terminal.folder / "roll" / "rolling.json").read_text(encoding="utf-8"))
    assert [each.partition("-")[2] for each in index["folders"]] == [f"empty-{name}", f"return-{name}"]
    assert all(folder in ended.out for folder in index["folders"])
    first, second = (read_plan(terminal.folder / "roll" / folder) for folder in index["folders"])
    assert (first.before, second.before) == (served.plan.before, first.predicted)
    assert terminal.run("verify", f"roll/{index['folders'][0]}", served.url).code == Exit.DONE
    assert "something already" in terminal.run("rolling", served.url, name, "-o", "roll").sentence


def test_rolling_tells_who_cannot_leave(served: Served, terminal: Terminal) -> None:
    """And writes nothing."""
    step = served.plan.steps[0]
    with served.changed("VM", step.vm, blocked_operations={"pool_migrate": "licence"}):
        ended = terminal.run("rolling", served.url, step.source_name, "-o", "roll")
    assert ended.code == Exit.INFEASIBLE
    assert all(words in ended.out for words in (step.vm_name, "op-not-blocked", "remove pool_migrate"))
    assert not (terminal.folder / "roll").exists()


def test_plan_tells_the_fixes_to_programs(served: Served, terminal: Terminal) -> None:
    """An impossible plan as JSON has what could be given up, with its price, in a field of its own."""
    name = next(
        row.name
        for row in served.plan.hosts
        if row.before.vms and not terminal.run("evacuate", served.snapshot, row.name, "--json").json()["blocked"]
    )
    wanted = f'mode = "evacuate"\nempty = ["{name}"]\n[limits]\nmaximum_moves = 0\n'
    ended = terminal.run("plan", served.url, "--no-metrics", "-p", terminal.write("none.toml", wanted), "--json")
    assert ended.code == Exit.INFEASIBLE
    first = ended.json()["ways_out"][0]
    assert [each["where"] for each in first["concessions"]] == ["limits.maximum_moves"]
    assert first["concessions"][0]["words"] == f"allow {first['moves']} moves instead of 0"
    assert f"The cheapest fix: allow {first['moves']} moves instead of 0" in ended.sentence
