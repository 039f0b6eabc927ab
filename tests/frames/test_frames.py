"""Frames hold one value a cell, told in units, with uuids to join on; big values say little of themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import pytest

import rebalancer as rb
from rebalancer.essence import line_of, table_of
from rebalancer.frames import (
    blocked_frame,
    change_frame,
    course_frame,
    demand_frame,
    filling_frame,
    host_demand_frame,
    hosts_frame,
    left_frame,
    load_frame,
    losses_frame,
    needed_frame,
    objectives_frame,
    placement_frame,
    refusals_frame,
    rolling_frame,
    room_frame,
    sleep_frame,
    steps_frame,
    violations_frame,
    vms_frame,
)
from rebalancer.objectives import host_load
from rebalancer.simulator import Simulator, demo_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from rebalancer.execute import Live
    from rebalancer.face.model import Model
    from rebalancer.face.proposal import Proposal


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The demo's pool."""
    way = rb.Credentials(user="root", password="secret")
    with Simulator(demo_pool(), user=way.user, password=way.password) as simulator:
        return rb.Model(rb.read(simulator.url, way), state_dir=tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def plan(model: Model) -> Proposal:
    """What repairs it."""
    return rb.rebalance(rb.Model(model.state, rb.Policy(mode="repair"), state_dir=model.state_dir), seconds=5)


@pytest.fixture(scope="module")
def frames(model: Model, plan: Proposal) -> dict[str, pd.DataFrame]:
    """All frames of a pool and a plan."""
    pool, problem, book = model.state.pool, model.problem, model.rulebook
    asleep = rb.sleep(model)
    return {
        "hosts": hosts_frame(pool),
        "vms": vms_frame(pool),
        "demand": demand_frame(problem),
        "host_demand": host_demand_frame(problem),
        "load": load_frame(problem),
        "filling": filling_frame(problem),
        "steps": steps_frame(plan),
        "objectives": objectives_frame(plan),
        "left": left_frame(plan),
        "change": change_frame(plan),
        "course": course_frame(plan),
        "placement": placement_frame(plan),
        "refusals": refusals_frame(book),
        "violations": violations_frame(book),
        "blocked": blocked_frame(book.stuck({model.host("beech").uuid})),
        "losses": losses_frame(rb.whatif.losses(problem)),
        "room": room_frame(rb.whatif.room_for(problem, model.vm("web-010"))),
        "sleep": sleep_frame(asleep),
        "needed": needed_frame(asleep),
        "rolling": rolling_frame(rb.rolling(model, ["alder"], seconds=4)),
    }


def test_a_cell_holds_one_value(frames: dict[str, pd.DataFrame]) -> None:
    """No tuple, list or mapping, which no spreadsheet takes; and no frame is without columns."""
    for name, frame in frames.items():
        kinds = {type(cell) for column in frame.columns for cell in frame[column]}
        assert not kinds & {tuple, list, dict, set, frozenset}, name
        assert len(frame.columns), name


def test_uuids_join(model: Model, frames: dict[str, pd.DataFrame]) -> None:
    """`vm_uuid` and `host_uuid` of every frame are those of the pool."""
    pool = model.state.pool
    seen = set()
    for name, frame in frames.items():
        whole = frame.reset_index()
        for column in (column for column in whole.columns if str(column).endswith("_uuid")):
            known = pool.vms if str(column).endswith("vm_uuid") else pool.hosts
            assert set(whole[column]) <= known.keys(), (name, column)
            seen.add(name)
    assert {"hosts", "vms", "demand", "host_demand", "steps", "placement", "refusals", "blocked", "rolling"} <= seen


def test_load_is_demand_summed(model: Model, frames: dict[str, pd.DataFrame]) -> None:
    """What VMs need and what the host needs for itself is its load, to the digits shown."""
    vms = frames["demand"].groupby(["host", "time"]).pcpu.sum()
    hosts = frames["host_demand"].set_index(["host", "time"])
    assert np.allclose(vms.reindex(hosts.index, fill_value=0) + hosts.own_pcpu, hosts.pcpu, atol=0.01)
    assert hosts.pcpu.max() == pytest.approx(host_load(model.problem.initial, model.problem).max(), abs=1e-4)


def test_demand_follows_a_placement(model: Model, plan: Proposal) -> None:
    """A VM that moves is told on its new host, with what it needs unchanged."""
    moved = plan.steps[0]
    told = [demand_frame(model.problem, where) for where in (None, plan.predicted)]
    before, after = (frame[frame.vm_uuid == moved.vm] for frame in told)
    assert set(before.host) == {moved.source_name}
    assert set(after.host) == {moved.target_name}
    assert list(before.pcpu) == list(after.pcpu)


def test_slots_are_times_of_day(frames: dict[str, pd.DataFrame]) -> None:
    """In the policy's zone, which the index names."""
    assert frames["load"].columns.name == "time (UTC)"
    assert list(frames["load"].columns[:2]) == ["00:00", "01:00"]
    assert list(frames["filling"].index) == list(frames["load"].columns) == list(frames["needed"].index)


def test_objectives_keep_their_condition(frames: dict[str, pd.DataFrame]) -> None:
    """A bound stands beside what it holds under."""
    found = frames["objectives"]
    assert found.index[0] == "repair"
    assert (found.bound <= found.after + 1e-6).all()
    assert (found.held.iloc[1:].str.len() > 0).all()


def test_placement_tells_who_moves(plan: Proposal, frames: dict[str, pd.DataFrame]) -> None:
    """Those of the steps, and nobody else."""
    assert set(frames["placement"].query("moves").index) == {step.vm for step in plan.steps}
    assert not frames["placement"].vm.isin(frames["placement"].index).any()


def test_refusals_agree_with_the_matrix(model: Model, frames: dict[str, pd.DataFrame]) -> None:
    """The first refusal of each VM and host is what the matrix shows."""
    first = frames["refusals"].query("order == 1").set_index(["vm", "host"]).rule
    cells = rb.check(model).frame()
    assert {(vm, host): cells.loc[vm, host] for vm, host in first.index} == first.to_dict()
    assert len(first) == (~cells.isin(["", "=", "+"])).to_numpy().sum()


def test_big_values_say_little(model: Model, plan: Proposal) -> None:
    """Under 300 characters in a terminal, a few rows in a notebook."""
    values = [model, model.state, model.state.pool, model.problem, plan, model.state.demand]
    assert all(len(repr(value)) < 300 for value in values)
    assert "5 hosts" in repr(model.state.pool)
    assert plan.summary[:40] in repr(plan)
    shown = [value._repr_html_() for value in (model, model.state, model.state.pool, model.problem, plan)]
    assert all(200 < len(html) < 3000 for html in shown)
    assert "repair" in shown[-1]


def test_names_are_no_markup() -> None:
    """What a pool is called cannot break a page, and long names are cut."""
    assert "<b>" not in table_of("<b>", {"<b>": "<b>"})
    assert len(line_of("Pool", "x" * 500)) < 300


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what is to be refused
DOOR: dict[str, Callable[[Model, Proposal], object]] = {
    "rebalance": lambda model, _plan: rb.rebalance(model, made_at=NAIVE),
    "evacuate": lambda model, _plan: rb.evacuate(model, "ash", made_at=NAIVE),
    "rolling": lambda model, _plan: rb.rolling(model, made_at=NAIVE),
    "tradeoff": lambda model, _plan: rb.tradeoff(model, made_at=NAIVE),
    "verify": lambda model, plan: rb.verify(plan, model.state, now=NAIVE),
    "undo": lambda model, plan: rb.undo(plan, model.state, made_at=NAIVE),
    "apply": lambda _model, plan: rb.apply(plan, cast("Live", None), deadline=NAIVE),
}


@pytest.mark.parametrize("name", DOOR)
def test_naive_times_are_refused(name: str, model: Model, plan: Proposal) -> None:
    """In a sentence that says what is missing."""
    with pytest.raises(rb.errors.InputError, match=r"2026-01-01T00:00:00.*no time zone"):
        DOOR[name](model, plan)


def test_times_with_a_zone_pass(model: Model, plan: Proposal) -> None:
    """They are what is meant."""
    assert rb.verify(plan, model.state, now=datetime(2036, 1, 1, tzinfo=UTC))[0].rule == "expiry"


def test_frames_are_written_to_files(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    """A CSV file of each comes back with the same cells."""
    for name, frame in frames.items():
        frame.to_csv(tmp_path / name)
        assert len(pd.read_csv(tmp_path / name)) == len(frame)
