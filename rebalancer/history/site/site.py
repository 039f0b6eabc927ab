"""A folder of static pages: nights, plans and reports of a state folder. The same history gives the same bytes.

Everybody who may enter the folder may read it, because web servers run as users of their own. `site.json` lists what
was written, so that pages of plans that are no longer kept go the next time, and nothing else ever does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError, PlanFileError
from rebalancer.export import read_plan, vouched
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import PLAN, SITE
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_whole
from rebalancer.history.answers import NightRow, Period
from rebalancer.history.outcome import holds_plan
from rebalancer.history.queries import nights_of
from rebalancer.history.report.make import period_of, report_of
from rebalancer.history.report.page import report_page
from rebalancer.history.site.pages import nights_page, plan_page
from rebalancer.history.store import Store
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.units import LAST_YEAR

INDEX: Final = "index.html"
LIST: Final = "site.json"
FORMAT: Final = "rebalancer-site/1"
REPORTS: Final = {"week": 7, "month": 31}
"""Days that the reports look back, by their names."""
SHOWN: Final = ("plan.html", "plan.md", "moves.csv")
"""Files of a plan that are for readers; run.sh and plan.json are for whoever may change the pool."""
OURS: Final = re.compile(
    r"index\.html|reports/[a-z]+\.html|plans/[0-9a-f]{16}/(?:index\.html|plan\.html|plan\.md|moves\.csv)"
)
PUBLIC: Final = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A plan that is still there: its own folder, and the name of the one with its pages."""

    plan: Plan
    folder: Path
    name: str


def write_site(store: Store, policy: Policy, target: Path) -> tuple[str, ...]:
    """Write the site of the history in *store* to *target*, in the time zone of *policy*; what was written, by name.

    Raises:
        InputError: *target* holds something else, or cannot be written.
        HistoryError: the history cannot be used.
    """
    earlier = _listed(target)
    pages = dict(_pages(store, policy))
    try:
        for name, content in pages.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content, mode=PUBLIC)
        for name in sorted(earlier - pages.keys()):
            _remove(target / name)
        listed = {"format": FORMAT, "files": sorted(pages)}
        write_whole(target / LIST, (json.dumps(listed, indent=2) + "\n").encode(), mode=PUBLIC)
    except OSError as error:
        raise InputError(
            str(target), f"it cannot be written: {error.strerror}", "Make room, or name another"
        ) from error
    return tuple(pages)


def _listed(target: Path) -> frozenset[str]:
    """What an earlier site in *target* consists of.

    Raises:
        InputError: there is something else.
    """
    problem, remedy = "there is something else than a site", "Name a new folder, or an older site to bring up to date"
    try:
        if not target.exists() or (target.is_dir() and not any(target.iterdir())):
            return frozenset()
        raw = json_in(bytes_of(target / LIST, SITE), SITE)
        return frozenset(name for name in raw["files"] if raw["format"] == FORMAT and OURS.fullmatch(name))
    except (OSError, InputError, Unfit, KeyError, TypeError) as error:
        raise InputError(str(target), problem, remedy) from error


def _remove(file: Path) -> None:
    """Remove a page, and the folder that is empty without it."""
    file.unlink(missing_ok=True)
    if file.parent.is_dir() and not any(file.parent.iterdir()):
        file.parent.rmdir()


def _pages(store: Store, policy: Policy) -> Iterator[tuple[str, bytes]]:
    """Each file by its name below the folder."""
    nights = nights_of(store, Period.up_to(datetime(LAST_YEAR, 1, 1, tzinfo=UTC)))
    kept = dict(_kept(store.place.folder, nights))
    reports = list(REPORTS) if nights else []
    names = {digest: each.name for digest, each in kept.items()}
    yield INDEX, nights_page(nights, names, reports, policy.timezone).encode()
    if nights:
        # A minute after the last night, so that the pages of the same nights are the same, whenever they are made.
        end = max(night.ended_at for night in nights) + timedelta(minutes=1)
        for name, days in REPORTS.items():
            report = report_of(store, period_of(store, days, end, end), policy, name=name)
            yield f"reports/{name}.html", report_page(report, end).encode()
    for each in kept.values():
        yield from _of_plan(each, policy.timezone)


def _kept(state: Path, nights: Sequence[NightRow]) -> Iterator[tuple[str, _Kept]]:
    """Plans of *nights* that the folder *state* still holds, by their digests."""
    for night in nights:
        folder = state / "plans" / Path(night.pool_uuid).name / Path(night.folder).name
        if night.plan and night.pool_uuid and night.folder and holds_plan(folder):
            try:
                plan = read_plan(folder)
            except PlanFileError:
                continue
            if plan.digest == night.plan:
                yield plan.digest, _Kept(plan=plan, folder=folder, name=plan.digest.removeprefix("sha256:")[:16])


def _of_plan(kept: _Kept, timezone: str) -> Iterator[tuple[str, bytes]]:
    files, problem = _vouched_files(kept)
    page = plan_page(kept.plan, kept.folder, list(files), problem, timezone)
    yield f"plans/{kept.name}/{INDEX}", page.encode()
    yield from ((f"plans/{kept.name}/{name}", content) for name, content in files.items())


def _vouched_files(kept: _Kept) -> tuple[Mapping[str, bytes], str]:
    """The files that readers may have, if all of the plan are as they were written; else none, and why."""
    try:
        if vouched(kept.plan, kept.folder) is None:
            return {}, ""
        return {name: bytes_of(kept.folder / name, PLAN) for name in SHOWN if (kept.folder / name).is_file()}, ""
    except PlanFileError as error:
        return {}, str(error)
