"""State folders as nights leave them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rebalancer.execute import StepState, journal_path
from rebalancer.execute.journal.entries import Entry, Intended, Looked, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.export import write_plan
from rebalancer.history.nights import HeadRoom, NightRecord, append_night
from rebalancer.plan import Plan
from tests.execute.scripted import MADE_AT, plan_of
from tests.pools import make_host, make_pool, make_vm

POOL = make_pool(
    hosts=[make_host("h1"), make_host("h2"), make_host("h3")],
    vms=[make_vm("a", on="h1"), make_vm("b", on="h1"), make_vm("c", on="h2")],
)
PLAN = plan_of(POOL, ("a", "h2"), ("b", "h3"))
"""Moves a and b."""
DAY = timedelta(days=1)
ROOM = HeadRoom(capacity_pcpus=48.0, busiest_pcpus=30.0, memory_total_bytes=1 << 38, memory_used_bytes=1 << 37)
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def folder_of(plan: Plan, state: Path) -> Path:
    """Where nights keep *plan*."""
    return state / "plans" / plan.made_from.pool / f"{plan.made_at:%Y-%m-%dT%H%M%SZ}"


def keep_plan(plan: Plan, state: Path) -> Path:
    """Write *plan* as a night does; its folder."""
    write_plan(plan, folder_of(plan, state))
    return folder_of(plan, state)


def entries_of(
    plan: Plan, states: Mapping[str, StepState], *, at: datetime = MADE_AT, ended: bool = True
) -> list[Entry]:
    """What a run of *plan* writes that begins *at* a moment; each step takes a minute, and ends as *states* say."""
    entries: list[Entry] = [RunBegan(at=at, plan=plan.digest, pool=plan.made_from.pool, run="r")]
    for number, step in enumerate(plan.steps):
        if step.id not in states:
            continue
        begun, over, state = at + timedelta(minutes=number), at + timedelta(minutes=number + 1), states[step.id]
        error = () if state is StepState.MOVED else ("CANNOT_MIGRATE", "OpaqueRef:7")
        call = Intended(at=begun, step=step.id, vm=step.vm, source=step.source, target=step.target, wire_seconds=20.0)
        look = Looked(
            at=over,
            step=step.id,
            vm=step.vm,
            state=state,
            power_state="Running",
            resident_on=step.target,
            error=error,
        )
        entries += [call, Sent(at=begun, step=step.id, task="OpaqueRef:1"), look]
    return [*entries, RunEnded(at=entries[-1].at, words="all steps are done")] if ended else entries


def write_journal(path: Path, *entries: Entry) -> Path:
    """Add *entries* to the journal at *path*."""
    with Journal(path) as journal:
        for entry in entries:
            journal.append(entry)
    return path


def night_of(plan: Plan, state: Path, *, done: int, verdict: str = "done") -> NightRecord:
    """The night that made *plan* and carried so many of its steps out."""
    return NightRecord(
        policy="nightly.toml",
        pool=plan.made_from.pool,
        pool_name=plan.made_from.pool_name,
        began_at=plan.made_at,
        ended_at=plan.made_at + timedelta(minutes=9),
        exit_code=0,
        verdict=verdict,
        words="the plan is carried out",
        plan=plan.digest,
        folder=str(folder_of(plan, state)),
        steps=len(plan.steps),
        done=done,
        room=ROOM,
    )


def live_through(state: Path, plan: Plan = PLAN, states: Mapping[str, StepState] | None = None) -> NightRecord:
    """Leave behind what a night leaves that carried *plan* out, with its steps in *states*; all moved by default."""
    came = dict.fromkeys((step.id for step in plan.steps), StepState.MOVED) if states is None else states
    keep_plan(plan, state)
    write_journal(journal_path(plan.digest, state), *entries_of(plan, came, at=plan.made_at))
    night = night_of(plan, state, done=list(came.values()).count(StepState.MOVED))
    append_night(night, state)
    return night
