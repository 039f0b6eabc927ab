"""A plan in hand: the value with its files, its table and its picture."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.export import read_plan, write_plan
from rebalancer.plan import Plan

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class Proposal(Plan):
    """A plan that can be saved, counted in and looked at; whatever takes a plan takes it.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.rebalance(rb.Model(rb.read("pool.json.gz"), rb.Policy(mode="repair")))
        >>> sorted(plan.frame().gib), plan.plot().get_ylabel()
        ([2.0, 4.0], 'busiest hour / CPU capacity')
        >>> plan.objectives().loc["repair", ["before", "after", "bound"]].tolist()
        [2.0, 0.0, 0.0]
        >>> int(plan.placement().moves.sum()), len(repr(plan)) < 300
        (2, True)
        >>> plan.plot_gantt().get_xlabel(), plan.plot_placement().get_xlabel()
        ('seconds from the start', 'VMs')
    """

    __slots__ = ()

    @classmethod
    def of(cls, plan: Plan) -> Proposal:
        """*plan*, value for value."""
        return cls(**{field.name: getattr(plan, field.name) for field in fields(Plan)})

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write the plan's files to *folder*, in place of an older plan.

        Raises:
            PlanFileError: the folder holds something else, or cannot be written.
        """
        return write_plan(self, folder)

    def frame(self) -> pd.DataFrame:
        """One row a step, in order: kind, vm, from, to, gib, start_seconds, seconds, why, uuids."""
        from rebalancer.frames import steps_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

        return steps_frame(self)

    def objectives(self) -> pd.DataFrame:
        """One row a tier: before, after, bound and the condition that it holds under, in its `unit`."""
        from rebalancer.frames import objectives_frame  # noqa: PLC0415 - likewise

        return objectives_frame(self)

    def change(self) -> pd.DataFrame:
        """One row a host before and after: CPU in the busiest hour and memory, as shares of what it has."""
        from rebalancer.frames import change_frame  # noqa: PLC0415 - likewise

        return change_frame(self)

    def course(self) -> pd.DataFrame:
        """One row a step and host that it touches: VMs, GiB and CPU peak while it runs and after it."""
        from rebalancer.frames import course_frame  # noqa: PLC0415 - likewise

        return course_frame(self)

    def placement(self) -> pd.DataFrame:
        """One row a VM: host before and after, and whether it moves."""
        from rebalancer.frames import placement_frame  # noqa: PLC0415 - likewise

        return placement_frame(self)

    def left(self) -> pd.DataFrame:
        """One row a VM or host that is left alone, and the rule that holds it."""
        from rebalancer.frames import left_frame  # noqa: PLC0415 - likewise

        return left_frame(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The busiest hour of each host before and after, and the policy's threshold; memory without metrics."""
        from rebalancer.frames import change_frame  # noqa: PLC0415 - pandas, only where somebody asks for it
        from rebalancer.plots import plot_change  # noqa: PLC0415 - matplotlib, the same

        return plot_change(change_frame(self), threshold=self.policy.objective.threshold, ax=ax)

    def plot_gantt(self, ax: Axes | None = None) -> Axes:
        """A bar a step, from its start to its end by the plan's estimate."""
        from rebalancer.plots import plot_gantt  # noqa: PLC0415 - likewise

        return plot_gantt(self.frame(), ax=ax)

    def plot_placement(self, ax: Axes | None = None) -> Axes:
        """VMs as tiles on their hosts, those that move marked."""
        from rebalancer.plots import plot_placement  # noqa: PLC0415 - likewise

        return plot_placement(self.placement(), ax=ax)


def load(path: Path | str) -> Proposal:
    """The plan in *path*, a plan folder or its plan.json; one that was edited is refused.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.rebalance(rb.Model(rb.read("pool.json.gz"), rb.Policy(mode="repair")))
        >>> [path.name for path in plan.save("tonight")]
        ['plan.json', 'plan.md', 'plan.html', 'moves.csv', 'run.sh', 'manifest.json']
        >>> rb.load("tonight") == plan
        True

    Raises:
        PlanFileError: there is none; it is truncated, something else, of a newer format, or was edited.
    """
    return Proposal.of(read_plan(path))
