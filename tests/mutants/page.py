"""The table of mutants, as a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutant import Mutant

HEAD = """# Mutants

Does every part of every rule matter to some test? `make mutants` puts one thing wrong at a time (a comparison, a
boolean, a set difference, a limit by one, an objection that is not made, a rule that is not in the catalogue), runs the
tests in `tests/rules` that reach it, and writes this page. A mutant is killed when a test fails. Lines are those of the
day on which the page was written.
"""


def page(tried: Sequence[tuple[Mutant, str]]) -> str:
    """All mutants in the order of their modules; those that no test can notice apart, with the reason."""
    killed = [_row(mutant, killer.removeprefix("tests/rules/")) for mutant, killer in tried if killer]
    alike = [_row(mutant, _reason(mutant)) for mutant, killer in tried if not killer]
    return "\n".join(
        [
            HEAD,
            f"{len(tried)} mutants: {len(killed)} are killed, {len(alike)} say the same as the rule.",
            "",
            "## Say the same as the rule",
            "",
            *_table("why", alike),
            "## Killed",
            "",
            *_table("by which test", killed),
        ]
    )


def _reason(mutant: Mutant) -> str:
    """Why no test can notice it."""
    return EQUIVALENT.get(mutant.key, "**unknown**")


def _table(last: str, rows: Sequence[str]) -> list[str]:
    """Rows below their head."""
    return [f"| rule | line | change | {last} |", "|---|---|---|---|", *rows, ""]


def _row(mutant: Mutant, last: str) -> str:
    """One mutant."""
    words = mutant.words.replace("|", "\\|")
    return f"| {mutant.rule} | {mutant.line} | `{words}` | {last} |"
