"""`rebalancer report`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, PolicyPath, Pool, StateDir


class Span(StrEnum):
    """How long a report looks back."""

    WEEK = "week"
    MONTH = "month"

    @property
    def days(self) -> int:
        """In days."""
        return 7 if self is Span.WEEK else 31


def report(
    span: Annotated[Span, typer.Argument(metavar="SPAN", help="week or month.", show_default=False)] = Span.WEEK,
    *,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Up to this day (by the clocks of the policy) and without it.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it to FILE, as a page of its own.")
    ] = None,
    pool: Pool = None,
    policy: PolicyPath = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Tell what a week or a month came to.

    What was hot, what was moved, whether it helped, which VMs move to and fro or are left alone, and how much is free.
    """
    from datetime import UTC
    from functools import partial
    from zoneinfo import ZoneInfo

    from rebalancer.cli.nights.recalling import pools_named, recall, recalled_by
    from rebalancer.cli.output import say, show_or_json
    from rebalancer.cli.views.report import report_document, report_tables
    from rebalancer.history.report.make import period_of, report_of
    from rebalancer.history.report.page import write_page
    from rebalancer.history.report.values import Report
    from rebalancer.history.store import Store

    wanted, now = recalled_by(policy, state_dir), datetime.now(UTC)
    end = until.replace(tzinfo=ZoneInfo(wanted.timezone)) if until else None

    def made(store: Store) -> Report:
        period = period_of(store, span.days, end, now)
        return report_of(store, period, wanted, name=span.value, pools=pools_named(store, pool))

    found = recall(wanted, state_dir, made)
    if html:
        write_page(found, html, now)
        say(f"{html} written")
    show_or_json(report_tables(found), partial(report_document, found), json=json)
