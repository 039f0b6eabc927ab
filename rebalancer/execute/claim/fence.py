"""A mark on each VM whose call may be under way: `rebalancer:step` in its `other_config`, added right before the call.

No call leaves without it. So a VM without the mark has had no call sent for it, and one with a mark of a run that is
dead may have: that is how resume knows what a kill left behind, and another run what it must not touch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final, Self

from rebalancer.errors import RefusedByXapi, XapiError
from rebalancer.execute.claim.claim import Claim
from rebalancer.execute.live import Live
from rebalancer.inventory import Uuid
from rebalancer.plan import Step
from rebalancer.sanitise import one_line

STEP: Final = "rebalancer:step"
TAKEN: Final = "the VM has a mark of another step, whose call may be under way"
LOST: Final = "the lock in the pool is not this run's any more"


class NotAdmitted(Exception):
    """A call must not be sent, because another run may be at the VM, or at the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose call may be under way; `toolstacks` are those it was sent to, see `toolstacks_of`."""

    run: str
    step: str
    plan: str
    toolstacks: tuple[str, ...] = ()

    @classmethod
    def told(cls, text: str) -> Self:
        """What *text* says; of a text that is none of ours, nothing."""
        try:
            raw = json.loads(text)
            words = {name: one_line(str(raw[name])) for name in ("run", "step", "plan")}
            return cls(**words, toolstacks=tuple(map(str, raw["toolstacks"])))
        except (ValueError, LookupError, TypeError, RecursionError):
            return cls(run="", step="", plan="")

    @property
    def text(self) -> str:
        """The value of the key."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"step {self.step} of run {self.run}" if self.run else "nobody knows whose"


@dataclass(slots=True, kw_only=True)
class Fences:
    """The marks of the run of *claim*, of the plan with digest *plan*.

    `up` are the VMs that have one of its own: surely, or perhaps, where the pool fell silent over it.
    """

    claim: Claim
    live: Live
    plan: str
    up: dict[Uuid, bool] = field(default_factory=dict)

    def raise_for(self, step: Step, toolstacks: tuple[str, ...]) -> None:
        """Mark the VM of *step*, whose call follows at once, and see that the locks are still ours.

        Raises:
            NotAdmitted: the VM has a mark already, or a lock is gone.
            RefusedByXapi: the user may not write `other_config`.
            XapiError: nobody knows; nothing may be sent.
        """
        if not self.claim.held:
            return
        text = Mark(run=self.claim.run, step=step.id, plan=self.plan, toolstacks=toolstacks).text
        self.up[step.vm] = False
        if not self.live.marks.add_to_vm(step.vm, STEP, text) and self._there(step.vm) != text:
            self.leave(step.vm)
            raise NotAdmitted(TAKEN)
        self.up[step.vm] = True
        if not self.claim.is_ours():
            raise NotAdmitted(LOST)

    def is_own(self, mark: Mark) -> bool:
        """Whether *mark* is of this run, or of one that it takes up."""
        return (mark.run, mark.plan) == (self.claim.run, self.plan)

    def has_left(self, marks: Mapping[str, str]) -> bool:
        """Whether a mark of this run is among the *marks* of a VM."""
        return self.is_own(Mark.told(marks.get(STEP, "")))

    def take_over(self, vm: Uuid) -> None:
        """Count the mark on *vm* as our own, if it is that of a run that is taken up."""
        self.up[vm] = False

    def lower(self, vm: Uuid) -> None:
        """Remove our own mark from *vm*, once it is known what became of its call; else `lower_all` tries again."""
        if vm not in self.up:
            return
        with suppress(XapiError):
            if (self.up[vm] and not self.claim.lost) or self._is_ours(vm):
                self.remove(vm)
            self.leave(vm)

    def lower_all(self) -> None:
        """Remove what could not be removed before."""
        for vm in sorted(self.up):
            self.lower(vm)

    def lower_of_same(self, step: Step, marks: Mapping[str, str]) -> None:
        """Remove the mark that another run of the same plan left on a VM, which is where *step* leads by now."""
        mark = Mark.told(marks.get(STEP, ""))
        if (mark.step, mark.plan) == (step.id, self.plan):
            with suppress(XapiError):
                self.remove(step.vm)

    def leave(self, vm: Uuid) -> None:
        """Let the mark stay for whoever finds out what became of the call."""
        self.up.pop(vm, None)

    def remove(self, vm: Uuid) -> None:
        """Remove whatever mark *vm* has; a VM that the pool has lost has none."""
        with suppress(RefusedByXapi):
            self.live.marks.remove_from_vm(vm, STEP)

    def _is_ours(self, vm: Uuid) -> bool:
        with suppress(RefusedByXapi):
            return self.has_left(self.live.whereabouts(vm).marks)
        return False

    def _there(self, vm: Uuid) -> str | None:
        return self.live.whereabouts(vm).marks.get(STEP)
