"""Put one thing wrong in each rule, one after the other, and see which test notices."""

from __future__ import annotations

import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import pytest

from tests.conftest import ROOT
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutant import Mutant, mutants
from tests.mutants.page import page
from tests.mutants.trial import Trials
from tests.rules.recordings import FILES, NONE_FOUND

TESTS = (
    "tests/rules",
    "tests/legality",
    "-k",
    "not large_pool",
    "-o",
    "addopts=--import-mode=importlib",
    "-p",
    "no:terminal",
    "-s",
)
"""Those of the rules, without large pools, which take long."""
PAGE = ROOT / "build" / "mutants.md"


def main() -> int:
    """1 when a mutant survives; nothing is tried where the recorded verdicts are absent."""
    wanted = _arguments()
    if not FILES:
        sys.stdout.write(f"Skipped: {NONE_FOUND}; some mutants fall to nothing else.\n")
        return 0
    chosen = _chosen(wanted)
    trials = Trials(chosen, _tell)
    done = pytest.main(list(TESTS), [trials])
    if done or len(trials.killers) < len(chosen):
        return 1
    return _report(chosen, trials.killers)


def _arguments() -> Namespace:
    """What the command line asks."""
    parser = ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("rules", nargs="*", help="modules of rebalancer/rules, such as cpu.cpu_features; default: all")
    parser.add_argument("--sample", type=int, default=0, help="try that many, chosen by chance; default: all")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    return parser.parse_args()


def _chosen(wanted: Namespace) -> list[Mutant]:
    """The mutants to try, in the order of the rules."""
    found = [each for each in mutants() if not wanted.rules or each.rule in wanted.rules]
    if not wanted.sample:
        return found
    places = random.Random(wanted.seed).sample(range(len(found)), min(wanted.sample, len(found)))
    return [found[place] for place in sorted(places)]


def _tell(mutant: Mutant, killer: str) -> None:
    """Print a mutant that survives."""
    if not killer and mutant.key not in EQUIVALENT:
        path = f"rebalancer/rules/{mutant.rule.replace('.', '/')}.py"
        sys.stdout.write(f"survives: {path}:{mutant.line}: {mutant.words}\n")
        sys.stdout.flush()


def _report(chosen: Sequence[Mutant], killers: Sequence[str]) -> int:
    """Print how many survived, and write all to the page."""
    survivors = [each for each, killer in zip(chosen, killers, strict=True) if not killer]
    known = [each for each in survivors if each.key in EQUIVALENT]
    sys.stdout.write(
        f"{len(chosen)} mutants: {len(chosen) - len(survivors)} killed, {len(known)} equivalent,"
        f" {len(survivors) - len(known)} alive; all of them: {PAGE.relative_to(ROOT)}\n"
    )
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(list(zip(chosen, killers, strict=True))), encoding="utf-8")
    return int(len(survivors) > len(known))


if __name__ == "__main__":
    sys.exit(main())
