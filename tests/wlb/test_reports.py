"""Reports are what XenCenter's layouts read, and tell what the history knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.history.fill import fill
from rebalancer.history.place import HistoryPlace
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.placement import Migration
from rebalancer.problem import pool_at
from rebalancer.wlb.reports.dataset import TYPES, Layout, document
from rebalancer.wlb.reports.reports import (
    REPORTS,
    NoSuchReport,
    ReportRequest,
    cpu_level,
    is_about,
    memory_level,
    report,
)
from rebalancer.wlb.view import View
from tests.execute.scripted import MADE_AT
from tests.history.loads import GUESTS, HOSTS, profile
from tests.history.made import PLAN, POOL, live_through
from tests.plan.made import demand_of
from tests.pools import policy_of

XS = "{http://www.w3.org/2001/XMLSchema}"
START = MADE_AT - timedelta(hours=5)
HOURS = 20
NOW = START + timedelta(hours=HOURS)
DAY = {"Start": "-1", "End": "0", "PoolID": POOL.uuid}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A history in which VM a went from h1 to h2 and b to h3 after five hours of load."""
    live_through(tmp_path)
    with Store.of(HistoryPlace(state_dir=tmp_path)) as opened:
        fill(opened)
        keep_samples(opened, POOL, profile(START, HOURS, seed=1))
        yield opened


@pytest.fixture(scope="module")
def view() -> View:
    """The pool as it is after these moves."""
    before = rb.PoolState(pool=POOL, demand=demand_of(POOL, {}), source="made up", taken_at=NOW)
    initial = rb.Model(before, policy_of()).problem.initial
    moves = [Migration(vm=step.vm, source=step.source, target=step.target) for step in PLAN.steps]
    state = replace(before, pool=pool_at(POOL, initial.after(*moves)))
    return View(model=rb.Model(state, policy_of()), seen_at=NOW)


def rows_in(text: str, table: str = "Table") -> list[dict[str, str]]:
    """The rows of a table, each with the columns that it has."""
    return [{each.tag: each.text or "" for each in row} for row in ET.fromstring(text).findall(table)]  # noqa: S314 - ours


def columns_in(text: str, table: str = "Table") -> dict[str, str]:
    """The columns of a table by the schema, with their types."""
    schema = ET.fromstring(text)[0]  # noqa: S314 - ours
    (found,) = [each for each in schema.iter(f"{XS}element") if each.get("name") == table]
    return {str(each.get("name")): str(each.get("type")) for each in found.iter(f"{XS}element") if each is not found}


PARSERS: dict[str, Callable[[str], object]] = {
    "xs:string": str,
    "xs:int": int,
    "xs:long": int,
    "xs:decimal": float,
    "xs:dateTime": lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"),  # noqa: DTZ007 - as the console reads it
}


@pytest.mark.parametrize("name", REPORTS)
def test_rows_are_what_the_schema_says(name: str, view: View, store: Store) -> None:
    """The schema comes first, with both tables in order; every value is of its column's type."""
    text = report(name, view, store, ReportRequest.of({**DAY, "HostID": "h1"}, NOW))
    root = ET.fromstring(text)  # noqa: S314 - ours
    assert root[0].tag == f"{XS}schema"
    tables = [each.get("name") for each in root[0].iter(f"{XS}element") if each.get("name", "").startswith("Table")]
    assert tables == ["Table", "Table1"]
    columns, rows = columns_in(text), rows_in(text)
    assert columns == {each: f"xs:{TYPES[kind]}" for each, kind in REPORTS[name][0].columns.items()}
    assert rows
    for row in rows:
        assert all(PARSERS[columns[each]](value) is not None for each, value in row.items())
    (words,) = rows_in(text, "Table1")
    names, values = words["name"].split("|"), words["description"].split("|")
    assert dict(zip(names, values, strict=True)) == REPORTS[name][0].words


def test_hosts_carried_what_was_there(view: View, store: Store) -> None:
    """CPU of each host and hour, summed up by hand: VMs count where they were before their moves and after."""
    series = profile(START, HOURS, seed=1).series
    assert series is not None
    rows = rows_in(report("pool_health_history", view, store, ReportRequest.of(DAY, NOW)))
    told = {(row["name"], row["start_time"]): float(row["avg_total_cpu"]) for row in rows}
    wanted = {}
    for hour in range(HOURS):
        moment = START + timedelta(hours=hour)
        moved = moment > MADE_AT
        where = {"a": "h2" if moved else "h1", "b": "h3" if moved else "h1", "c": "h2"}
        for host, base in zip(HOSTS, series.host_base_pcpu[:, hour], strict=True):
            if not np.isnan(base):
                there = [row[hour] for vm, row in zip(GUESTS, series.vm_pcpu, strict=True) if where[vm] == host]
                capacity = view.problem.cpu_capacity(POOL.hosts[host])
                total = base + sum(each for each in there if not np.isnan(each))
                wanted[host, f"{moment:%Y-%m-%dT%H:%M:%S}"] = pytest.approx(total / capacity, abs=2e-4)
    assert told == wanted


def test_moves_are_told(view: View, store: Store) -> None:
    """Who went where and when, on the clock of whoever asks; a day without moves has a row of its own."""
    rows = rows_in(report("vm_movement_history", view, store, ReportRequest.of({**DAY, "UTCOffset": "90"}, NOW)))
    moved = [row for row in rows if "id" in row]
    assert [(row["vmname"], row["from_hostname"], row["to_hostname"]) for row in moved] == [
        ("a", "h1", "h2"),
        ("b", "h1", "h3"),
    ]
    assert [row["move_time"] for row in moved] == ["2026-03-01T02:31:00", "2026-03-01T02:32:00"]
    assert [row for row in rows if "id" not in row] == [{"day": "2026-02-28T00:00:00"}]


def test_moves_stand_beside_the_load(view: View, store: Store) -> None:
    """The hour of the moves is marked in the history of optimisations."""
    rows = rows_in(report("optimization_performance_history", view, store, ReportRequest.of(DAY, NOW)))
    assert {row["hour"] for row in rows if row["optimized_moves"] != "0"} == {"2026-03-01 01:00"}
    assert {row["optimized_moves"] for row in rows} == {"0", "2"}


def test_a_report_of_a_host_is_of_no_other(view: View, store: Store) -> None:
    """By its uuid, in the pool that has it."""
    parms = {"Start": "-1", "End": "0", "HostID": "h2"}
    assert is_about(view, parms)
    assert not is_about(view, {"HostID": "h9"})
    assert not is_about(view, {})
    rows = rows_in(report("host_health_history", view, store, ReportRequest.of(parms, NOW)))
    assert {row["name"] for row in rows} == {"h2"}


@pytest.mark.parametrize(
    "parms",
    [{"Start": "x"}, {"Start": "0", "End": "-1"}, {"Start": "-92", "End": "0"}, {"UTCOffset": "9999"}, {"End": "1e9"}],
)
def test_times_that_are_none(parms: dict[str, str]) -> None:
    """No numbers, the wrong way round, too many days, and clocks that no place has."""
    with pytest.raises(NoSuchReport):
        ReportRequest.of(parms, NOW)


def test_reports_that_are_not_made(view: View, store: Store) -> None:
    """Another name, and a host that the pool does not have."""
    for name, host in (("pool_audit_history", "h1"), ("host_health_history", "h9")):
        with pytest.raises(NoSuchReport):
            report(name, view, store, ReportRequest.of({**DAY, "HostID": host}, NOW))


def test_levels_are_spaced_as_the_console_has_them() -> None:
    """At the threshold it is critical, at 85 % of it high, at half of it medium; memory by what is left."""
    assert [cpu_level(share, 0.8) for share in (0.9, 0.8, 0.7, 0.5, 0.1)] == [
        "Critical",
        "Critical",
        "High",
        "Medium",
        "Low",
    ]
    assert [memory_level(free, 10.0) for free in (0.0, 10.0, 12.0, 50.0, 5000.0)] == [
        "Critical",
        "Critical",
        "High",
        "Medium",
        "Low",
    ]


def test_names_cannot_become_markup() -> None:
    """Names of hosts and VMs are text, whatever stands in them."""
    layout = Layout(columns={"name": "text", "when": "time"}, words={"A": "<b>"})
    text = document(layout, [{"name": "<x>&\x00", "when": datetime(2026, 3, 1, 5, tzinfo=UTC)}, {}])
    assert rows_in(text) == [{"name": "<x>&?", "when": "2026-03-01T05:00:00"}, {}]
    assert rows_in(text, "Table1") == [{"name": "A", "description": "<b>"}]
