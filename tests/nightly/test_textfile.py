"""What monitoring reads of a night: Prometheus' text format, whole or not at all."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rebalancer.errors import InputError
from rebalancer.nightly import KnownPool, NightEnd, NightlyResult, Verdict, assert_collectable, textfile, write_textfile
from rebalancer.plan.plan import HostRow
from tests.planner.busy import PLAN

BEGAN = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
FAILED = NightEnd(
    policy="nightly.toml",
    pool=KnownPool(uuid="0a1b", name="west"),
    began=BEGAN,
    ended=BEGAN + timedelta(seconds=90),
    exit_code=6,
    verdict="metrics_refused",
)
RESULT = NightlyResult(verdict=Verdict.PLANNED, plan=PLAN, folder=Path("plan"))
PLANNED = replace(FAILED, exit_code=0, verdict="planned", result=RESULT)
POLICY = {"pool": "west", "pool_uuid": "0a1b", "policy": "nightly.toml"}


def values(night: NightEnd) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and values by metric, as Prometheus reads them; each is a gauge that says what it is."""
    families = list(text_string_to_metric_families(textfile(night).decode()))
    assert all(each.type == "gauge" and each.documentation for each in families)
    return {
        each.name.removeprefix("rebalancer_nightly_"): [(of.labels, of.value) for of in each.samples]
        for each in families
    }


def test_a_night_that_failed_tells_when_and_how() -> None:
    """All that does not need a plan; nothing is planned, and nothing is left."""
    assert values(FAILED) == {
        "end_timestamp_seconds": [(POLICY, FAILED.ended.timestamp())],
        "duration_seconds": [(POLICY, 90)],
        "exit_code": [(POLICY, 6)],
        "verdict": [(POLICY | {"verdict": "metrics_refused"}, 1)],
        "steps": [(POLICY, 0)],
        "steps_done": [(POLICY, 0)],
        "steps_left": [(POLICY, 0)],
        "moves_missing": [(POLICY, 0)],
        "limits_cut_plan": [(POLICY, 0)],
        "notifications_sent": [(POLICY, 0)],
        "notifications_failed": [(POLICY, 0)],
    }


def test_a_night_that_stopped_half_way_tells_what_it_planned() -> None:
    """Those are the nights after which somebody looks."""
    found = values(replace(PLANNED, exit_code=5, verdict="stopped_half_way", done=1))
    assert found["verdict"] == [(POLICY | {"verdict": "stopped_half_way"}, 1)]
    assert (found["steps"], found["steps_done"]) == ([(POLICY, len(PLAN.steps))], [(POLICY, 1)])
    assert found["steps_left"] == [(POLICY, len(PLAN.steps) - 1)]
    assert found["objective_before"]


def test_two_hosts_of_one_name_are_two() -> None:
    """So are two pools whose policies are in files of one name."""
    first, second = PLAN.hosts[:2]
    alike = replace(PLAN, hosts=(first, replace(second, name=first.name)))
    told = values(replace(PLANNED, result=replace(RESULT, plan=alike)))["host_cpu_peak_ratio"]
    assert {labels["host_uuid"] for labels, _ in told} == {first.uuid, second.uuid}


def test_a_plan_is_told_by_its_figures() -> None:
    """Steps, objectives and hosts come out as the plan has them."""
    tiers = [(POLICY | {"objective": tier.objective, "unit": tier.unit}, tier) for tier in PLAN.tiers]
    assert values(PLANNED) == values(replace(FAILED, exit_code=0, verdict="planned")) | {
        "steps": [(POLICY, len(PLAN.steps))],
        "steps_left": [(POLICY, len(PLAN.steps))],
        "moves_missing": [(POLICY, len(PLAN.missing))],
        "objective_before": [(labels, tier.before) for labels, tier in tiers],
        "objective_after": [(labels, tier.after) for labels, tier in tiers],
        "host_cpu_peak_ratio": [(POLICY | host_of(row), row.before.peak_share) for row in PLAN.hosts],
        "host_cpu_peak_planned_ratio": [(POLICY | host_of(row), row.after.peak_share) for row in PLAN.hosts],
    }


def host_of(row: HostRow) -> dict[str, str]:
    """The labels that tell a host."""
    return {"host": row.name, "host_uuid": row.uuid}


def test_names_break_no_line() -> None:
    """A host may be called anything."""
    row = replace(PLAN.hosts[0], name='a"b\\c\nd\u202e')
    assert PLANNED.result
    odd = replace(PLANNED, result=replace(PLANNED.result, plan=replace(PLAN, hosts=(row,))))
    assert values(odd)["host_cpu_peak_ratio"] == [
        (POLICY | {"host": 'a"b\\c d\\u202e', "host_uuid": row.uuid}, row.before.peak_share)
    ]


def test_it_is_replaced_at_once_and_others_may_read_it(tmp_path: Path) -> None:
    """Nothing else is left in the folder, which the collector reads as well."""
    path = tmp_path / "rebalancer.prom"
    for night in (FAILED, PLANNED):
        write_textfile(night, path)
        assert path.read_bytes() == textfile(night)
    assert [each.name for each in tmp_path.iterdir()] == ["rebalancer.prom"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_cannot_be_collected_is_refused(tmp_path: Path) -> None:
    """Another suffix, a folder that is not there, and a folder in the place of the file."""
    with pytest.raises(InputError, match=r"end in \.prom"):
        assert_collectable(tmp_path / "metrics.txt")
    with pytest.raises(InputError, match="its folder is not there"):
        assert_collectable(tmp_path / "no" / "x.prom")
    (tmp_path / "x.prom").mkdir()
    with pytest.raises(InputError, match="it cannot be written"):
        write_textfile(FAILED, tmp_path / "x.prom")
    assert [each.name for each in tmp_path.iterdir()] == ["x.prom"]
