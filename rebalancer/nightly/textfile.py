"""How a night ended, for monitoring: a file that Prometheus' node_exporter picks up (textfile collector)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.nightly.result import NightlyResult
from rebalancer.plan import Plan

PREFIX = "rebalancer_nightly"
SUFFIX = ".prom"
READABLE = 0o644
"""node_exporter runs as somebody else."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
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


def write_textfile(night: Ended, path: Path) -> None:
    """Put the metrics of *night* in the place of *path* at once, so that nobody reads half of them.

    Raises:
        InputError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(textfile(night), encoding="utf-8")
        draft.chmod(READABLE)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Make room, or name another") from error


def textfile(night: Ended) -> str:
    """The metrics of *night* in Prometheus' text format."""
    return "".join(f"{line}\n" for metric in _metrics(night) for line in metric.lines({"policy": night.policy}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """One gauge: its name without the prefix, what it is, and its values by their labels."""

    name: str
    sentence: str
    values: Mapping[Labels, float]

    def lines(self, common: Mapping[str, str]) -> Iterator[str]:
        """Help, type and a line a value."""
        name = f"{PREFIX}_{self.name}"
        yield f"# HELP {name} {self.sentence}"
        yield f"# TYPE {name} gauge"
        for labels, value in self.values.items():
            text = ",".join(f'{key}="{_escaped(each)}"' for key, each in (*common.items(), *labels))
            yield f"{name}{{{text}}} {value:.15g}"


def _metrics(night: Ended) -> Iterator[_Metric]:
    """What there is to tell; of a night that ended with an error, when and how."""
    yield _one("end_timestamp_seconds", "When the last night ended.", night.ended.timestamp())
    yield _one("duration_seconds", "How long it took.", (night.ended - night.began).total_seconds())
    yield _one("exit_code", "How it ended, see the exit codes in docs/nightly.md.", night.exit_code)
    if night.result:
        yield _one("steps", "Migrations that it planned.", len(night.result.plan.steps))
        yield _one("steps_done", "Migrations that it carried out.", night.result.moved)
        yield _one(
            "moves_missing", "Moves of a better placement that had to be left out.", len(night.result.plan.missing)
        )
        yield from _of_plan(night.result.plan)


def _of_plan(plan: Plan) -> Iterator[_Metric]:
    """What the plan improves, as it claims."""
    before: dict[Labels, float] = {
        (("objective", tier.objective), ("unit", tier.unit)): tier.before for tier in plan.tiers
    }
    after: dict[Labels, float] = {
        (("objective", tier.objective), ("unit", tier.unit)): tier.after for tier in plan.tiers
    }
    if plan.tiers:
        yield _Metric(name="objective_before", sentence="Objectives as the night found them.", values=before)
        yield _Metric(name="objective_after", sentence="Objectives once its plan is done.", values=after)
    peaks: dict[Labels, float] = {
        (("host", row.name),): row.before.peak_share for row in plan.hosts if row.before.peak_share is not None
    }
    if peaks:
        yield _Metric(name="host_cpu_peak_ratio", sentence="Highest CPU load of a host, found.", values=peaks)


def _one(name: str, sentence: str, value: float) -> _Metric:
    """A metric without labels of its own."""
    return _Metric(name=name, sentence=sentence, values={(): value})


def _escaped(label: str) -> str:
    """The value of a label as the format wants it."""
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
