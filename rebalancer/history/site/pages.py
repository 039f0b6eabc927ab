"""The pages of a site as HTML: all nights, and one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rebalancer.approval import approval_in_words
from rebalancer.export.markdown import facts
from rebalancer.export.rows import missing_rows
from rebalancer.history.answers import NightRow
from rebalancer.history.outcome import outcome_in_words
from rebalancer.pages.render import Page, rendered
from rebalancer.plan import Plan
from rebalancer.units import duration_in_words, size_in_words

PACKAGE = "rebalancer.history.site"


def nights_page(nights: Sequence[NightRow], plans: Mapping[str, str], reports: Sequence[str], timezone: str) -> str:
    """*nights* by pool, with links to *reports* and to the folders of *plans*, by their digests."""
    page = Page(package=PACKAGE, template="nights_page.html", timezone=timezone)
    up_to = max((night.ended_at for night in nights), default=None)
    values = {"nights": nights, "plans": plans, "reports": reports, "up_to": up_to}
    return rendered(page, timezone=timezone, **values)


def plan_page(plan: Plan, folder: Path, files: Sequence[str], problem: str, timezone: str) -> str:
    """*plan*, which stands in *folder*, with links to *files* beside the page, or the *problem* with them."""
    page = Page(package=PACKAGE, template="plan_page.html", timezone=timezone)
    told = filter(None, (outcome_in_words(plan, folder), approval_in_words(plan, folder)))
    return rendered(
        page,
        plan=plan,
        timezone=timezone,
        told=list(told),
        files=files,
        problem=problem,
        tiers=[_tier(tier.objective, (tier.before, tier.after, tier.bound), tier.unit) for tier in plan.tiers],
        steps=[
            (
                *(step.id, step.vm_name, step.source_name, step.target_name),
                *(size_in_words(step.memory_bytes), duration_in_words(step.seconds), step.why),
            )
            for step in plan.steps
        ],
        missing=missing_rows(plan),
        warnings=[(words,) for words in plan.warnings],
        facts=list(facts(plan)),
    )


def _tier(objective: str, figures: Sequence[float], unit: str) -> tuple[str, ...]:
    return (objective, *(f"{figure:.4g}" for figure in figures), unit)
