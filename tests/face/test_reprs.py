"""What a cell of a notebook shows of an answer: one line that says the essence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rebalancer as rb

SHAPE = rb.Shape(vcpus=4, memory_gib=8, load=1.0)
SAID: dict[str, tuple[Callable[[rb.Model], object], str]] = {
    "host": (lambda model: model.host("ash"), "<Host 'ash': 16 pCPUs, 76.0 GiB, f2ee4e45"),
    "VM": (lambda model: model.vm("app-041"), "<VM 'app-041': 2 vCPUs, 4.0 GiB, running, "),
    "check": (
        rb.check,
        "<Check of pool 'simulated': 37 of 45 VMs may move, 6 rules in the way of others; 2 breaches now",
    ),
    "evacuate": (
        lambda model: rb.evacuate(model, "beech", seconds=1),
        "<Evacuation of beech: 10 VMs, 1 cannot leave",
    ),
    "rolling": (lambda model: rb.rolling(model, ["alder"], seconds=1), "<Rolling of 1 host: 2 stages>"),
    "tradeoff": (lambda model: rb.tradeoff(model, seconds=0.1), "<Tradeoff "),
    "fit": (lambda model: rb.fit(model, SHAPE, rearrange=False, seconds=1), " times 1 'new', at most "),
    "forecast": (lambda model: rb.forecast(model, "traces.csv"), "<Forecast of pool 'simulated': cpu: "),
    "replay": (
        lambda model: rb.replay(model.state, "traces.csv", nights=1, seconds=1, regret=False),
        "<Replay of 1 night: nothing, greedy, hill-climb, default>",
    ),
}


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(("ask", "words"), SAID.values(), ids=list(SAID))
def test_an_answer_says_its_essence(ask: Callable[[rb.Model], object], words: str) -> None:
    """In under 300 characters, however large it is."""
    said = repr(ask(rb.Model(rb.read("pool.json.gz"))))
    assert words in said
    assert len(said) < 300
