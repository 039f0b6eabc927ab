"""rolling.json read back: which stages there are, of which host, and in which folder the plan of each stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rebalancer.errors import EditedPlan, PlanFileError
from rebalancer.export import read_plan, vouched
from rebalancer.export.manifest import digest_of_bytes
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import PLAN
from rebalancer.files.reading import bytes_of
from rebalancer.files.shapes import value_in
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.whatif.itinerary import Deviation, Habit, Purpose
from rebalancer.whatif.pinned import ShutDown
from rebalancer.whatif.rolling import SetAside
from rebalancer.whatif.rolling_folder import INDEX_JSON, index_digest
from rebalancer.whatif.worst_hour import WorstHour, worst_hour

REMEDY = "Plan anew with `rebalancer rolling`"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedStage:
    """A stage as rolling.json has it; `plan` is the digest of its plan, `worst_hour` None in older ones, too."""

    purpose: Purpose
    host: str
    host_uuid: Uuid
    plan: str
    shut_down: tuple[ShutDown, ...] = ()
    worst_hour: WorstHour | None = None

    def worst_hour_of(self, plan: Plan) -> WorstHour | None:
        """That to which *plan*, its own, leads, by the figures that `verify` computes anew."""
        return worst_hour(plan, {self.host_uuid} if self.purpose is Purpose.EMPTY else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingIndex:
    """What rolling.json says; `hosts` are names, and `update` is the version that they come back with, if any.

    `digest` is that of everything else in it, "" in files of earlier versions.
    """

    format: Literal["rebalancer-rolling/1"]
    hosts: tuple[str, ...]
    update: str | None
    returns: Habit
    stages: tuple[IndexedStage, ...]
    folders: tuple[str, ...]
    set_aside: tuple[SetAside, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    digest: str = ""


def read_rolling(folder: Path) -> RollingIndex:
    """The index of the rolling plan in *folder*.

    Raises:
        PlanFileError: there is none, or it is none.
        EditedPlan: it is not as it was written.
    """
    path = folder / INDEX_JSON
    try:
        document = json_in(bytes_of(path, PLAN), PLAN)
        found = value_in(RollingIndex, document)
    except Unfit as error:
        raise PlanFileError(str(path), str(error), REMEDY) from None
    if len(found.folders) != len(found.stages) or any(Path(name).name != name for name in found.folders):
        raise PlanFileError(str(path), "it does not name one folder for each stage", REMEDY)
    if found.digest and found.digest != index_digest(document):
        raise EditedPlan(str(path), "it was edited: its digest is not that of its content", REMEDY)
    return found


def stage_plan(folder: Path, index: RollingIndex, number: int) -> Plan:
    """The plan of the stage with that *number*, counted from 0, of the rolling plan in *folder*.

    Raises:
        EditedPlan: it is another one than rolling.json names, or leads to another worst hour.
        PlanFileError: it cannot be read.
    """
    where = folder / index.folders[number]
    found = read_plan(where)
    stage = index.stages[number]
    if found.digest != stage.plan:
        raise EditedPlan(str(where), f"it is another plan than {INDEX_JSON} names", REMEDY)
    if stage.worst_hour and stage.worst_hour != stage.worst_hour_of(found):
        raise EditedPlan(str(where), f"the worst hour in {INDEX_JSON} is not the one to which its plan leads", REMEDY)
    return found


def rolling_digest(folder: Path, index: RollingIndex) -> str:
    """The digest of all that is approved with the rolling plan in *folder*: its index, and the files of every stage.

    Raises:
        PlanFileError: a file is not as it was written.
    """
    parts = [bytes_of(folder / INDEX_JSON, PLAN)]
    for number, name in enumerate(index.folders):
        plan = stage_plan(folder, index, number)
        parts.append(f"{name} {plan.digest} {vouched(plan, folder / name)}".encode())
    return digest_of_bytes(b"\n".join(parts))
