"""Alert rules and dashboard: what they read is what nights write, and Prometheus' own tool takes all of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rebalancer.nightly import KnownPool, NightEnd, NightlyResult, Verdict, textfile
from rebalancer.policy import CoolingPolicy
from tests.conftest import ROOT
from tests.planner.busy import PLAN

FOLDER = ROOT / "rebalancer" / "nightly"
ALERTS, DASHBOARD = FOLDER / "rebalancer-alerts.yml", FOLDER / "rebalancer-dashboard.json"
NAME = re.compile(r"\brebalancer_nightly_\w+")
NEEDS_PROMTOOL = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")


def written() -> str:
    """What a night writes whose plan has everything, a VM that is left alone among it."""
    vm = PLAN.steps[0].vm
    alone = CoolingPolicy(vm=vm, failed_at=PLAN.made_at, failed_with="WORDS", until=PLAN.made_at + timedelta(days=4.5))
    policy = PLAN.policy.model_copy(update={"cooling": (alone,)})
    plan = replace(PLAN, made_from=replace(PLAN.made_from, policy=policy, names={vm: "db-01"}))
    night = NightEnd(
        policy="nightly.toml",
        pool=KnownPool(uuid="0a1b", name="west"),
        began=plan.made_at,
        ended=plan.made_at + timedelta(minutes=5),
        exit_code=0,
        verdict="planned",
        result=NightlyResult(verdict=Verdict.PLANNED, plan=plan, folder=Path("plan")),
    )
    return textfile(night).decode()


def test_all_that_they_read_is_written() -> None:
    """By name, in rules and in every panel; and the dashboard leaves nothing out."""
    names = {each.name for each in text_string_to_metric_families(written())}
    assert set(NAME.findall(ALERTS.read_text(encoding="utf-8"))) <= names
    dashboard = DASHBOARD.read_text(encoding="utf-8")
    panels = json.loads(dashboard)["panels"]
    assert all(NAME.search(each["expr"]) for panel in panels for each in panel["targets"])
    assert set(NAME.findall(dashboard)) == names


def test_a_vm_that_is_left_alone_is_told_by_name() -> None:
    """Since when, and until when."""
    told = {each.name: each.samples for each in text_string_to_metric_families(written())}
    (since,) = told["rebalancer_nightly_vm_left_alone_since_timestamp_seconds"]
    (until,) = told["rebalancer_nightly_vm_left_alone_until_timestamp_seconds"]
    assert since.labels["vm"] == until.labels["vm"] == "db-01"
    assert until.value - since.value == 4.5 * 86400


def test_the_docs_name_every_metric() -> None:
    """docs/nightly.md has a row for it."""
    page = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
    assert {each.name for each in text_string_to_metric_families(written())} <= set(NAME.findall(page))


def test_panels_do_not_cover_each_other() -> None:
    """Each has a place of its own on Grafana's 24 columns, and an id of its own."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = [
        (x, y)
        for each in panels
        for x in range(each["gridPos"]["x"], each["gridPos"]["x"] + each["gridPos"]["w"])
        for y in range(each["gridPos"]["y"], each["gridPos"]["y"] + each["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({each["id"] for each in panels}) == len(panels)


@NEEDS_PROMTOOL
def test_prometheus_takes_the_metrics() -> None:
    """`promtool check metrics` reads the file and complains about nothing."""
    ended = subprocess.run(
        ["promtool", "check", "metrics"], input=written(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@NEEDS_PROMTOOL
def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    """`promtool check rules` finds them sound, and each fires where it should and not where it should not."""
    for file in (ALERTS, Path(__file__).with_name("alerts_test.yml")):
        shutil.copy(file, tmp_path)
    for words in (["check", "rules", ALERTS.name], ["test", "rules", "alerts_test.yml"]):
        ended = subprocess.run(["promtool", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
