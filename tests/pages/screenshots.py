"""Pictures of the page of a plan, for docs and README: `python -m tests.pages.screenshots` writes docs/img.

The plan is made for the pool to practise on of `benchmarks.pipeline`: 16 hosts and 250 VMs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pipeline import read
from rebalancer.export.page.page import plan_page
from rebalancer.planner.rebalance import rebalance
from rebalancer.rules import Rulebook
from tests.conftest import ROOT
from tests.pages.browser import Tab, chromium

FOLDER = ROOT / "docs" / "img"
MADE_AT = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
HEIGHT = 1000
PICTURES = (("plan-light", 1100, False), ("plan-dark", 1100, True), ("plan-phone", 400, False))
"""Names, widths, and whether it is dark."""


def main() -> None:
    """Write the pictures.

    Raises:
        LookupError: there is no browser.
    """
    plan = rebalance(Rulebook.of(read()), made_at=MADE_AT)
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, chromium(Path(folder) / "profile") as browser:
        page = Path(folder) / "plan.html"
        page.write_text(plan_page(plan), encoding="utf-8")
        for name, width, dark in PICTURES:
            tab = Tab(browser, width=width, dark=dark)
            tab.open(page)
            (FOLDER / f"{name}.png").write_bytes(tab.picture(height=HEIGHT))


if __name__ == "__main__":
    main()
