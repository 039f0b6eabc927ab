"""Frames hold one value a cell, told in units, with uuids to join on; big values say little of themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import pytest

import rebalancer as rb
from rebalancer.essence import line_of, table_of
from rebalancer.frames import demand_frame
from rebalancer.legality.report import explain
from rebalancer.objectives import host_load
from rebalancer.simulator import Simulator, demo_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from rebalancer.execute import Live
    from rebalancer.face.model import Model
    from rebalancer.face.proposal import Proposal


TRACES = Path(__file__).resolve().parents[2] / "data" / "demo-traces.csv.gz"


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
    """Every frame, by the name of its function without `_frame`."""
    pool, problem, book, f = model.state.pool, model.problem, model.rulebook, rb.frames
    asleep, ahead = rb.sleep(model), rb.forecast(model, TRACES)
    replayed = rb.replay(model.state, TRACES, nights=1, seconds=1, regret=False)
    alder = [model.host("alder")]
    return {
        "answers": f.answers_frame(explain(book, model.vm("app-041"), alder), book),
        "blocked": f.blocked_frame(book.stuck({model.host("beech").uuid})),
        "change": f.change_frame(plan),
        "course": f.course_frame(plan),
        "course_days": f.course_days_frame(ahead.runways),
        "demand": f.demand_frame(problem),
        "failures": f.failures_frame(rb.failures(model)),
        "filling": f.filling_frame(problem),
        "fit": f.fit_frame(rb.fit(model, rb.Shape(vcpus=4, memory_gib=8), seconds=1)),
        "host_demand": f.host_demand_frame(problem),
        "hosts": f.hosts_frame(pool),
        "left": f.left_frame(plan),
        "legality": f.legality_frame(book),
        "load": f.load_frame(problem),
        "losses": f.losses_frame(rb.whatif.losses(problem)),
        "needed": f.needed_frame(asleep),
        "objectives": f.objectives_frame(plan),
        "outcomes": rb.scenarios.compare(model, {"fewer": rb.scenarios.lose("ash")}, seconds=1),
        "placement": f.placement_frame(plan),
        "places": f.places_frame(rb.place(model, rb.Shape(vcpus=4, memory_gib=8))),
        "prices": rb.prices(model, seconds=0.5),
        "refusals": f.refusals_frame(book),
        "replay": f.replay_frame(replayed, "night"),
        "rolling": f.rolling_frame(rb.rolling(model, ["alder"], seconds=4)),
        "room": f.room_frame(rb.whatif.room_for(problem, model.vm("web-010"))),
        "runway": f.runway_frame(ahead.runways),
        "sleep": f.sleep_frame(asleep),
        "steps": f.steps_frame(plan),
        "tradeoff": f.tradeoff_frame(rb.tradeoff(model, seconds=2)),
        "violations": f.violations_frame(book),
        "vm_findings": f.vm_findings_frame(ahead.findings, problem),
        "vms": f.vms_frame(pool),
    }


NAMES = [name.removesuffix("_frame") for name in rb.frames.__all__]
MATRICES = {"legality", "load"}
"""Rows and columns are things, and cells say what is between them."""
NAMED = {
    "vm": "vm_uuid",
    "host": "host_uuid",
    "from": "from_host_uuid",
    "to": "to_host_uuid",
    "busiest": "busiest_host_uuid",
    "hottest": "hottest_host_uuid",
    "worst_host": "worst_host_uuid",
    "moved_most": "moved_most_vm_uuid",
}
"""Columns of names, and where their uuids stand."""
UNROUNDED = 1e-6


def test_every_frame_is_looked_at(frames: dict[str, pd.DataFrame]) -> None:
    """The ones below are all that are public."""
    assert sorted(frames) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_holds_one_value(name: str, frames: dict[str, pd.DataFrame]) -> None:
    """No tuple, list or mapping, which no spreadsheet takes; and no frame is without rows or columns."""
    whole = frames[name].reset_index()
    kinds = {type(cell) for column in whole.columns for cell in whole[column]}
    assert not kinds & {tuple, list, dict, set, frozenset}
    assert len(frames[name].columns)
    assert len(frames[name]) or name == "sleep"  # no host of this pool is without VMs


@pytest.mark.parametrize("name", NAMES)
def test_uuids_join(name: str, model: Model, frames: dict[str, pd.DataFrame]) -> None:
    """Beside each name of a VM or host stands a uuid, and it is one of the pool."""
    pool, whole = model.state.pool, frames[name].reset_index()
    columns = set(map(str, whole.columns))
    if name not in MATRICES and name != "places":
        assert {NAMED[column] for column in NAMED.keys() & columns} <= columns
    for column in (column for column in columns if column.endswith("_uuid") and name != "places"):
        known = pool.vms if column.endswith("vm_uuid") else pool.hosts
        assert set(whole[column].dropna()) - {""} <= known.keys(), column


@pytest.mark.parametrize("name", NAMES)
def test_times_have_a_zone(name: str, frames: dict[str, pd.DataFrame]) -> None:
    """Moments are aware, only calendar days are not; times of day stand beside their zone, or below a name with it."""
    whole = frames[name].reset_index()
    moments = [(column, cell) for column in whole.columns for cell in whole[column] if isinstance(cell, datetime)]
    assert all(cell.tzinfo or (column == "day" and cell.hour == 0) for column, cell in moments)
    assert "time" not in whole.columns or set(whole["timezone"]) == {"UTC"}
    ends = [str(index.name) for index in (frames[name].index, frames[name].columns)]
    assert {each for each in ends if each.startswith("time")} <= {"time (UTC)"}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_rounded(name: str, frames: dict[str, pd.DataFrame]) -> None:
    """To four decimals, which is more than anybody reads; what an hour of a recorded day weighs is whole in the sum."""
    numbers = frames[name].drop(columns="hours", errors="ignore").select_dtypes("float").to_numpy()
    assert np.allclose(numbers, numbers.round(4), rtol=0, atol=UNROUNDED, equal_nan=True)


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


def test_slots_are_hours_of_recorded_days(frames: dict[str, pd.DataFrame]) -> None:
    """With their dates, one after another, in the policy's zone."""
    hours = pd.DatetimeIndex(frames["load"].columns)
    assert hours.name == "hour"
    assert set(hours[1:] - hours[:-1]) == {timedelta(hours=1)}
    assert len(hours) == 7 * 24
    assert list(frames["filling"].index) == list(hours)


def test_slots_of_percentiles_are_times_of_day(model: Model, frames: dict[str, pd.DataFrame]) -> None:
    """In the policy's zone, which the index names; hosts are needed by the time of day whatever the demand."""
    problem = rb.Model(model.state, rb.Policy.model_validate({"demand": {"form": "percentile"}})).problem
    load = rb.frames.load_frame(problem)
    assert load.columns.name == "time (UTC)"
    assert list(load.columns[:2]) == ["00:00", "01:00"]
    assert list(rb.frames.filling_frame(problem).index) == list(load.columns) == list(frames["needed"].index)


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


def test_whole_numbers_stay_whole_beside_what_cannot_be() -> None:
    """A scenario that cannot be has no numbers, and those of others are no floats for it."""
    fine = rb.scenarios.Outcome(name="fine", words="", feasible=True, hosts=5, moves=2)
    refused = rb.scenarios.Outcome(name="refused", words="", feasible=False, why="no")
    table = rb.frames.outcomes_frame([fine, refused])
    assert [str(table.loc["fine", column]) for column in ("hosts", "moves")] == ["5", "2"]
    assert table.loc["refused", ["hosts", "moves", "failures_outlived"]].isna().all()


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
