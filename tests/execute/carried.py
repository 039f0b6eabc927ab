"""A plan whose VM takes disks along, made from a pool in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rebalancer.execute import RunOptions
from tests.execute.scripted import HandClock
from tests.execute.stage import TIMEOUTS
from tests.local_disks import carried, local_host, local_problem, local_vm
from tests.plan.made import plan_of
from tests.pools import make_pif

LOCAL = local_problem(
    local_vm("web"),
    hosts=[local_host(number, pifs=(make_pif(f"h{number}", management=True),)) for number in (1, 2)],
)


PLAN = plan_of(LOCAL, LOCAL.initial.after(carried("web")))


def options(folder: Path) -> RunOptions:
    """A journal, a state folder, and a clock that only sleeping moves."""
    timeouts = replace(TIMEOUTS, poll=1.0)
    return RunOptions(
        journal=folder / "journal.jsonl", state_dir=folder / "state", clock=FreshClock(), timeouts=timeouts
    )


class FreshClock(HandClock):
    """A clock at which the plan is fresh."""

    def now(self) -> Any:  # noqa: ANN401 - a time
        """Just after the plan was made."""
        return PLAN.made_at
