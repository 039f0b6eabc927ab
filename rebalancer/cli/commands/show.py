"""`rebalancer show`."""

from __future__ import annotations

from rebalancer.cli.options import AsJson, PlanPath


def show(plan: PlanPath, *, json: AsJson = False) -> None:
    """Show a plan: tiers with their bounds, every step with its reason, what was left alone and by which rule."""
    from rebalancer.cli.output import console, print_json
    from rebalancer.cli.views import plan_tables
    from rebalancer.export import plan_document, read_plan

    made = read_plan(plan)
    if json:
        print_json(plan_document(made))
    else:
        console().print(*plan_tables(made), sep="\n\n")
