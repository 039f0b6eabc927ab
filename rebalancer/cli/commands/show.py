"""`rebalancer show`."""

from __future__ import annotations

from rebalancer.cli.options import AsJson, PlanPath


def show(plan: PlanPath, *, json: AsJson = False) -> None:
    """Show a plan.

    What it was made from, its objectives with their bounds, every step with its reason, what was left alone and by
    which rule, and the way back.
    """
    from rebalancer.cli.output import print_json
    from rebalancer.cli.output import show as show_all
    from rebalancer.cli.views import plan_in_full
    from rebalancer.export import plan_document, read_plan

    made = read_plan(plan)
    if json:
        print_json(plan_document(made))
    else:
        show_all(*plan_in_full(made))
