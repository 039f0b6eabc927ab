"""Files of users are opened in one room, so that limits and modes hold for all of them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT

METHODS = r"\.(?:read_text|read_bytes|write_text|write_bytes|touch|open)"
OPENS = re.compile(rf"(?:{METHODS}|(?<![.\w])(?<!def )open)\(")
ALLOWED = {
    "cli/commands/operate/monitor.py": "alert rules and dashboard that come with the package",
    "cli/commands/operate/policy.py": "the policy that comes with the package",
    "cli/installing/units.py": "the units that come with the package",
    "cli/serving.py": "the unit that comes with the package",
    "execute/journal/lock.py": "a lock is tried and nothing is read",
    "execute/journal/journal.py": "the journal is added to, and its folder synced",
    "simulator/generate/loads.py": "data of the package",
    "simulator/server/certificate.py": "a key in a folder of its own, for the time of a call",
    "simulator/state/schema.py": "data of the package",
}
NULL = "os.open(os.devnull"
EXAMPLE = re.compile(r"^ *(?:>>>|\.\.\.) .*$", re.MULTILINE)
"""A line of an example in a docstring, which is no line of the product."""


def test_files_are_opened_in_one_room() -> None:
    """Whoever else opens one has a reason that stands here."""
    package = ROOT / "rebalancer"
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if _opens(path)}
    assert {each for each in found if not each.startswith("files/")} == ALLOWED.keys()


def _opens(path: Path) -> bool:
    return OPENS.search(EXAMPLE.sub("", path.read_text(encoding="utf-8")).replace(NULL, "")) is not None
