"""How a plan ended: `outcome.json` beside its plan.json, format `rebalancer-outcome/1`. No part of what is sealed.

What became of the steps is told by the journal (`ended`); this only says the same where people look for it, and what
was measured the day after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rebalancer.errors import HistoryError
from rebalancer.export.folder import OUTCOME_JSON
from rebalancer.export.planfile import PLAN_JSON
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import OUTCOME
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_whole
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.units import counted, moment_in_words

FORMAT = "rebalancer-outcome/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftStep:
    """A step that is not done: its last state and the reason, "" where it was never begun."""

    step: str
    vm: Uuid
    vm_name: str
    state: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHost:
    """The busiest hour of a host after a run, as a share of its pCPUs: as it was predicted, and as it came."""

    uuid: Uuid
    name: str
    predicted_share: float
    measured_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCheck:
    """The load of the hours from `since` to `until`, after a run.

    Overload is in pCPU-hours, all hosts together: as it was predicted, as it came, and as it would have come had
    nothing been moved. So many VMs are `elsewhere` than where the run left them.
    """

    since: datetime
    until: datetime
    elsewhere: int
    overload_predicted: float
    overload_measured: float
    overload_unmoved: float
    hosts: tuple[CheckedHost, ...] = ()

    @property
    def hours(self) -> float:
        """How many were measured."""
        return (self.until - self.since).total_seconds() / 3600

    @property
    def saved(self) -> float:
        """pCPU-hours of overload that the moves spared the pool."""
        return self.overload_unmoved - self.overload_measured


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """What became of the plan with the digest `plan`.

    Args:
        plan: the digest.
        verdict: of the night that made it; "" where no night did.
        ended_at: when it was known.
        words: how it ended, in words.
        done: ids of steps that are done.
        left: the others.
        check: the load of the day after, once that is known.
    """

    plan: str
    verdict: str = ""
    ended_at: datetime | None = None
    words: str = ""
    done: tuple[str, ...] = ()
    left: tuple[LeftStep, ...] = ()
    check: LoadCheck | None = None


def read_outcome(folder: Path) -> PlanOutcome | None:
    """The outcome in the plan folder *folder*; None where there is none that can be read."""
    try:
        raw = json_in(bytes_of(folder / OUTCOME_JSON, OUTCOME), OUTCOME)
        return _told(raw) if raw["format"] == FORMAT else None
    except (HistoryError, Unfit, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_outcome(outcome: PlanOutcome, folder: Path) -> None:
    """Write *outcome* to the plan folder *folder*; what an older one there tells beyond it stays.

    Raises:
        HistoryError: it cannot be written.
    """
    old = read_outcome(folder)
    if old and old.plan == outcome.plan:
        outcome = replace(outcome, verdict=outcome.verdict or old.verdict, check=outcome.check or old.check)
    text = json.dumps({"format": FORMAT, **asdict(outcome)}, default=datetime.isoformat, indent=2) + "\n"
    try:
        write_whole(folder / OUTCOME_JSON, text.encode())
    except OSError as error:
        raise HistoryError(str(folder), f"its outcome cannot be written: {error.strerror}", "Make room") from error


def outcome_in_words(plan: Plan, folder: Path) -> str:
    """How *plan* ended, by the outcome in its *folder*; "" where there is none, or that of another plan."""
    found = read_outcome(folder)
    if found is None or found.plan != plan.digest:
        return ""
    steps = f"{len(found.done)} of {counted(len(plan.steps), 'step')} done"
    at = f" at {moment_in_words(found.ended_at, plan.policy.timezone)}" if found.ended_at else ""
    words = f": {found.words}" if found.words else ""
    return f"How it ended{at}: {steps}{words}{_checked(found.check)}"


def _checked(check: LoadCheck | None) -> str:
    if check is None:
        return ""
    return (
        f"; {check.overload_measured:.1f} pCPU-hours of overload in the {check.hours:.0f} h after it, "
        f"{check.overload_predicted:.1f} predicted, {check.overload_unmoved:.1f} without its moves"
    )


def holds_plan(folder: Path) -> bool:
    """Whether *folder* is a plan folder."""
    return (folder / PLAN_JSON).is_file()


def _told(raw: Mapping[str, Any]) -> PlanOutcome:
    return PlanOutcome(
        plan=str(raw["plan"]),
        verdict=str(raw["verdict"]),
        ended_at=datetime.fromisoformat(raw["ended_at"]) if raw["ended_at"] else None,
        words=str(raw["words"]),
        done=tuple(map(str, raw["done"])),
        left=tuple(LeftStep(**{name: str(text) for name, text in each.items()}) for each in raw["left"]),
        check=_check(raw["check"]) if raw["check"] else None,
    )


def _check(raw: Mapping[str, Any]) -> LoadCheck:
    overloads = {name: float(raw[name]) for name in ("overload_predicted", "overload_measured", "overload_unmoved")}
    hosts = (
        CheckedHost(
            uuid=str(each["uuid"]),
            name=str(each["name"]),
            predicted_share=float(each["predicted_share"]),
            measured_share=float(each["measured_share"]),
        )
        for each in raw["hosts"]
    )
    since, until = (datetime.fromisoformat(raw[name]) for name in ("since", "until"))
    return LoadCheck(since=since, until=until, elsewhere=int(raw["elsewhere"]), **overloads, hosts=tuple(hosts))
