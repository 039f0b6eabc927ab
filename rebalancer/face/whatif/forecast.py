"""When the pool runs out of what, and which VMs are remarkable, by recorded days or by the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import InputError
from rebalancer.essence import line_of
from rebalancer.face.given import assert_kind
from rebalancer.face.history import History
from rebalancer.face.model import Model, assert_model
from rebalancer.units import counted
from rebalancer.whatif.forecast import (
    Night,
    Runway,
    VMFinding,
    cpu_course,
    memory_course,
    runway,
    vm_findings,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rebalancer.demand.past_hours import PastHours

DAYS = 366
"""How far back the history is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """What is left of each resource, and remarkable VMs.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.forecast(rb.Model(rb.read("pool.json.gz")), "traces.csv")
        >>> found.days().columns.tolist()
        ['resource', 'day', 'value', 'middle', 'low', 'high', 'limit', 'unit']
        >>> found.plot().get_ylabel()
        'cpu (pCPUs)'
    """

    model: Model
    runways: tuple[Runway, ...]
    findings: tuple[VMFinding, ...]

    def __repr__(self) -> str:
        left = "; ".join(f"{each.course.resource}: {_left(each)}" for each in self.runways) or "nothing is known"
        remarks = counted(len(self.findings), "remark")
        return line_of("Forecast", f"of pool {self.model.state.pool.name!r}: {left}; {remarks} on VMs")

    def frame(self) -> pd.DataFrame:
        """One row a resource: now, limit, days until it is above it, at the earliest and at the latest."""
        from rebalancer.frames import runway_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

        return runway_frame(self.runways)

    def days(self) -> pd.DataFrame:
        """One row a resource and day: `value` where it is known, then `middle`, `low` and `high`."""
        from rebalancer.frames import course_days_frame  # noqa: PLC0415 - likewise

        return course_days_frame(self.runways)

    def vms(self) -> pd.DataFrame:
        """One row a VM that is idle, oversized, constrained or crowds out others, with the evidence."""
        from rebalancer.frames import vm_findings_frame  # noqa: PLC0415 - likewise

        return vm_findings_frame(self.findings, self.model.problem)

    def plot(self, resource: str = "cpu", ax: Axes | None = None) -> Axes:
        """What is known of a *resource*, what is to come with its interval, and the limit.

        Raises:
            InputError: nothing is known of it.
        """
        from rebalancer.plots import plot_forecast  # noqa: PLC0415 - matplotlib, only where somebody asks for it

        days = self.days()
        if resource not in set(days["resource"]):
            raise InputError(f"resource {resource!r}", "nothing is known of it", "Look at frame(), which says why")
        return plot_forecast(days[days["resource"] == resource], ax=ax)


def forecast(model: Model, traces: Path | str | None = None, *, past: History | None = None) -> Forecast:
    """When the pool runs out of CPU and memory, with an interval, and which VMs are remarkable.

    Memory is known from the nights of a history alone.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.forecast(rb.Model(rb.read("pool.json.gz")), "traces.csv")
        >>> [str(cell) for cell in found.frame().loc["cpu", ["unit", "known_days", "horizon_days"]]]
        ['pCPUs', '14', '28']
        >>> found.vms().columns.tolist()[:4]
        ['vm', 'host', 'kind', 'vcpus']

    Args:
        model: the pool, and the policy whose threshold counts.
        traces: a CSV or Parquet file (`vm_uuid`, `time`, `pcpu`) of as many days as can be had.
        past: earlier nights, `rb.history(...)`, in place of *traces*.

    Raises:
        InputError: neither is given, or both; the traces cannot be used, or nothing is known.
        MissingExtra: the package that forecasts is not installed.
        HistoryError: the history cannot be used.
    """
    assert_model(model)
    if (traces is None) == (past is None):
        raise InputError("forecast", "it takes recorded load or a history", "Give one of traces and past")
    if past is not None:
        assert_kind(past, History, "rb.history() makes one")
    hours = _of_file(model, traces) if past is None else _of_history(model, past)
    days, peaks = hours.daily_peaks(model.policy.timezone)
    courses = (cpu_course(model.problem, days, peaks), memory_course(_nights(model, past)))
    return Forecast(
        model=model,
        runways=tuple(runway(course) for course in courses if course),
        findings=vm_findings(model.problem, hours),
    )


def _left(found: Runway) -> str:
    if found.days is not None:
        return f"above its limit in {counted(found.days, 'day')}"
    return found.words or f"below its limit for {counted(found.horizon, 'day')} at least"


def _of_file(model: Model, traces: Path | str | None) -> PastHours:
    from rebalancer.demand.gate import refuse_impossible  # noqa: PLC0415 - pandas, only where a table is read
    from rebalancer.demand.past_hours import past_hours  # noqa: PLC0415 - likewise
    from rebalancer.demand.tables import EXPECTED, read_samples  # noqa: PLC0415 - likewise

    samples = read_samples(str(traces), model.state.pool)
    if samples.empty:
        raise InputError(str(traces), "it has no row", EXPECTED)
    refuse_impossible(samples, model.state.pool)
    return past_hours(samples, _guests(model), hosts_alone=False)


def _of_history(model: Model, past: History) -> PastHours:
    import pandas as pd  # noqa: PLC0415 - likewise

    from rebalancer.demand.past_hours import past_hours  # noqa: PLC0415 - likewise

    named = {"vm_uuid": "uuid", "host_uuid": "uuid"}
    parts = [
        frame[frame["pool_uuid"] == model.state.pool.uuid].rename(columns=named).assign(owner=owner)
        for owner, frame in (("vm", past.load(DAYS)), ("host", past.host_load(DAYS)))
    ]
    samples = pd.concat([part[["uuid", "owner", "time", "pcpu"]] for part in parts if len(part)] or parts)
    if samples.empty:
        remedy = "Let `rebalancer nightly` run for some weeks, or name a file of recorded load"
        raise InputError("history", "no load of this pool is known", remedy)
    return past_hours(samples.assign(time=pd.to_datetime(samples["time"], utc=True)), _guests(model), hosts_alone=True)


def _guests(model: Model) -> list[str]:
    return [vm.uuid for vm in model.state.pool.resident_guests()]


def _nights(model: Model, past: History | None) -> list[Night]:
    """The nights of the pool whose memory is known."""
    if past is None:
        return []
    nights = past.nights(DAYS)
    told = nights[(nights["pool_uuid"] == model.state.pool.uuid) & nights["memory_used_bytes"].notna()]
    return list(zip(told["began_at"], told["memory_used_bytes"], told["memory_total_bytes"], strict=True))
