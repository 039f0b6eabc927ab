"""A signal ends the nights of a fleet: each is written down, and nobody is left who plans."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from signal import SIGINT, SIGTERM, Signals

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator, generate_pool
from tests.cli.process.processes import MIGRATE, Ground, ended, hear_out, send
from tests.cli.terminal import PASSWORD, QUICK, USER

OTHER = generate_pool(hosts=3, vms=6, seed=6, fill=0.3, hot=0.0, pinned=0.0, cpus=16)
HANG = (
    "import rebalancer.nightly.workers as workers; from tests.nightly.fleet.calls import hang; "
    "workers.rebalance_prepared = hang"
)


@pytest.fixture
def fleet(ground: Ground) -> Iterator[Ground]:
    """A folder `fleet` with policies for the pool of the ground, where there is much to do, and for another."""
    (ground.folder / "fleet").mkdir()
    with Simulator(OTHER, user=USER, password=PASSWORD, login_delay=0.0) as other:
        for name, pool in (("east", ground.simulator), ("west", other)):
            text = f'{QUICK}[pool]\nurl = "{pool.url}"\n[[window]]\nstart = "00:00"\nend = "00:00"\n'
            (ground.folder / "fleet" / f"{name}.toml").write_text(text, encoding="utf-8")
        yield ground


def verdicts(fleet: Ground) -> list[bool]:
    """Of both pools, whether their metrics say that their nights were interrupted."""
    texts = [(fleet.folder / f"night-{name}.prom").read_text(encoding="utf-8") for name in ("east", "west")]
    return ['verdict="keyboard_interrupt"' in text for text in texts]


NIGHT = ["nightly", "fleet", "--execute", "--json", "--metrics-file", "night.prom"]


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_while_it_plans_it_ends_at_once(fleet: Ground, number: Signals) -> None:
    """Code 1, and the processes that plan end with it, without a word, although a terminal asks them, too."""
    with fleet.running(*NIGHT, first=HANG, start_new_session=True) as process:
        fleet.wait_for(process, (fleet.folder / "paused").exists)
        if number is SIGINT:
            os.killpg(process.pid, number)
        else:
            send(process, number)
        code, out, err = ended(process)
    told = json.loads(out)
    assert (code, told["error"], [each["policy"] for each in told["pools"]]) == (
        1,
        "Interrupted",
        ["east.toml", "west.toml"],
    )
    assert (err.splitlines()[-1], "Traceback" in err) == ("rebalancer: interrupted", False), err
    assert verdicts(fleet) == [True, True]
    assert (fleet.sent, list(fleet.folder.rglob("plan.json"))) == (0, [])


def test_while_it_moves_the_migration_ends_in_order(fleet: Ground) -> None:
    """Code 5 with the ways on, and the other night as it ended."""
    gate = fleet.hold(MIGRATE)
    with fleet.running(*NIGHT) as process:
        fleet.wait_for(process, gate.reached.is_set)
        send(process, SIGTERM)
        hear_out(process, "nothing more is started")
        gate.opened.set()
        code, out, err = ended(process)
    east, west = json.loads(out)["pools"]
    assert (code, east["exit_code"], west["verdict"]) == (Exit.STOPPED, Exit.STOPPED, "nothing_to_do"), err
    assert "apply" in east["next"]["to resume"]
    assert (fleet.sent, verdicts(fleet)) == (1, [False, False])
