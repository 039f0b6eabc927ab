"""What is wrong with a plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What sort of thing is wrong.

    ILLEGAL: a rule refuses a step or a state, or a limit of the policy the whole plan. MISPLACED: a step does not start
    or lead where pool or plan have it. CLAIM: figures, words, reasons or times come out otherwise when computed again.
    FORM: rows, ids or relations do not stand as they do in every plan. SEAL: digest, format, pool, expiry or policy do
    not hold.
    """

    ILLEGAL = "illegal"
    MISPLACED = "misplaced"
    CLAIM = "claim"
    FORM = "form"
    SEAL = "seal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a plan is refused.

    `step` is the step's id, "" where the whole plan is meant; `state` tells which moment of the plan; `rule` is the
    rule that is broken, or what of the plan does not hold: digest, pool, expiry, policy, placement, tiers ...
    """

    kind: FindingKind
    step: str
    state: str
    rule: str
    words: str

    def __str__(self) -> str:
        """One sentence."""
        where = f"step {self.step}, {self.state}" if self.step else self.state
        return f"{where}: {self.words} [{self.rule}]"

    def as_json(self) -> dict[str, str]:
        """The finding as a JSON object for programs."""
        return asdict(self) | {"kind": self.kind.value}
