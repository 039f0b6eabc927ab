"""What is proven of all stages that `rolling` has planned: the whole way, stage by stage, from the pool as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.exits import Exit
from rebalancer.cli.output import end_of, print_json, say, show_lines
from rebalancer.errors import IllegalPlan
from rebalancer.export import vouched
from rebalancer.face.rolling.proof import prove_stages
from rebalancer.units import counted
from rebalancer.whatif.rolling_index import read_rolling, rolling_digest, stage_plan


def verify_stages(folder: Path, source: str, connection: rb.Connection, *, metrics: bool, json: bool) -> Exit:
    """Prove the rolling plan in *folder* in the pool behind *source*, as before its first stage; the exit code.

    Raises:
        EditedPlan: rolling.json, or a stage, is not as it was written.
        PlanFileError: a file cannot be read.
    """
    index = read_rolling(folder)
    plans = [stage_plan(folder, index, number) for number in range(len(index.stages))]
    for name, plan in zip(index.folders, plans, strict=True):
        vouched(plan, folder / name)
    state = rb.read(source, connection, demand=plans[0].policy.demand if plans else None, metrics=metrics)
    if state.refused:
        say(f"verified without metrics: {state.refused}")
    findings = prove_stages(index, plans, state, now=datetime.now(UTC))
    refused = IllegalPlan([str(each) for each in findings]) if findings else None
    if json:
        told = {"stages": rolling_digest(folder, index), "accepted": not findings}
        print_json({**told, "findings": [each.as_json() for each in findings]})
        return end_of(refused)
    if refused:
        show_lines(*map(str, findings))
        judged = f"{findings[0].stage} is not legal: {counted(len(findings), 'finding')}"
        return end_of(refused, f"{judged}. Plan anew; once stages are done, verify the folder of the next by itself")
    steps = counted(sum(len(plan.steps) for plan in plans), "step")
    show_lines(f"accepted: all {counted(len(plans), 'stage')}, one after the other, with {steps}: every state is legal")
    return Exit.DONE
