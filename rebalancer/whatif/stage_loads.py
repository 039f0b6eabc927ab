"""How busy hosts are at each stage of the work on all of them, and when it is best begun, as rows for tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from rebalancer.policy import change_windows
from rebalancer.units import duration_in_words
from rebalancer.whatif.calm_hours import CalmHours, calm_hours
from rebalancer.whatif.itinerary import Purpose, Stage
from rebalancer.whatif.outing import Outing, outings
from rebalancer.whatif.worst_hour import WorstHour

LOAD_COLUMNS: Final = ("folder", "busiest host", "in the hour", "CPU", "best begun at", "takes about")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLoad:
    """What the load has to say of a stage: its worst hour, and of one that empties a host its `outing` and best hours.

    None where it is not known: without metrics, or of a stage that only brings VMs home.
    """

    worst: WorstHour | None
    outing: Outing | None = None
    calm: CalmHours | None = None

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        calm = self.calm
        return {
            "worst_hour": asdict(self.worst) if self.worst else None,
            "best_begun": {"hours": calm.hours, "timezone": calm.timezone, "percent": calm.percent} if calm else None,
            "seconds": round(self.outing.seconds) if self.outing else None,
        }


def stage_loads(stages: Sequence[Stage]) -> tuple[StageLoad, ...]:
    """One for each of *stages*; best hours are those of the week in which its plan was made, inside its windows."""
    each = iter(outings(stages))
    return tuple(_load(stage, next(each) if stage.purpose is Purpose.EMPTY else None) for stage in stages)


def _load(stage: Stage, outing: Outing | None) -> StageLoad:
    calm = calm_hours(outing, stage.plan.made_at, change_windows(stage.plan.policy)) if outing else None
    return StageLoad(worst=stage.worst_hour, outing=outing, calm=calm)


def load_rows(folders: Sequence[str], stages: Sequence[Stage]) -> Iterator[tuple[str, ...]]:
    """One row a stage of which the load is known, with the cells of `LOAD_COLUMNS`."""
    for folder, load in zip(folders, stage_loads(stages), strict=True):
        if load.worst:
            takes = duration_in_words(load.outing.seconds) if load.outing else ""
            calm = load.calm.words if load.calm else ""
            yield folder, load.worst.host, load.worst.hour, f"{load.worst.share:.0%}", calm, takes
