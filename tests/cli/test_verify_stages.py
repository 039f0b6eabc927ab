"""`rebalancer verify` and `show` of a folder that `rolling` has written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from tests.cli.in_maintenance import POOL
from tests.cli.terminal import PASSWORD, USER, Terminal


@pytest.fixture
def planned(terminal: Terminal) -> Path:
    """A folder of stages, beside the snapshot `p.json.gz` that they were made from."""
    with Simulator(POOL, user=USER, password=PASSWORD, login_delay=0.0) as simulator:
        credentials = rb.Credentials(user=USER, password=PASSWORD)
        rb.read(simulator.url, credentials, metrics=False).save(terminal.folder / "p.json.gz")
    policy = terminal.write("q.toml", 'name = "q"\n[limits]\nsolve_seconds = 1\n')
    assert terminal.run("rolling", "p.json.gz", "-p", policy, "-o", "stages").code == Exit.DONE
    return terminal.folder / "stages"


def test_all_stages_are_proven(planned: Path, terminal: Terminal) -> None:
    """Code 0, with how many; in JSON with the digest that an approval is for."""
    count = len(json.loads((planned / "rolling.json").read_text())["stages"])
    told = terminal.run("verify", planned, "p.json.gz")
    assert told.code == Exit.DONE, told.err
    assert f"accepted: all {count} stages" in told.out
    document = terminal.run("verify", planned, "p.json.gz", "--json").json()
    assert (document["accepted"], document["findings"]) == (True, [])
    assert document["stages"] in terminal.run("approve", planned, "--by", "jane", "--reason", "r").out


def test_an_index_that_was_edited_is_refused_by_name(planned: Path, terminal: Terminal) -> None:
    """Code 4; whoever writes it with other spaces has edited nothing."""
    index = planned / "rolling.json"
    document = json.loads(index.read_text())
    index.write_text(json.dumps(document))
    assert terminal.run("verify", planned, "p.json.gz").code == Exit.DONE
    document["stages"][0], document["stages"][1] = document["stages"][1], document["stages"][0]
    index.write_text(json.dumps(document))
    for command in (["verify", planned, "p.json.gz"], ["show", planned]):
        ended = terminal.run(*command)
        assert ended.code == Exit.STALE
        assert "stages/rolling.json: it was edited" in ended.sentence


@pytest.mark.parametrize("name", ["plan.json", "run.sh"])
def test_a_stage_that_was_edited_is_refused_by_name(planned: Path, terminal: Terminal, name: str) -> None:
    """Code 4."""
    stage = sorted(path for path in planned.iterdir() if path.is_dir())[1]
    text = (stage / name).read_text()
    (stage / name).write_text(
        text.replace("XenMotion", "XenMotions") + "\n" if name == "run.sh" else text.replace('"why"', '"why "', 1)
    )
    ended = terminal.run("verify", planned, "p.json.gz")
    assert ended.code in {Exit.STALE, Exit.ERROR}
    assert stage.name in ended.sentence


def test_a_pool_that_changed_names_the_stage(planned: Path, terminal: Terminal) -> None:
    """Code 4, with what is wrong and where."""
    state = rb.read(terminal.folder / "p.json.gz")
    index = json.loads((planned / "rolling.json").read_text())
    plan = rb.load(planned / index["folders"][0])
    rest = {uuid: vm for uuid, vm in state.pool.vms.items() if uuid != plan.steps[0].vm}
    state = replace(state, pool=replace(state.pool, vms=rest))
    state.save(terminal.folder / "later.json.gz")
    ended = terminal.run("verify", planned, "later.json.gz")
    assert ended.code == Exit.STALE
    assert f"{index['folders'][0]} is not legal" in ended.sentence
    assert f"{index['folders'][0]}: " in ended.out
    findings = terminal.run("verify", planned, "later.json.gz", "--json").json()["findings"]
    assert {each["stage"] for each in findings} == {index["folders"][0]}


def test_stages_are_shown(planned: Path, terminal: Terminal) -> None:
    """Each with its folder and what it does, and whether all of it is approved; in JSON as rolling.json has it."""
    index = json.loads((planned / "rolling.json").read_text())
    told = terminal.run("show", planned, COLUMNS="160")
    assert told.code == Exit.DONE, told.err
    assert all(name in told.out for name in index["folders"])
    assert terminal.run("show", planned, "--json").json() == index
    assert terminal.run("show", planned, "--step", "s01").code != Exit.DONE
