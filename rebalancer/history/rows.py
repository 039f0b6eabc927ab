"""Rows of the history out of plans, journals, nights and checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table

from rebalancer.execute.journal.entries import Entry, Intended, Looked, RunBegan, RunEnded
from rebalancer.execute.journal.past import experiences_in
from rebalancer.history.nights import HeadRoom, NightRecord
from rebalancer.history.outcome import LoadCheck
from rebalancer.history.tables import (
    CHECKED_HOSTS,
    CHECKS,
    ENDS,
    HOSTS,
    NIGHTS,
    OBJECTIVES,
    PLANS,
    RUNS,
    STEPS,
)
from rebalancer.plan import Plan
from rebalancer.sanitise import one_line

Row = dict[str, Any]
Rows = Mapping[Table, Sequence[Row]]


def rows_of_plan(plan: Plan) -> Rows:
    """What a plan tells."""
    return {
        PLANS: [_plan(plan)],
        OBJECTIVES: list(_objectives(plan)),
        HOSTS: list(_hosts(plan)),
        STEPS: list(_steps(plan)),
    }


def _plan(plan: Plan) -> Row:
    return {
        "plan": plan.digest,
        "pool_uuid": plan.made_from.pool,
        "pool_name": one_line(plan.made_from.pool_name),
        "policy": one_line(plan.policy.name),
        "made_at": plan.made_at,
        "outcome": plan.outcome,
        "summary": one_line(plan.summary),
        "threshold_share": plan.policy.objective.threshold,
        "missing_moves": len(plan.missing),
        "predicted_seconds": plan.schedule.seconds,
    }


def _objectives(plan: Plan) -> Iterator[Row]:
    for position, tier in enumerate(plan.tiers):
        yield {
            "plan": plan.digest,
            "position": position,
            "objective": tier.objective,
            "unit": tier.unit,
            "before": tier.before,
            "after": tier.after,
            "bound": tier.bound,
            "proved": tier.proved,
        }


def _hosts(plan: Plan) -> Iterator[Row]:
    for row in plan.hosts:
        yield {
            "plan": plan.digest,
            "host_uuid": row.uuid,
            "host": one_line(row.name),
            "peak_before_share": row.before.peak_share,
            "peak_after_share": row.after.peak_share,
            "overload_before_pcpu_hours": row.before.overload_pcpu_hours,
            "overload_after_pcpu_hours": row.after.overload_pcpu_hours,
            "memory_before_bytes": row.before.memory_used_bytes,
            "memory_after_bytes": row.after.memory_used_bytes,
            "memory_total_bytes": row.memory_total_bytes,
        }


def _steps(plan: Plan) -> Iterator[Row]:
    for step in plan.steps:
        yield {
            "plan": plan.digest,
            "step": step.id,
            "vm_uuid": step.vm,
            "vm": one_line(step.vm_name),
            "source_uuid": step.source,
            "source": one_line(step.source_name),
            "target_uuid": step.target,
            "target": one_line(step.target_name),
            "copied_bytes": step.copied_bytes,
            "predicted_seconds": step.seconds,
        }


def rows_of_journal(digest: str, entries: Sequence[Entry]) -> Rows:
    """What the journal of the plan with *digest* tells; nothing where no run began."""
    began = next((each for each in entries if isinstance(each, RunBegan)), None)
    if began is None:
        return {}
    turns = (each for each in reversed(entries) if isinstance(each, RunBegan | RunEnded))
    last = next(turns)
    end = last if isinstance(last, RunEnded) else None
    run = {
        "plan": digest,
        "pool_uuid": began.pool,
        "began_at": began.at,
        "last_at": entries[-1].at,
        "ended_at": end.at if end else None,
        "words": one_line(end.words) if end else "",
    }
    return {RUNS: [run], ENDS: list(_ends(digest, began.pool, entries))}


def _ends(digest: str, pool: str, entries: Sequence[Entry]) -> Iterator[Row]:
    """Looks that name a VM; what somebody said instead of a look (`resolve`) is told by the journal alone."""
    times = {id(look): each for look, each in experiences_in(entries, pool)}
    intended: dict[str, Intended] = {}
    for position, entry in enumerate(entries):
        if isinstance(entry, Intended):
            intended[entry.step] = entry
        call = intended.get(entry.step) if isinstance(entry, Looked) else None
        if isinstance(entry, Looked) and (entry.vm or call):
            took = times.get(id(entry))
            yield {
                "plan": digest,
                "position": position,
                "step": entry.step,
                "pool_uuid": pool,
                "vm_uuid": entry.vm or (call.vm if call else ""),
                "source_uuid": call.source if call else "",
                "target_uuid": call.target if call else "",
                "state": entry.state.value,
                "at": entry.at,
                "seconds": took.seconds if took else None,
                "wire_seconds": took.wire_seconds if took else None,
                "error": json.dumps(entry.error),
                "words": one_line(entry.words),
            }


def row_of_night(night: NightRecord) -> Row:
    """A night as `NIGHTS` has it."""
    return {
        "policy": one_line(night.policy),
        "began_at": night.began_at,
        "pool_uuid": night.pool,
        "pool_name": one_line(night.pool_name),
        "ended_at": night.ended_at,
        "exit_code": night.exit_code,
        "verdict": night.verdict,
        "words": one_line(night.words),
        "plan": night.plan,
        "folder": one_line(night.folder),
        "steps": night.steps,
        "done": night.done,
        **_room(night.room),
    }


def _room(room: HeadRoom | None) -> Row:
    names = ("capacity_pcpus", "busiest_pcpus", "memory_total_bytes", "memory_used_bytes")
    return {name: getattr(room, name) if room else None for name in names}


def rows_of_check(digest: str, check: LoadCheck) -> Rows:
    """What was measured after the run of the plan with *digest*."""
    row = {
        "plan": digest,
        "since": check.since,
        "until": check.until,
        "elsewhere": check.elsewhere,
        "overload_predicted_pcpu_hours": check.overload_predicted,
        "overload_measured_pcpu_hours": check.overload_measured,
        "overload_unmoved_pcpu_hours": check.overload_unmoved,
    }
    hosts = [
        {
            "plan": digest,
            "host_uuid": each.uuid,
            "host": one_line(each.name),
            "peak_predicted_share": each.predicted_share,
            "peak_measured_share": each.measured_share,
        }
        for each in check.hosts
    ]
    return {CHECKS: [row], CHECKED_HOSTS: hosts}


NIGHT_KEY = (NIGHTS.c.policy, NIGHTS.c.began_at, NIGHTS.c.pool_uuid)
"""What tells nights apart."""
