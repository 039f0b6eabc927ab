"""A plan made of recorded days: proven, written, read back, and told by day and hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.demand import LoadProfile, Quality, Series, in_form
from rebalancer.errors import PlanFileError
from rebalancer.execute.judge.predicted_load import predicted_pcpu
from rebalancer.export import plan_from_json, plan_json, read_plan, write_plan
from rebalancer.export.markdown import plan_markdown
from rebalancer.frames import filling_frame, load_frame
from rebalancer.inventory import Pool
from rebalancer.plan import sealed
from rebalancer.policy import Policy
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.whatif import sleep
from tests.pools import make_host, make_pool, make_vm

NIGHT = datetime(2026, 11, 25, 22, tzinfo=UTC)
POLICY = Policy.model_validate(
    {
        "demand": {"form": "days", "window_days": 3, "half_life_days": 1.0, "timezone": "Europe/Berlin"},
        "limits": {"solve_seconds": 5},
        "sleep": {"margin_hosts": 0},
    }
)


def together(pool: Pool) -> LoadProfile:
    """Two VMs that are busy in the same hour of the last day, two that are busy on others; percentiles of it."""
    vms, hosts = [vm.uuid for vm in pool.resident_guests()], [*pool.hosts]
    hours = np.full((len(vms), 72), 0.5)
    hours[0, 60] = hours[1, 60] = 8.0
    hours[2, 5], hours[3, 30] = 8.0, 8.0
    bare = LoadProfile(
        vms=tuple(vms),
        hosts=tuple(hosts),
        vm_pcpu=np.ones((len(vms), 24)),
        host_base_pcpu=np.zeros((len(hosts), 24)),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=NIGHT - timedelta(hours=72),
        window_end=NIGHT,
        timezone="UTC",
        source="a test",
        series=Series(vm_pcpu=hours, host_base_pcpu=np.full((len(hosts), 72), 0.25)),
    )
    return in_form(bare, Policy().demand)


@pytest.fixture
def pool() -> Pool:
    """All four VMs on the first of two hosts of 16 pCPUs."""
    hosts = [make_host(name) for name in ("h1", "h2")]
    return make_pool(hosts=hosts, vms=[make_vm(name, on="h1", gib=4, vcpus_max=16) for name in ("a", "b", "c", "d")])


@pytest.fixture
def model(pool: Pool, tmp_path: Path) -> rb.Model:
    """The pool, read from a snapshot that was taken for percentiles, under a policy that asks for days."""
    file = tmp_path / "pool.json.gz"
    write_snapshot(Snapshot(pool=pool, demand=together(pool), taken_at=NIGHT, source="test"), file)
    return rb.Model(rb.read(file), POLICY, state_dir=tmp_path)


def test_only_those_are_parted_that_were_busy_together(model: rb.Model, tmp_path: Path) -> None:
    """The last day weighs four of seven; 17.25 of 16 pCPUs were used in one hour of it, and 11.2 are no overload."""
    plan = rb.rebalance(model)
    assert len(plan.steps) == 1
    assert plan.steps[0].vm in {"a", "b"}
    balance = next(tier for tier in plan.tiers if tier.objective == "balance")
    assert balance.proved
    assert rb.verify(plan, model.state) == ()
    assert "108% -> 58% of its CPU at Wed 25 Nov 11:00" in plan.steps[0].why
    before = {row.name: row.before for row in plan.hosts}["h1"]
    assert before.overload_pcpu_hours == pytest.approx(4 / 7 * (0.25 + 2 * 8 + 2 * 0.5 - 11.2))
    write_plan(plan, tmp_path / "plan")
    assert read_plan(tmp_path / "plan").made_from.metrics == plan.made_from.metrics
    page = plan_markdown(plan)
    assert "the mean of 3 days as recorded, the last ones more" in page
    assert "Wed 25 Nov 11:00" in page


@pytest.mark.parametrize("change", [{"weight": 5}, {"start": NIGHT - timedelta(hours=23)}])
def test_other_days_than_were_measured_are_found_out(model: rb.Model, change: dict[str, Any]) -> None:
    """Whoever edits weights or dates of a plan, and seals it anew, is told by the checker."""
    plan = rb.rebalance(model)
    metrics = plan.made_from.metrics
    assert metrics is not None
    assert [day.weight for day in metrics.days] == [1, 2, 4]
    edited = replace(metrics, days=(*metrics.days[:2], replace(metrics.days[2], **change)))
    forged = sealed(replace(plan, made_from=replace(plan.made_from, metrics=edited)))
    assert rb.verify(forged, model.state)


@pytest.mark.parametrize("days", [1, 4])
@pytest.mark.parametrize("weight", [1, 0, -1])
def test_days_that_are_none_are_no_demand(model: rb.Model, days: int, weight: int) -> None:
    """Too few, too many, or of no weight: the checker says that the demand does not fit, whatever else it finds."""
    plan = rb.rebalance(model)
    metrics = plan.made_from.metrics
    assert metrics is not None
    edited = replace(metrics, days=(replace(metrics.days[0], weight=weight),) * days)
    forged = sealed(replace(plan, made_from=replace(plan.made_from, metrics=edited)))
    assert any("does not fit its hosts and slots" in each.words for each in rb.verify(forged, model.state))


def test_a_day_without_a_zone_is_no_plan(model: rb.Model) -> None:
    """A time that nobody knows is refused when the file is read."""
    plan = rb.rebalance(model)
    metrics = plan.made_from.metrics
    assert metrics is not None
    naive = replace(metrics.days[0], start=metrics.days[0].start.replace(tzinfo=None))
    edited = replace(metrics, days=(naive, *metrics.days[1:]))
    text = plan_json(sealed(replace(plan, made_from=replace(plan.made_from, metrics=edited))))
    with pytest.raises(PlanFileError):
        plan_from_json(text.replace("2026-11-22T22:00:00Z", "2026-11-22T22:00:00"), "plan.json")


def test_what_people_are_shown_is_told_by_day_and_hour(model: rb.Model) -> None:
    """Frames have an hour a column; hosts needed have 24 rows, the worst of the days."""
    problem = model.problem
    loads = load_frame(problem, problem.initial)
    assert loads.columns.name == "hour"
    assert f"{loads.loc['h1'].idxmax():%d %b %H:%M %Z}" == "25 Nov 11:00 CET"
    assert filling_frame(problem, problem.initial)["busiest_share"].max() == pytest.approx(17.25 / 16, abs=1e-4)
    needed = sleep(problem, problem.initial, NIGHT).needed
    assert needed is not None
    assert [hour for hour, hosts in enumerate(needed) if hosts > 1] == [11]


def test_a_run_compares_with_the_busiest_day_of_the_hour(model: rb.Model) -> None:
    """At 11:00 in Berlin the hosts used most on the last day, whatever day it is."""
    plan = rb.rebalance(model)
    moment = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
    assert predicted_pcpu(plan, "h1", (), moment) == pytest.approx(17.25)
    assert predicted_pcpu(plan, "h1", (), moment + timedelta(hours=1)) == pytest.approx(2.25)
