"""What a run tells while it runs; it does not listen to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebalancer.execute.journal.journal import Looked

if TYPE_CHECKING:
    from rebalancer.execute.result import RunResult
    from rebalancer.plan import Plan, Step


class RunReporter:
    """Hears of everything and does nothing; override what you want to show."""

    def run_began(self, plan: Plan, differences: Sequence[str]) -> None:
        """The pool was checked; *differences* are those that leave the plan legal."""

    def step_began(self, step: Step) -> None:
        """The look before *step* comes next."""

    def step_waits(self, step: Step, why: str) -> None:
        """Nothing can be done for *step* just now; told once a reason."""

    def step_progress(self, step: Step, progress: float) -> None:
        """The migration of *step* has got so far, 0 to 1, as XAPI estimates."""

    def step_ended(self, step: Step, looked: Looked) -> None:
        """What the pool shows after *step*."""

    def stopping(self, why: str) -> None:
        """Nothing more will be started."""

    def run_ended(self, result: RunResult) -> None:
        """The run has ended without a reason for people to look."""
