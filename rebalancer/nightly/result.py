"""What a nightly run came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from rebalancer.errors import MetricsRefused
from rebalancer.execute import RunResult
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, cut_by_limits
from rebalancer.units import counted, moment_in_words


class Verdict(Enum):
    """How the night ended, where it ended well; every other end is an error of its own."""

    NOTHING_TO_DO = "nothing to do"
    PLANNED = "planned, and not to be executed"
    UNAPPROVED = "planned, and waits to be approved"
    OUTSIDE = "planned, and no change window is open"
    DONE = "the plan is carried out"
    CUT = "the plan is carried out, as far as the limits of the policy let it go"
    OUT_OF_TIME = "the change window closes before the next step would end"
    SET_ASIDE = "what is left failed, or waits for what failed; its VMs are where they were"
    HELD = "the VMs of what is left are blocked or busy"
    ON_HOLD = "the pool is on hold"
    CHANGED = "the pool changed while the plan was carried out"
    OVERLOADED = "a host is busier than the plan predicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyResult:
    """The plan of a night and what became of it.

    Args:
        verdict: how it ended.
        plan: the plan; it may have no steps.
        folder: where it was written.
        run: the run, None where nothing was carried out.
        refused: why there were no metrics, for a plan that does without.
        opens_at: when the next change window opens, where none is open.
    """

    verdict: Verdict
    plan: Plan
    folder: Path
    run: RunResult | None = None
    refused: MetricsRefused | None = None
    opens_at: datetime | None = None

    @property
    def moved(self) -> int:
        """How many steps are done."""
        return len(self.run.done) if self.run else 0

    @property
    def cut(self) -> str:
        """That limits of the policy cut the plan, and what stays undone for it; "" where they do not."""
        return cut_by_limits(self.plan)

    @property
    def left(self) -> int:
        """How many steps of the plan are not done."""
        return len(self.plan.steps) - self.moved

    @property
    def left_alone(self) -> tuple[str, ...]:
        """The VMs that stay because their moves failed, a sentence each."""
        names, steps = self.plan.made_from.names or {}, {step.vm for step in self.plan.steps}
        alone = (each for each in self.plan.policy.cooling if each.failed_at and each.vm not in steps)
        return tuple(f"VM {names.get(each.vm, each.vm)}: {each.words(self.plan.policy.timezone)}" for each in alone)

    def as_json(self) -> dict[str, object]:
        """For programs: plain values, times in UTC."""
        journal = self.run.journal if self.run else None
        return {
            "verdict": self.verdict.name.lower(),
            "pool": self.plan.made_from.pool,
            "plan": self.plan.digest,
            "summary": self.plan.summary,
            "folder": str(self.folder),
            "steps": len(self.plan.steps),
            "moved": self.moved,
            "left": self.left,
            "missing": len(self.plan.missing),
            "cut": self.cut,
            "held": [asdict(each) for each in self.plan.held],
            "left_alone": list(self.left_alone),
            "late": list(self.plan.schedule.late),
            "why": self.run.why if self.run else "",
            "waits": [asdict(each) for each in self.run.held] if self.run else [],
            "journal": str(journal) if journal else None,
            "refused": str(self.refused) if self.refused else None,
            "opens_at": self.opens_at.astimezone(UTC).isoformat() if self.opens_at else None,
        }

    @property
    def lines(self) -> tuple[str, ...]:
        """How it ended, and what is left, a line a fact."""
        steps = f"{self.moved} of {counted(len(self.plan.steps), 'step')} done: " if self.plan.steps else ""
        why = f": {self.run.why}" if self.run and self.run.why else ""
        count, zone = len(self.plan.missing), self.plan.policy.timezone
        facts = (
            f"pool {self.plan.made_from.pool_name}: {steps}{self.verdict.value}{why}",
            f"{counted(count, 'move is', 'moves are')} missing from the plan" if count else "",
            self.cut,
            f"the next change window opens at {moment_in_words(self.opens_at, zone)}" if self.opens_at else "",
            *(map(str, self.run.held) if self.run else ()),
        )
        return tuple(each for each in facts if each)

    def __str__(self) -> str:
        """One sentence for the log."""
        return "; ".join(self.lines)


def no_result(pool: Uuid) -> dict[str, object]:
    """What `NightlyResult.as_json` says of a night that came to no plan for *pool*, "" where that was never read."""
    nothing: dict[str, object] = dict.fromkeys(("plan", "folder", "journal", "refused", "opens_at"))
    counts = dict.fromkeys(("steps", "moved", "left", "missing"), 0)
    lists: dict[str, object] = {"held": [], "left_alone": [], "late": [], "waits": []}
    return {"verdict": "", "pool": pool, "summary": "", "cut": "", "why": "", **nothing, **counts, **lists}
