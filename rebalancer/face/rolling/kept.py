"""The way through all hosts as it is kept in the state folder, from its first stage until its last one is done."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from rebalancer.approval import Demands, approval_of
from rebalancer.errors import EditedPlan, InputError
from rebalancer.execute import state_folder
from rebalancer.execute.journal.folders import make_state_folder, plain_uuid
from rebalancer.export import read_plan, write_plan
from rebalancer.face.hosts import RollingPlans
from rebalancer.files.writing import write_new
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.whatif.itinerary import Purpose
from rebalancer.whatif.pinned import ShutDown
from rebalancer.whatif.rolling_index import RollingIndex, read_rolling, rolling_digest, stage_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStage:
    """A stage, numbered from 1; its plan stands in `folder`, and `shut_down` are VMs that cannot leave its host.

    The plan is the one as it was approved, or, `times_anew` above 0, the one that was made anew so many times.
    """

    number: int
    purpose: Purpose
    host: Uuid
    host_name: str
    folder: Path
    plan: Plan
    shut_down: tuple[ShutDown, ...] = ()
    times_anew: int = 0

    def planned_anew(self, plan: Plan, folder: Path, times: int) -> KeptStage:
        """The stage with another *plan*, which stands in *folder*; VMs that this one moves are not shut down."""
        there = plan.predicted.host_of
        staying = tuple(each for each in self.shut_down if there.get(each.vm) == self.host)
        return replace(self, plan=plan, folder=folder, shut_down=staying, times_anew=times)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRolling:
    """What is kept of the work on all hosts of a pool, in its *folder*: the itinerary, and the trace beside it."""

    folder: Path

    @classmethod
    def of(cls, pool: Uuid, state_dir: Path | None) -> Self:
        """That of *pool*; there may be none yet."""
        return cls(folder=state_folder(state_dir) / "rolling" / plain_uuid(pool))

    @property
    def itinerary(self) -> Path:
        """The folder with the index and a plan folder for each stage."""
        return self.folder / "itinerary"

    @property
    def trace(self) -> Path:
        """The file that tells what has happened."""
        return self.folder / "trace.jsonl"

    @property
    def is_begun(self) -> bool:
        """Whether there is an itinerary: what was written half before is none."""
        return self.itinerary.exists()

    @property
    def is_given_up(self) -> bool:
        """Whether somebody has begun to give it up: hosts and VMs may be back of which the trace tells otherwise."""
        return self._given_up.exists()

    def give_up(self) -> None:
        """Note that it is given up.

        Raises:
            InputError: the state folder cannot be written.
        """
        try:
            if not self.is_given_up:
                write_new(self._given_up, b"")
        except OSError as error:
            raise InputError(str(self.folder), f"it cannot be written: {error.strerror}", "Make room there") from error

    def begin(self, found: RollingPlans) -> None:
        """Keep the stages of *found*.

        Raises:
            InputError: the state folder cannot be written.
        """
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            make_state_folder(self.folder)
        except OSError as error:
            problem = f"it cannot be written: {error.strerror}"
            raise InputError(str(self.folder), problem, "Name another --state-dir") from error
        found.save(self.itinerary)

    def index(self) -> RollingIndex:
        """What the itinerary says of its stages; errors are those of `read_rolling`."""
        return read_rolling(self.itinerary)

    def stages(self) -> tuple[KeptStage, ...]:
        """All stages with their plans.

        Raises:
            PlanFileError: a file is not as it was written.
        """
        index = self.index()
        return tuple(
            KeptStage(
                number=number + 1,
                purpose=stage.purpose,
                host=stage.host_uuid,
                host_name=stage.host,
                folder=self.itinerary / index.folders[number],
                plan=stage_plan(self.itinerary, index, number),
                shut_down=stage.shut_down,
            )
            for number, stage in enumerate(index.stages)
        )

    def keep_anew(self, stage: KeptStage, plan: Plan) -> Path:
        """Keep *plan*, which *stage* was given anew, beside those that it had; the folder.

        What stands there already is of a process that died before it wrote it down.

        Raises:
            PlanFileError: the state folder cannot be written.
        """
        folder = self._anew / f"{self.index().folders[stage.number - 1]}-{stage.times_anew + 1}"
        shutil.rmtree(folder, ignore_errors=True)
        write_plan(plan, folder)
        return folder

    def plan_anew(self, name: str, digest: str) -> tuple[Plan, Path]:
        """The plan with that *digest* which a stage was given anew, and its folder, which has that *name*.

        Raises:
            EditedPlan: another plan stands there.
            PlanFileError: it cannot be read.
        """
        folder = self._anew / Path(name).name
        plan = read_plan(folder)
        if plan.digest != digest:
            remedy = "Put it back, or give up what is left with --anew"
            raise EditedPlan(str(folder), "it is another plan than the trace names", remedy)
        return plan, folder

    @property
    def _given_up(self) -> Path:
        return self.folder / "given-up"

    @property
    def _anew(self) -> Path:
        return self.folder / "anew"

    def assert_approved(self, pool: Uuid, demands: Demands) -> None:
        """Pass where the itinerary is approved, if *demands* say that it has to be.

        Raises:
            ApprovalRefused: it is not.
            PlanFileError: a file is not as it was written.
        """
        if demands.approval:
            approval_of(rolling_digest(self.itinerary, self.index()), pool, self.itinerary, demands)

    def end(self, now: datetime) -> Path:
        """All is done, or given up: what was kept goes to a folder beside, which is returned."""
        return self.folder.rename(self.folder.with_name(f"{self.folder.name}-{now:%Y-%m-%dT%H%M%SZ}"))
