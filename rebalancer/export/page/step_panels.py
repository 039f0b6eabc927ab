"""What each step opens to: load with it and without it, what it relieves, why its target, and who refuses its VM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.describe.load_course import LoadCourse, StepLoad
from rebalancer.describe.reasons import RELIEVES
from rebalancer.describe.step_figures import CHOICE, busiest
from rebalancer.export.page.curves import Chart, chart_of
from rebalancer.export.rows import memory_in_words, memory_total, target_in_words
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step, StepKind
from rebalancer.plan.reason_kinds import kind_of
from rebalancer.units import duration_in_words, first_few, interval_in_words, size_in_words

SHOWN = 12
"""How many hosts a line lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPanel:
    """A step in words, and `facts` as pairs of what and how much; None where nothing is known of load or refusals."""

    step: Step
    hop: bool
    target: str
    memory: str
    takes: str
    kind: str
    charts: tuple[Chart, Chart] | None
    facts: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str, str], ...] | None


def step_panels(plan: Plan, course: LoadCourse | None) -> tuple[StepPanel, ...]:
    """Each step of *plan*, in its order."""
    maker = _Maker(plan)
    loads = course.steps() if course else ((step, None) for step in plan.steps)
    return tuple(maker.panel(step, load) for step, load in loads)


class _Maker:
    """What the panels of one plan share."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names = {row.uuid: row.name for row in plan.hosts}
        self._rows = {row.uuid: row for row in plan.hosts}
        self._stranded = {each.uuid for each in plan.no_way_back}

    def panel(self, step: Step, load: StepLoad | None) -> StepPanel:
        slot = _slot(step, load) if load else 0
        return StepPanel(
            step=step,
            hop=step.kind is StepKind.HOP,
            target=target_in_words(step),
            memory=memory_in_words(step),
            takes=duration_in_words(step.seconds),
            kind=kind_of(step.why),
            charts=self._charts(step, load, slot) if load else None,
            facts=tuple(self._facts(step, load, slot)),
            refused=self._refused(step),
        )

    def _charts(self, step: Step, load: StepLoad, slot: int) -> tuple[Chart, Chart]:
        threshold, when = self._plan.policy.objective.threshold, self._plan.when
        return (
            chart_of(f"Source {step.source_name}", load.source, threshold, slot, when),
            chart_of(f"Target {step.target_name}", load.target, threshold, slot, when),
        )

    def _facts(self, step: Step, load: StepLoad | None, slot: int) -> Iterator[tuple[str, str]]:
        if load:
            yield "relieves the source", self._eased(step, load, slot)
        if choice := CHOICE.search(step.why):
            yield "why this target", choice[0].removeprefix("; ")
        yield "waits for", ", ".join(step.after) or "nothing"
        yield "takes", interval_in_words(step.seconds_low, step.seconds, step.seconds_high)
        for what, host in (("memory on the source", step.hosts[0]), ("memory on the target", step.hosts[-1])):
            total = memory_total(self._rows[host.host].memory_total_bytes if host.host in self._rows else None)
            during, after = size_in_words(host.during_bytes), size_in_words(host.after_bytes)
            yield what, f"{during} of {total} while it runs, {after} after it"
        if step.disks:
            yield "disks that go along", f"{len(step.disks)}, {size_in_words(step.disk_bytes)}"
        if step.ejects:
            yield "CDs that are ejected", ", ".join(f"{each.name} (drive {each.device})" for each in step.ejects)
        if step.vm in self._stranded:
            yield "way back", "none"

    def _eased(self, step: Step, load: StepLoad, slot: int) -> str:
        """What leaves the source at the hour that matters."""
        share, threshold = float(load.source[0][slot] - load.source[1][slot]), self._plan.policy.objective.threshold
        capacity = self._rows[step.source].cpu_capacity_pcpu or 0.0
        of = f"{share:.0%} of its capacity, {share / threshold:.0%} of its threshold" if threshold else f"{share:.0%}"
        return f"by {share * capacity:.2g} pCPU at {self._plan.when.words(slot)}: {of}"

    def _refused(self, step: Step) -> tuple[tuple[str, str, str], ...] | None:
        if step.refused is None:
            return None
        return tuple((each.rule, self._listed(each.hosts), each.words) for each in step.refused)

    def _listed(self, hosts: tuple[Uuid, ...]) -> str:
        return first_few([self._names.get(host, host) for host in hosts], SHOWN)


def _slot(step: Step, load: StepLoad) -> int:
    """The hour that matters, as its reason has it: the busiest of a source that is relieved, else of the target."""
    return busiest(load.source[0] if step.why.startswith(RELIEVES) else load.target[1])
