"""What to type to check a plan, to carry it out, to stop, to resume and to roll back."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.plan import Plan


def commands(plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What for, and the lines to type; `PLAN` is the folder, `URL` the coordinator's address."""
    beside = "".join(" --beside OTHER" for _ in plan.made_from.beside)
    yield "Check it against the pool as it is now", (f"rebalancer verify PLAN URL{beside}",)
    if not plan.steps:
        return
    yield "Approve it", ("rebalancer approve PLAN --by NAME --reason TEXT",)
    yield "Carry it out", (f"rebalancer apply PLAN URL{beside}",)
    yield "See how far it is", ("rebalancer status PLAN",)
    yield "Stop: Ctrl-C once lets what runs end, twice cancels it. Resume", (f"rebalancer apply PLAN URL{beside}",)
    yield (
        "Roll back from wherever it stopped",
        (f"rebalancer rollback PLAN URL{beside} -o PLAN-back", f"rebalancer apply PLAN-back URL{beside}"),
    )
    if not beside and not any(step.disks for step in plan.steps):
        yield (
            "With xe alone, where nothing may be installed: look, run or resume, roll back",
            ("sh run.sh --dry-run", "sh run.sh", "sh run.sh back"),
        )
