"""How a night ended, whichever way: for programs, for monitoring, and for whoever is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rebalancer.nightly.members import KnownPool
from rebalancer.nightly.result import NightlyResult, Verdict, no_result

FAILED = frozenset({1, 3, 4, 5, 6, 8})
"""Exit codes of nights that did not end as they should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEnd:
    """The end of a night.

    Args:
        policy: name of the policy file.
        pool: the pool as it was read last, tonight or before.
        began: when it began.
        ended: when it ended.
        exit_code: with which exit code.
        verdict: how, in lower case with underscores: a `Verdict`, or the error that ended it.
        result: its plan and what became of it, as far as it got; None where nothing was planned.
        done: how many steps of the plan are done.
        error: the error that ended it, in words; "" where none did.
        facts: the same as `error`, a line a fact, where it is more than one.
        journal: the journal of a run that an error ended; "" where there is none.
        next: what to type next, each after what it is for.
        timezone: IANA name of the zone in which it is told.
        told: to how many people, and pools, it was told.
        untold: why it was not told to others, each in words.
    """

    policy: str
    pool: KnownPool = field(default_factory=KnownPool)
    began: datetime
    ended: datetime
    exit_code: int
    verdict: str
    result: NightlyResult | None = None
    done: int = 0
    error: str = ""
    facts: tuple[str, ...] = ()
    journal: str = ""
    next: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    told: int = 0
    untold: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.exit_code in FAILED

    @property
    def left(self) -> int:
        """How many steps of its plan are not done."""
        return (len(self.result.plan.steps) if self.result else 0) - self.done

    @property
    def words(self) -> str:
        """How it ended, in a sentence."""
        return self.error or (str(self.result) if self.result else self.verdict.replace("_", " "))

    @property
    def lines(self) -> tuple[str, ...]:
        """How it ended, a line a fact."""
        if self.facts or self.error or not self.result:
            return self.facts or (self.words,)
        return self.result.lines

    def as_json(self) -> dict[str, object]:
        """For programs: the keys of `NightlyResult.as_json`, whatever became of the night, and how it ended."""
        made = self.result.as_json() if self.result else no_result(self.pool.uuid)
        error = {"error": self.verdict, "message": self.error} if self.error else {}
        mended = {"why": self.error, "journal": self.journal or made["journal"]} if self.error else {}
        ended = {"verdict": self.verdict, "moved": self.done, "left": self.left, "exit_code": int(self.exit_code)}
        told = {"told": self.told, "untold": list(self.untold), "policy": self.policy, "pool_name": self.pool.name}
        return {**made, **ended, **mended, **told, **error, **({"next": dict(self.next)} if self.next else {})}

    def ended_as(self, verdict: Verdict) -> bool:
        """Whether that is how it ended."""
        return self.verdict == verdict.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetEnd:
    """The end of the nights of a fleet: its name, when they began and ended, the worst exit code, and each of them."""

    name: str
    began: datetime
    ended: datetime
    exit_code: int
    nights: tuple[NightEnd, ...]
