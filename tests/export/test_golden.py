"""A plan as it is written, byte for byte. `python -m tests.export.test_golden` writes plan and schema anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rebalancer.export import plan_schema
from rebalancer.export.manifest import WRITERS
from tests.export.everything import golden_plan

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(__file__).resolve().parents[2] / "rebalancer" / "export" / "plan.schema.json"


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_plan_is_written_byte_for_byte(name: str) -> None:
    """The same input gives what is kept here, up to the versions of the packages that made it; a page, its HTML."""
    assert _kept(WRITERS[name](golden_plan())).encode() == (GOLDEN / name).read_bytes()


def _kept(text: str) -> str:
    """*text* without style sheet and script, which stand in files of their own, and what they are known by."""
    bare = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", text, flags=re.DOTALL)
    return re.sub(r"sha256-[\w+/]{43}=", "sha256-...", bare)


def write_golden() -> None:
    """Write the files that the test compares with."""
    GOLDEN.mkdir(exist_ok=True)
    for name, text in WRITERS.items():
        (GOLDEN / name).write_bytes(_kept(text(golden_plan())).encode())
    SCHEMA.write_text(json.dumps(plan_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
