"""What is wrong with a plan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a plan is refused.

    `step` is the step's id, "" where the whole plan is meant; `state` tells which moment of the plan; `rule` is the
    rule that is broken, or what of the plan does not hold: digest, pool, expiry, policy, order, placement, tiers ...
    """

    step: str
    state: str
    rule: str
    words: str

    def __str__(self) -> str:
        """One sentence."""
        where = f"step {self.step}, {self.state}" if self.step else self.state
        return f"{where}: {self.words} [{self.rule}]"

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"step": self.step, "state": self.state, "rule": self.rule, "words": self.words}
