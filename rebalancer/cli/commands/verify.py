"""`rebalancer verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebalancer.cli.options import (
    AsJson,
    Beside,
    BesideCredentials,
    CaFile,
    CredentialsFile,
    Fingerprint,
    NoMetrics,
    PlanPath,
    Source,
)

if TYPE_CHECKING:
    from rebalancer.plan import Plan


def verify(
    plan: PlanPath,
    source: Source,
    *,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    beside: Beside = None,
    beside_credentials: BesideCredentials = None,
    no_metrics: NoMetrics = False,
    json: AsJson = False,
) -> int:
    """Prove that every state of a plan is legal.

    Against a live pool as it is now, or against the snapshot that the plan was made from; without the solver.
    """
    from datetime import UTC, datetime

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import end_below, end_of, print_json, show_lines
    from rebalancer.cli.source import Door, open_source
    from rebalancer.cli.views import accepted, not_compared
    from rebalancer.diff.drift import differences
    from rebalancer.errors import IllegalPlan
    from rebalancer.export import read_plan
    from rebalancer.plan.progress import is_done
    from rebalancer.units import counted
    from rebalancer.verify.verify import verify_plan

    made = read_plan(plan)
    door = Door(
        ca_file=ca_file,
        fingerprints=fingerprint,
        credentials_file=credentials,
        beside=beside,
        beside_credentials_file=beside_credentials,
    )
    situation = open_source(source, door, made.policy.demand, metrics=not no_metrics)
    if is_done(made, situation.pool):
        return _tell_done(made, json=json)
    findings = verify_plan(made, situation.pool, situation.demand, now=datetime.now(UTC))
    ours = made.made_from.is_of(situation.pool)
    changed = differences(made, situation.pool) if ours else ()
    refused = IllegalPlan([str(finding) for finding in findings]) if findings else None
    if json:
        told = [each.as_json() for each in findings]
        said = {"plan": made.digest, "accepted": not findings, "done": False}
        print_json({**said, "findings": told, "differences": changed})
        return end_of(refused)
    if refused:
        show_lines(*map(str, findings), *not_compared(changed))
        judged = "the plan is not legal" if ours else f"the plan is for pool {made.made_from.called}"
        remedy = "Make a new plan" if ours else "Name what it was made for, or make a new plan"
        return end_below(f"{judged}: {counted(len(findings), 'finding')}. {remedy}", refused)
    show_lines(accepted(made), *not_compared(changed))
    return Exit.DONE


def _tell_done(plan: Plan, *, json: bool) -> int:
    """Say that every VM is where *plan* leads, so that nothing is left to prove."""
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.cli.views import nothing_left

    if json:
        print_json({"plan": plan.digest, "accepted": False, "done": True, "findings": [], "differences": []})
    else:
        show_lines(nothing_left(plan))
    return Exit.DONE
