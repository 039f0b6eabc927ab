"""How a night ended, for monitoring: a file that Prometheus' node_exporter picks up (textfile collector)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from rebalancer.errors import InputError
from rebalancer.files.writing import PUBLIC, write_whole
from rebalancer.nightly.ending import FleetEnd, NightEnd
from rebalancer.plan import Plan
from rebalancer.sanitise import one_line

PREFIX = "rebalancer_nightly"
SUFFIX = ".prom"

Values = Mapping[tuple[str, ...], float]
"""By the values of labels."""


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
    _write(textfile(night), path)


def write_fleet_textfile(fleet: FleetEnd, path: Path) -> None:
    """Put the metrics of *fleet* as a whole in the place of *path*.

    Raises:
        InputError: it cannot be written.
    """
    gauges = _Gauges("rebalancer_fleet", {"fleet": fleet.name})
    gauges.put("end_timestamp_seconds", "When the last night of the fleet ended.", fleet.ended.timestamp())
    gauges.put("duration_seconds", "How long it took.", (fleet.ended - fleet.began).total_seconds())
    gauges.put("exit_code", "The worst of its pools, see the exit codes in docs/nightly.md.", fleet.exit_code)
    gauges.put("pools", "Pools that it looks after.", len(fleet.nights))
    gauges.put("pools_failed", "Pools whose nights failed.", sum(each.failed for each in fleet.nights))
    gauges.put("steps_done", "Migrations that were carried out.", sum(each.done for each in fleet.nights))
    gauges.put("steps_left", "Migrations that were planned and not.", sum(each.left for each in fleet.nights))
    _write(generate_latest(gauges.registry), path)


def _write(text: bytes, path: Path) -> None:
    try:
        write_whole(path, text, mode=PUBLIC)  # node_exporter runs as somebody else
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Make room, or name another") from error


def textfile(night: NightEnd) -> bytes:
    """The metrics of *night* in Prometheus' text format, with the figures of its plan, if there is one."""
    gauges = _Gauges(PREFIX, {"pool": night.pool.name, "pool_uuid": night.pool.uuid, "policy": night.policy})
    gauges.put("end_timestamp_seconds", "When the last night ended.", night.ended.timestamp())
    gauges.put("duration_seconds", "How long it took.", (night.ended - night.began).total_seconds())
    gauges.put("exit_code", "How it ended, see the exit codes in docs/nightly.md.", night.exit_code)
    gauges.put_each("verdict", "1 for how it ended, in words.", ("verdict",), {(night.verdict,): 1.0})
    plan = night.result.plan if night.result else None
    planned = len(plan.steps) if plan else 0
    gauges.put("steps", "Migrations that it planned.", planned)
    gauges.put("steps_done", "Migrations that it carried out.", night.done)
    gauges.put("steps_left", "Migrations that it planned and did not carry out.", planned - night.done)
    missing = len(plan.missing) if plan else 0
    gauges.put("moves_missing", "Moves of a better placement that had to be left out.", missing)
    cut = bool(night.result and night.result.cut)
    gauges.put("limits_cut_plan", "1 where limits of the policy cut the plan.", cut)
    gauges.put("notifications_sent", "To how many it was told how it ended.", night.told)
    gauges.put("notifications_failed", "To how many it was not told, though it should have been.", len(night.untold))
    if plan:
        before: Values = {(tier.objective, tier.unit): tier.before for tier in plan.tiers}
        after: Values = {(tier.objective, tier.unit): tier.after for tier in plan.tiers}
        found = {(row.name, row.uuid): (row.before.peak_share, row.after.peak_share) for row in plan.hosts}
        peaks: Values = {host: share for host, (share, _) in found.items() if share is not None}
        planned_peaks: Values = {host: share for host, (_, share) in found.items() if share is not None}
        gauges.put_each("objective_before", "Objectives as the night found them.", ("objective", "unit"), before)
        gauges.put_each("objective_after", "Objectives once its plan is done.", ("objective", "unit"), after)
        of_host = "host", "host_uuid"
        gauges.put_each("host_cpu_peak_ratio", "Highest CPU load of a host, found.", of_host, peaks)
        gauges.put_each("host_cpu_peak_planned_ratio", "The same once its plan is done.", of_host, planned_peaks)
        _put_left_alone(gauges, plan)
    return generate_latest(gauges.registry)


def _put_left_alone(gauges: _Gauges, plan: Plan) -> None:
    """VMs whose moves failed so often that *plan* leaves them alone."""
    names = plan.made_from.names or {}
    alone = {(names.get(each.vm, each.vm), each.vm): each for each in plan.policy.cooling if each.failed_at}
    since: Values = {vm: each.failed_at.timestamp() for vm, each in alone.items() if each.failed_at}
    until: Values = {vm: each.until.timestamp() for vm, each in alone.items()}
    of_vm = "vm", "vm_uuid"
    gauges.put_each("vm_left_alone_since_timestamp_seconds", "When the move of a VM failed last.", of_vm, since)
    gauges.put_each("vm_left_alone_until_timestamp_seconds", "When it is tried again at the earliest.", of_vm, until)


class _Gauges:
    """Gauges with labels whose values are the same for all, and labels of their own."""

    def __init__(self, prefix: str, common: Mapping[str, str]) -> None:
        self.registry, self._prefix, self._common = CollectorRegistry(), prefix, common

    def put(self, name: str, sentence: str, value: float) -> None:
        self.put_each(name, sentence, (), {(): value})

    def put_each(self, name: str, sentence: str, labels: tuple[str, ...], values: Values) -> None:
        """A gauge with a value for each tuple of label values, and no gauge where there is no value."""
        if values:
            gauge = Gauge(f"{self._prefix}_{name}", sentence, (*self._common, *labels), registry=self.registry)
            for of, value in values.items():
                gauge.labels(*map(one_line, (*self._common.values(), *of))).set(value)
