"""What is wrong is refused at the door, in one sentence that says what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.errors import InputError, PolicyError

sc: Any = rb.scenarios
NAIVE = datetime(2026, 11, 30)  # noqa: DTZ001 - that is the point
Ask = Callable[[Any], object]

WRONG: dict[str, tuple[Ask, str]] = {
    "time without a zone": (lambda model: rb.rebalance(model, made_at=NAIVE), "it has no time zone"),
    "no number of seconds": (lambda model: rb.rebalance(model, seconds=math.nan), "nan is no time to solve in"),
    "seconds as text": (lambda model: rb.tradeoff(model, seconds="3"), "'3' is no time to solve in"),  # type: ignore[arg-type]
    "hosts by number": (lambda model: rb.evacuate(model, 5), "hosts: 5 is no name"),  # type: ignore[arg-type]
    "part of a host": (lambda model: rb.failures(model, 1.5), "1.5 is no whole number"),  # type: ignore[arg-type]
    "hosts by name to count": (lambda model: rb.failures(model, "ash"), "'ash' is no whole number"),  # type: ignore[arg-type]
    "no VM at all": (lambda model: rb.fit(model, None), "VM None: it is no name"),  # type: ignore[arg-type]
    "part of a spare host": (lambda model: rb.fit(model, "web-000", spare=0.5), "0.5 is no whole number"),  # type: ignore[arg-type]
    "ratio of words": (lambda model: rb.fit(model, ["web-000"], ratio=["a"]), "'a' is no whole number"),  # type: ignore[list-item]
    "nothing to place": (lambda model: rb.place(model, []), "1 of 0 kinds"),
    "none to place": (lambda model: rb.place(model, "web-000", 0), "0 of 1 kind"),
    "half a VM": (lambda model: rb.place(model, "web-000", 1.5), "1.5 is no whole number"),  # type: ignore[arg-type]
    "no workers": (lambda model: rb.prices(model, workers=1.5), "1.5 are too few"),  # type: ignore[arg-type]
    "no executor": (lambda model: sc.compare(model, {"a": []}, executor=5), "5 takes no work"),
    "no scenarios": (lambda model: sc.compare(model, {}), "there are none"),
    "scenarios without names": (lambda model: sc.compare(model, [sc.retire("ash")]), "they have no names"),
    "a scenario of words": (lambda model: sc.compare(model, {"a": "retire"}), "scenario 'a': 'retire' is no edit"),
    "days of a past": (lambda _model: rb.history().nights(math.nan), "nan is no whole number"),  # type: ignore[arg-type]
    "a list as a name": (lambda _model: sc.lose(["ash"]), r"rb.scenarios.lose: hosts\[0\] should be a valid string"),
    "part of a new host": (lambda _model: sc.add_hosts(1.5), "count should be a valid integer"),
    "a factor as text": (lambda _model: sc.grow("*", cpu="2"), "cpu should be a valid number"),
    "like nobody": (lambda _model: sc.add_vms(1, None), "None is no VM"),
    "keys as text": (lambda _model: sc.policy("x"), "'x' are no keys and values"),
    "nobody": (lambda model: model.what_if(sc.lose()), "nobody is named"),
    "no rule": (lambda model: model.what_if(sc.relax()), "no rule is named"),
    "no change of a VM": (lambda model: model.what_if(sc.resize("web-000")), "nothing changes"),
    "no size of a VM": (lambda model: model.what_if(sc.resize("web-000", memory_gib=math.nan)), "no VM has this size"),
    "no change of a host": (lambda model: model.what_if(sc.refit("ash")), "nothing changes"),
    "no size of a host": (lambda model: model.what_if(sc.add_hosts(1, memory_gib=math.nan)), "no host has this size"),
    "no speed": (lambda model: model.what_if(sc.refit("ash", mhz=math.nan)), "no CPU has this speed"),
    "no features": (lambda model: model.what_if(sc.refit("ash", features="zz")), "'zz' are no CPU features"),
    "no growth": (lambda model: model.what_if(sc.grow("*", cpu=math.nan)), "nothing grows by such a factor"),
    "vCPUs as text": (lambda _model: rb.Shape(vcpus="4", memory_gib=8), "'4' vCPUs"),  # type: ignore[arg-type]
    "part of a vCPU": (lambda _model: rb.Shape(vcpus=4.5, memory_gib=8), "4.5 vCPUs"),  # type: ignore[arg-type]
    "no memory": (lambda _model: rb.Shape(vcpus=4, memory_gib=math.nan), "memory_gib is nan"),
    "no load": (lambda _model: rb.Shape(vcpus=4, memory_gib=8, load=math.nan), "a load of nan pCPUs"),
    "load as text": (lambda _model: rb.Shape(vcpus=4, memory_gib=8, load="1"), "a load of '1'"),  # type: ignore[arg-type]
    "tags as text": (lambda _model: rb.Shape(vcpus=4, memory_gib=8, tags="db"), "several names"),  # type: ignore[arg-type]
}
OTHERS: dict[str, tuple[Ask, str]] = {
    "a file as a pool": (lambda _model: rb.Model("pool.json.gz"), r"rb\.read\(source\)"),  # type: ignore[arg-type]
    "a pool as its state": (lambda model: rb.lint(rb.Policy(), model.state.pool), r"a PoolState is needed, not Pool"),
    "words as a policy": (lambda _model: rb.lint("x"), r"rb\.Policy\.load\(path\)"),  # type: ignore[arg-type]
    "words as an edit": (lambda model: model.what_if("retire ash"), "an Edit is needed, not str"),
    "a state as a model": (lambda model: rb.rebalance(model.state), r"rb\.Model\(state, policy\)"),
    "a model as a state": (lambda model: rb.replay(model, "traces.csv"), "a PoolState is needed, not Model"),
    "words as a past": (lambda model: rb.forecast(model, past="x"), r"rb\.history\(\)"),  # type: ignore[arg-type]
    "a list as policies": (lambda model: rb.replay(model.state, "traces.csv", [rb.Policy()]), "needed, not list"),  # type: ignore[arg-type]
    "words as a plan": (lambda model: rb.verify("x", model.state), r"rb\.load\(folder\)"),  # type: ignore[arg-type]
    "words to compare": (lambda _model: rb.diff("x", "y"), "a Plan is needed, not str"),  # type: ignore[arg-type]
}


@pytest.fixture
def model(desk: object) -> rb.Model:
    """Of the demo's pool."""
    assert desk
    return rb.Model(rb.read("pool.json.gz"))


@pytest.mark.parametrize(("ask", "words"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_is_refused(ask: Ask, words: str, model: rb.Model) -> None:
    """On one line, with what to do about it."""
    with pytest.raises((InputError, PolicyError), match=words) as error:
        ask(model)
    assert "\n" not in str(error.value)
    assert str(error.value).count(". ")


@pytest.mark.parametrize(("ask", "words"), OTHERS.values(), ids=list(OTHERS))
def test_another_kind_of_thing_is_refused(ask: Ask, words: str, model: rb.Model) -> None:
    """With what makes the right one."""
    with pytest.raises(TypeError, match=words):
        ask(model)


def test_numbers_of_frames_are_numbers() -> None:
    """Whoever counts with numpy and pandas hands over theirs."""
    assert sc.add_hosts(np.int64(2)) == sc.add_hosts(2)
    assert sc.grow("*", cpu=np.float64(1.5)) == sc.grow("*", cpu=1.5)
    assert rb.Shape(vcpus=np.int64(4), memory_gib=np.float64(8), load=np.ones(24)).hourly == (1.0,) * 24  # type: ignore[arg-type]
