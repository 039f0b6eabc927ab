"""`rebalancer show`."""

from __future__ import annotations

from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, PlanPath


def show(
    plan: PlanPath,
    *,
    step: Annotated[
        str | None, typer.Option("--step", metavar="STEP", help="Show the hosts while this step runs, and after it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show a plan.

    What it was made from, its objectives with their bounds, every step with its reason, what was left alone and by
    which rule, and the way back. With --step: every host at that step. Of a folder that `rolling` has written: all
    stages.
    """
    from rebalancer.approval import approval_in_words
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.plans import plan_in_full
    from rebalancer.export import ROLLING_JSON, folder_of, plan_document, read_plan
    from rebalancer.history.outcome import outcome_in_words

    if (plan / ROLLING_JSON).is_file():
        from rebalancer.cli.rolling.showing_stages import show_stages

        if step:
            raise typer.BadParameter("stages have steps of their own: name the folder of one", param_hint="--step")
        show_stages(plan, json=json)
        return
    made = read_plan(plan)
    if step:
        from rebalancer.cli.views.steps import step_document, step_in_full
        from rebalancer.describe.course import hosts_at, step_of

        chosen = step_of(made, step)
        then = hosts_at(made, chosen)
        show_or_json(step_in_full(made, chosen, then), lambda: step_document(chosen, then), json=json)
        return
    told = [] if json else [approval_in_words(made, folder_of(plan)), outcome_in_words(made, folder_of(plan))]
    show_or_json([*plan_in_full(made), *filter(None, told)], lambda: plan_document(made), json=json)
