"""Whether a stage may go on, where each waits for an approval of its own, or one was planned anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rebalancer.approval import APPROVAL_JSON, Demands, assert_approved
from rebalancer.errors import ApprovalRefused
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.policy import Policy
from rebalancer.policy.rolling import Approve
from rebalancer.units import first_few

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageApproval:
    """What is asked of stages by a *policy* that *demands* approvals, or does not.

    Args:
        policy: says whether each stage is asked for by itself.
        demands: whether a written approval has to be there, and who may sign it.
        ask: puts a question to somebody at the terminal; None where nobody is there.
    """

    policy: Policy
    demands: Demands
    ask: Callable[[str], bool] | None

    def __call__(self, stage: KeptStage, *, before: bool) -> bool:
        """Whether somebody says yes to the plan of *stage*, now or *before*; False where nobody has to.

        Raises:
            ApprovalRefused: an approval is missing, or not for this plan; or somebody says no.
        """
        if not self._is_asked(stage):
            return False
        if self.demands.approval or (stage.folder / APPROVAL_JSON).exists() or not (before or self.ask):
            assert_approved(stage.plan, stage.folder, replace(self.demands, approval=True))
            return False
        if before or (self.ask and self.ask(_question(stage))):
            return True
        raise ApprovalRefused(str(stage.folder), "nobody said yes to it", "Look at it, then type the same again")

    def _is_asked(self, stage: KeptStage) -> bool:
        """Whether the approval of all stages together does not cover *stage* as it is carried out."""
        return self.policy.rolling.approve is Approve.STAGE or (self.demands.approval and stage.times_anew > 0)


def _question(stage: KeptStage) -> str:
    off = [each.vm_name for each in stage.shut_down]
    down = f"; {first_few(off, SHOWN)} would be shut down meanwhile" if off else ""
    return f"{stage.folder.name}: {stage.plan.summary}{down} ({stage.folder}). Carry it out?"
