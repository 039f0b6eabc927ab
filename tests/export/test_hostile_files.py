"""Whatever things in a pool are called, the files of a plan show it, and stay with their owner."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from rebalancer.export import read_plan, write_plan
from rebalancer.export.planfile import plan_from_json
from rebalancer.plan import Plan
from rebalancer.plan.document import digest_of_document, plan_document
from tests.export.cases import CASES

HOSTILE = "a\u202eb\u2066c\x85d\x9be\x7ff\u200fg\u2028h\ufeffi\u3164j\U000e0041k"
SHOWN = "\n\r"


def renamed(value: Any, key: str = "") -> Any:  # noqa: ANN401 - a document
    """*value* with every name and sentence in it followed by letters that nobody should see."""
    if isinstance(value, dict):
        return {name: renamed(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, key) for each in value]
    if isinstance(value, str) and (key.endswith(("name", "words", "why")) or key in {"summary", "fix", "bound_by"}):
        return value + HOSTILE
    return value


@pytest.fixture(scope="module", params=CASES)
def plan(request: pytest.FixtureRequest) -> Plan:
    """A plan of each sort, in a pool of hostile names."""
    document = renamed(plan_document(CASES[request.param]().plan))
    return plan_from_json(json.dumps(document | {"digest": digest_of_document(document)}), "plan")


def test_every_file_of_a_plan_shows_what_is_in_it(tmp_path: Path, plan: Plan) -> None:
    """No controls of C0 and C1, nothing that turns the reading around, nothing invisible, in any file."""
    for path in write_plan(plan, tmp_path / "plan"):
        text = path.read_bytes().decode()
        odd = {letter for letter in text if not letter.isprintable() and letter not in SHOWN}
        assert (path.name, odd) == (path.name, set())
        assert "\u3164" not in text, path.name
    assert read_plan(tmp_path / "plan") == plan


def test_only_the_owner_can_look_into_a_plan(tmp_path: Path) -> None:
    """Whatever the mask, and whoever could look into the plan that was there before."""
    folder, plan = tmp_path / "new" / "plan", CASES["disks"]().plan
    mask = os.umask(0)
    try:
        for _ in range(2):
            files = write_plan(plan, folder)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *files)}
            assert modes == {
                "plan": 0o700,
                "plan.json": 0o600,
                "plan.md": 0o600,
                "plan.html": 0o600,
                "moves.csv": 0o600,
                "run.sh": 0o700,
                "manifest.json": 0o600,
            }
            folder.chmod(0o777)
    finally:
        os.umask(mask)
