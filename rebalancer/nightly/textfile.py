"""How a night ended, for monitoring: a file that Prometheus' node_exporter picks up (textfile collector)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from rebalancer.errors import InputError
from rebalancer.files.writing import PUBLIC, write_whole
from rebalancer.nightly.result import NightlyResult
from rebalancer.sanitise import one_line

PREFIX = "rebalancer_nightly"
SUFFIX = ".prom"

Values = Mapping[tuple[str, ...], float]
"""By the values of labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEnd:
    """The end of a night: which policy, between when, with which exit code; *result* where it was no error."""

    policy: str
    began: datetime
    ended: datetime
    exit_code: int
    result: NightlyResult | None = None


def assert_collectable(path: Path) -> None:
    """Pass if *path* can become a textfile, which is to be known before anything is moved.

    Raises:
        InputError: it has another suffix than the collector reads, or its folder is not there or not writable.
    """
    if path.suffix != SUFFIX:
        raise InputError(
            str(path), f"the collector reads files that end in {SUFFIX}", f"Name one that ends in {SUFFIX}"
        )
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        remedy = "Name a file in the folder of node_exporter's --collector.textfile.directory"
        raise InputError(str(path), "its folder is not there, or may not be written to", remedy)


def write_textfile(night: NightEnd, path: Path) -> None:
    """Put the metrics of *night* in the place of *path* at once, so that nobody reads half of them.

    Raises:
        InputError: it cannot be written.
    """
    try:
        write_whole(path, textfile(night), mode=PUBLIC)  # node_exporter runs as somebody else
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Make room, or name another") from error


def textfile(night: NightEnd) -> bytes:
    """The metrics of *night* in Prometheus' text format; of a night that ended with an error, when and how."""
    gauges = _Gauges(night.policy)
    gauges.put("end_timestamp_seconds", "When the last night ended.", night.ended.timestamp())
    gauges.put("duration_seconds", "How long it took.", (night.ended - night.began).total_seconds())
    gauges.put("exit_code", "How it ended, see the exit codes in docs/nightly.md.", night.exit_code)
    if night.result:
        plan = night.result.plan
        gauges.put("steps", "Migrations that it planned.", len(plan.steps))
        gauges.put("steps_done", "Migrations that it carried out.", night.result.moved)
        gauges.put("moves_missing", "Moves of a better placement that had to be left out.", len(plan.missing))
        before: Values = {(tier.objective, tier.unit): tier.before for tier in plan.tiers}
        after: Values = {(tier.objective, tier.unit): tier.after for tier in plan.tiers}
        peaks: Values = {(row.name,): row.before.peak_share for row in plan.hosts if row.before.peak_share is not None}
        gauges.put_each("objective_before", "Objectives as the night found them.", ("objective", "unit"), before)
        gauges.put_each("objective_after", "Objectives once its plan is done.", ("objective", "unit"), after)
        gauges.put_each("host_cpu_peak_ratio", "Highest CPU load of a host, found.", ("host",), peaks)
    return generate_latest(gauges.registry)


class _Gauges:
    def __init__(self, policy: str) -> None:
        self.registry, self._policy = CollectorRegistry(), policy

    def put(self, name: str, sentence: str, value: float) -> None:
        self.put_each(name, sentence, (), {(): value})

    def put_each(self, name: str, sentence: str, labels: tuple[str, ...], values: Values) -> None:
        """A gauge with a value for each tuple of label values, and no gauge where there is no value."""
        if values:
            gauge = Gauge(f"{PREFIX}_{name}", sentence, ("policy", *labels), registry=self.registry)
            for of, value in values.items():
                gauge.labels(*map(one_line, (self._policy, *of))).set(value)
