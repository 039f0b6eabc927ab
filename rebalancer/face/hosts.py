"""Plans for hosts that have to go down, one or all in turn, and hosts that might."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import IllegalPlan, InputError
from rebalancer.essence import line_of
from rebalancer.face.model import Model, assert_model
from rebalancer.face.proposal import Proposal
from rebalancer.face.task import task_of
from rebalancer.plan import Plan
from rebalancer.solve import SolveReporter
from rebalancer.units import counted
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Evacuation, Rolling, Sleep, write_rolling
from rebalancer.whatif import evacuate as evacuation_of
from rebalancer.whatif import rolling as stages_of
from rebalancer.whatif import sleep as sleep_of
from rebalancer.whatif.itinerary import Stage
from rebalancer.whatif.pinned import may_be_switched_off

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationPlans(Evacuation):
    """What came of emptying hosts, with the plans in hand."""

    plan: Proposal | None = None
    home: Proposal | None = None

    def __repr__(self) -> str:
        stay = f"{len(self.blocked)} cannot leave" if self.blocked else "all can leave"
        plan = counted(len(self.plan.steps), "step") if self.plan else "no plan"
        return line_of("Evacuation", f"of {', '.join(self.hosts)}: {counted(self.guests, 'VM')}, {stay}; {plan}")

    def frame(self) -> pd.DataFrame:
        """One row a VM that cannot leave: the rule that closes most hosts, and the cheapest fix."""
        from rebalancer.frames import blocked_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

        return blocked_frame(self.blocked)

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write the plan to *folder* and the way home beside it, as far as there are any; the folders.

        Raises:
            PlanFileError: a folder holds something else, or cannot be written.
        """
        found = [(plan, where) for plan, where in zip((self.plan, self.home), folders_of(folder), strict=True) if plan]
        for plan, where in found:
            plan.save(where)
        return tuple(where for _, where in found)


def folders_of(folder: Path | str) -> tuple[Path, Path]:
    """Where an evacuation that is saved to *folder* puts its plan, and where the way home."""
    path = Path(folder)
    return path, path.parent / f"{path.name}-home"


def evacuate(
    model: Model,
    hosts: str | Sequence[str],
    *,
    seconds: float | None = None,
    made_at: datetime | None = None,
    reporter: SolveReporter | None = None,
) -> EvacuationPlans:
    """How *hosts*, by name or uuid, become empty with the least memory copied, and the way home.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> [each.vm_name for each in rb.evacuate(model, ["beech"]).blocked]
        ['app-041']
        >>> rb.evacuate(model, ["beech"]).frame().rule.tolist()
        ['shared-sr-visible']
        >>> [path.name for path in rb.evacuate(model, ["alder"], seconds=10).save("alder")]
        ['alder', 'alder-home']

    Raises:
        InputError: the pool has no such host, or no other.
        PolicyError: the policy contradicts the evacuation.
    """
    assert_model(model)
    pool, chosen = model.state.pool, model.hosts(hosts)
    wanted = [host.uuid for host in chosen]
    if not wanted:
        raise InputError("hosts", "no host is named", "Name at least one")
    if pool.hosts.keys() <= set(wanted):
        names = ", ".join(model.problem.names.hosts[host.uuid] for host in chosen)
        raise InputError(names, "the pool has no other host", "Leave some for the VMs to run on")
    given = task_of(model, made_at, seconds)
    found = evacuation_of(given.book.problem, wanted, made_at=given.made_at, pace=given.pace, reporter=reporter)
    values = {field.name: getattr(found, field.name) for field in fields(Evacuation)}
    plans = {name: Proposal.of(values[name]) for name in ("plan", "home") if values[name]}
    return EvacuationPlans(**values | plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan(Stage):
    """A stage, with its plan in hand."""

    plan: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingPlans(Rolling):
    """What came of planning to work on all hosts, with the plans in hand."""

    stages: tuple[StagePlan, ...] = ()

    def __repr__(self) -> str:
        aside = f", {len(self.set_aside)} set aside" if self.set_aside else ""
        return line_of("Rolling", f"of {counted(len(self.hosts), 'host')}{aside}: {counted(len(self.stages), 'stage')}")

    def frame(self) -> pd.DataFrame:
        """One row a stage, in order: host, purpose, steps, GiB, seconds, GiB so far."""
        from rebalancer.frames import rolling_frame  # noqa: PLC0415 - likewise

        return rolling_frame(self)

    def blocked_frame(self) -> pd.DataFrame:
        """One row a VM that cannot leave its host: the rule that closes most hosts, and the cheapest fix."""
        from rebalancer.frames import blocked_frame  # noqa: PLC0415 - likewise

        return blocked_frame(self.blocked)

    def save(self, folder: Path | str) -> None:
        """Write a plan folder for each stage, numbered in their order, and an index, to a new *folder*.

        Raises:
            PlanFileError: *folder* is not empty, or cannot be written.
        """
        write_rolling(self, Path(folder))


def rolling(
    model: Model,
    hosts: str | Sequence[str] = (),
    *,
    version: str | None = None,
    come_home: bool = True,
    shut_down: bool = False,
    seconds: float | None = None,
    made_at: datetime | None = None,
    reporter: SolveReporter | None = None,
) -> RollingPlans:
    """How *hosts*, or all of the pool, are emptied one after another, and how their VMs come home.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.rolling(rb.Model(rb.read("pool.json.gz")), ["alder"], seconds=10)
        >>> [(stage.purpose.value, stage.host_name) for stage in found.stages]
        [('empty', 'alder'), ('return', 'alder')]
        >>> found.frame().columns[:5].tolist()
        ['host', 'purpose', 'steps', 'gib', 'seconds']

    Args:
        model: the pool and the policy, which binds at every stage.
        hosts: names or uuids.
        version: the platform version that hosts come back with; None where they only reboot.
        come_home: whether VMs return to where they are now.
        shut_down: whether VMs of the policy's `rolling.shut_down` that cannot leave their host are shut down meanwhile.
        seconds: how much work solving may take in all, in place of the policy's `limits.solve_seconds`.
        made_at: the time, with a zone; by default now.
        reporter: hears how solving goes on.

    Raises:
        InputError: the pool has no such host, the version cannot be meant, or nothing is left to do.
    """
    given = task_of(model, made_at, seconds)
    found = stages_of(
        given.book.problem,
        [host.uuid for host in model.hosts(hosts)],
        version=version,
        come_home=come_home,
        shut_down=model.policy.rolling.shut_down if shut_down else (),
        switch_off=may_be_switched_off(model.policy, model.state.pool) if shut_down else (),
        made_at=given.made_at,
        pace=given.pace,
        reporter=reporter,
    )
    values = {field.name: getattr(found, field.name) for field in fields(Rolling)}
    stages = [
        StagePlan(
            purpose=each.purpose,
            host=each.host,
            host_name=each.host_name,
            plan=Proposal.of(each.plan),
            shut_down=each.shut_down,
        )
        for each in found.stages
    ]
    return RollingPlans(**values | {"stages": tuple(stages)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepAnswer(Sleep):
    """Which hosts can sleep, as a value and as DataFrames."""

    def frame(self) -> pd.DataFrame:
        """One row a host without VMs: whether it can sleep, and what keeps it awake."""
        from rebalancer.frames import sleep_frame  # noqa: PLC0415 - likewise

        return sleep_frame(self)

    def needed_frame(self) -> pd.DataFrame:
        """One row a time of day: how many hosts have to be on; empty without metrics."""
        from rebalancer.frames import needed_frame  # noqa: PLC0415 - likewise

        return needed_frame(self)


def sleep(model: Model, after: Plan | None = None) -> SleepAnswer:
    """Which hosts without VMs can sleep, together, and how many each hour needs; as if plan *after* were carried out.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.sleep(rb.Model(rb.read("pool.json.gz")))
        >>> found.in_use, found.hosts, max(found.needed)
        (5, (), 5)
        >>> int(found.needed_frame().hosts_needed.max())
        5

    Raises:
        IllegalPlan: plan *after* is not legal in this pool.
    """
    assert_model(model)
    if after and (findings := verify_plan(after, model.state.pool, now=after.made_at)):
        raise IllegalPlan([str(finding) for finding in findings])
    moves = [step.migration for step in after.steps] if after else []
    found = sleep_of(model.problem, model.problem.initial.after(*moves), model.state.taken_at)
    return SleepAnswer(**{field.name: getattr(found, field.name) for field in fields(Sleep)})
