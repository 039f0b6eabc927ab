"""The table of mutants that were tried, as a page."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutant import Mutant

HEAD = """# Mutants

Does every part of every rule matter to some test? `make mutants` puts one thing wrong at a time (a comparison, a
boolean, a set difference, a limit by one, an objection that is not made, a rule that is not in the catalogue), runs the
tests in `tests/rules` that reach it, and writes this page. A mutant is killed when a test fails.
"""


def page(tried: Sequence[tuple[Mutant, str]]) -> str:
    """All mutants in the order of their modules; those that survive and those that no test can notice apart."""
    killed = [_row(mutant, killer.removeprefix("tests/rules/")) for mutant, killer in tried if killer]
    survivors = [mutant for mutant, killer in tried if not killer]
    alike = [_row(mutant, EQUIVALENT[mutant.key]) for mutant in survivors if mutant.key in EQUIVALENT]
    alive = [_row(mutant, "") for mutant in survivors if mutant.key not in EQUIVALENT]
    return "\n".join(
        [
            HEAD,
            f"{len(tried)} mutants: {len(killed)} killed, {len(alike)} say the same as the rule, {len(alive)} alive.",
            "",
            "## Alive",
            "",
            *_table("by which test", alive),
            "## Say the same as the rule",
            "",
            *_table("why", alike),
            "## Killed",
            "",
            *_table("by which test", killed),
        ]
    )


def _table(last: str, rows: Sequence[str]) -> list[str]:
    """Rows below their head."""
    return [f"| rule | line | change | {last} |", "|---|---|---|---|", *rows, ""]


def _row(mutant: Mutant, last: str) -> str:
    """One mutant."""
    words = mutant.words.replace("|", "\\|")
    return f"| {mutant.rule} | {mutant.line} | `{words}` | {last} |"
