"""`rebalancer verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, NoMetrics, PlanPath, Source

if TYPE_CHECKING:
    from rebalancer.face.prove import Proof


@reaches_pools
def verify(
    plan: PlanPath, source: Source, *, connection: rb.Connection, no_metrics: NoMetrics = False, json: AsJson = False
) -> int:
    """Prove that every state of a plan is legal.

    Against a live pool as it is now, or against the snapshot that the plan was made from; without the solver. A folder
    with a file that was changed after it was written is refused. Of a folder that `rolling` has written, all stages are
    proven, each on the pool as the last one leaves it.
    """
    from rebalancer.cli.approving import manifest_of
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import end_of, print_json, say, show_lines
    from rebalancer.cli.views.plans import accepted, nothing_left, since_then
    from rebalancer.errors import IllegalPlan
    from rebalancer.export import ROLLING_JSON, read_plan
    from rebalancer.face.prove import prove
    from rebalancer.units import counted

    if (plan / ROLLING_JSON).is_file():
        from rebalancer.cli.rolling.proving_stages import verify_stages

        return verify_stages(plan, source, connection, metrics=not no_metrics, json=json)
    made = read_plan(plan)
    manifest = manifest_of(made, plan)
    state = rb.read(source, connection, demand=made.policy.demand, metrics=not no_metrics)
    if state.refused:
        say(f"verified without metrics: {state.refused}")
    proof = prove(made, state)
    refused = IllegalPlan([str(finding) for finding in proof.findings]) if proof.findings else None
    if json:
        print_json({"plan": made.digest, **_as_json(proof), "manifest": manifest})
        return end_of(refused)
    if proof.done:
        show_lines(nothing_left(made))
    elif refused:
        show_lines(*map(str, proof.findings), *since_then(proof))
        judged = "the plan is not legal" if proof.ours else f"the plan is for pool {made.made_from.called}"
        remedy = "Make a new plan" if proof.ours else "Name what it was made for, or make a new plan"
        return end_of(refused, f"{judged}: {counted(len(proof.findings), 'finding')}. {remedy}")
    else:
        show_lines(accepted(made), *since_then(proof))
    return Exit.DONE


def _as_json(proof: Proof) -> dict[str, Any]:
    told = [each.as_json() for each in proof.findings]
    return {
        "accepted": not proof.done and not told,
        "done": proof.done,
        "findings": told,
        "differences": (*proof.drift, *proof.renamed),
        "made": proof.made,
        "waits": proof.waits,
    }
