"""What monitoring reads of a night: Prometheus' text format, whole or not at all."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.errors import InputError
from rebalancer.nightly import Ended, NightlyResult, Verdict, assert_collectable, textfile, write_textfile
from tests.planner.busy import PLAN

BEGAN = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
FAILED = Ended(policy="nightly.toml", began=BEGAN, ended=BEGAN + timedelta(seconds=90), exit_code=6)
PLANNED = replace(FAILED, exit_code=0, result=NightlyResult(verdict=Verdict.PLANNED, plan=PLAN, folder=Path("plan")))
SAMPLE = re.compile(r'^(rebalancer_nightly_\w+)\{((?:\w+="(?:[^"\\\n]|\\.)*",?)+)\} (-?\d[\d.e+-]*)$')
"""A line of the text format 0.0.4."""


def values(night: Ended) -> dict[tuple[str, str], float]:
    """The samples by name and labels; every other line is the help or the type of one."""
    samples = {}
    for line in textfile(night).splitlines():
        if not re.match(r"# (HELP|TYPE) rebalancer_nightly_\w+ .", line):
            found = SAMPLE.match(line)
            assert found, line
            samples[found[1], found[2]] = float(found[3])
    return samples


def test_a_night_that_failed_tells_when_and_how() -> None:
    """And nothing of a plan that it does not have."""
    policy = 'policy="nightly.toml"'
    assert values(FAILED) == {
        ("rebalancer_nightly_end_timestamp_seconds", policy): FAILED.ended.timestamp(),
        ("rebalancer_nightly_duration_seconds", policy): 90,
        ("rebalancer_nightly_exit_code", policy): 6,
    }


def test_a_plan_is_told_by_its_figures() -> None:
    """Steps, objectives and hosts come out as the plan has them."""
    found = values(PLANNED)
    assert found["rebalancer_nightly_steps", 'policy="nightly.toml"'] == len(PLAN.steps)
    assert found["rebalancer_nightly_steps_done", 'policy="nightly.toml"'] == 0
    for tier in PLAN.tiers:
        labels = f'policy="nightly.toml",objective="{tier.objective}",unit="{tier.unit}"'
        assert found["rebalancer_nightly_objective_before", labels] == pytest.approx(tier.before)
        assert found["rebalancer_nightly_objective_after", labels] == pytest.approx(tier.after)
    for row in PLAN.hosts:
        labels = f'policy="nightly.toml",host="{row.name}"'
        assert found["rebalancer_nightly_host_cpu_peak_ratio", labels] == pytest.approx(row.before.peak_share)


def test_names_break_no_line() -> None:
    """A host may be called anything."""
    row = replace(PLAN.hosts[0], name='a"b\\c\nd')
    assert PLANNED.result
    odd = replace(PLANNED, result=replace(PLANNED.result, plan=replace(PLAN, hosts=(row,))))
    assert ("rebalancer_nightly_host_cpu_peak_ratio", r'policy="nightly.toml",host="a\"b\\c\nd"') in values(odd)


def test_it_is_replaced_at_once_and_others_may_read_it(tmp_path: Path) -> None:
    """Nothing else is left in the folder, which the collector reads as well."""
    path = tmp_path / "rebalancer.prom"
    for night in (FAILED, PLANNED):
        write_textfile(night, path)
        assert path.read_text(encoding="utf-8") == textfile(night)
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
