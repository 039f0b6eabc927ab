"""Let storms rage over runs of plans, and judge what comes of it: `python -m tests.storm --storms 10000`.

Each storm is a made-up pool, a plan, and processes that carry it out while they are killed, cut off from the pool, out
of disk and asked to stop, while hosts and migrations fail and others move VMs. The same seed draws the same storms.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator

from tests.storm.many import one, storms
from tests.storm.processes import process_storm
from tests.storm.storm import Outcome


def main() -> int:
    """Print what came of it; 1 where anything was wrong."""
    wanted = _arguments()
    if wanted.only:
        return _told(one(*map(int, wanted.only.split(":")), pair=wanted.pairs > 0))
    counts = Counter[str]()
    try:
        for kind, outcome in _outcomes(wanted):
            counts.update(_counted(outcome, kind))
            if outcome.found:
                _print(outcome)
    except KeyboardInterrupt:
        sys.stdout.write("interrupted; so far:\n")
    sys.stdout.write("".join(f"{count:7} {what}\n" for what, count in counts.items()))
    return int(counts[WRONG] > 0)


def _outcomes(wanted: Namespace) -> Iterator[tuple[str, Outcome]]:
    """The outcomes of all that is wanted, each with what it is of."""
    for number in range(wanted.processes):
        yield "storms of processes", process_storm(wanted.seed, number)
    for pair, outcome in storms(wanted.seed, wanted.storms, wanted.pairs, workers=wanted.workers):
        yield "pairs" if pair else "storms", outcome


WRONG = "findings"


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--storms", type=int, default=300, help="how many storms")
    parser.add_argument("--pairs", type=int, default=0, help="how many storms in which two people begin the same plan")
    parser.add_argument("--processes", type=int, default=0, help="how many storms of real processes that are killed")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    parser.add_argument(
        "--only", metavar="SEED:NUMBER", help="tell the whole story of one storm; of a pair with --pairs 1"
    )
    parser.add_argument("--workers", type=int, default=None, help="processes; default: one a core")
    return parser.parse_args()


def _counted(outcome: Outcome, kind: str) -> Counter[str]:
    counts = Counter({kind: 1, "runs": len(outcome.ends), "moves": outcome.moves})
    counts.update({"kills": outcome.kills, WRONG: len(outcome.found)})
    counts.update(f"end: {end}" for end in outcome.ends)
    counts.update([f"last: {outcome.last}"])
    return counts


def _print(outcome: Outcome) -> None:
    """Print what was wrong, and in which weather."""
    sys.stdout.write("".join(f"{outcome.name} {each}\n" for each in outcome.found))
    sys.stdout.write("".join(f"    {each}\n" for each in outcome.words))
    sys.stdout.flush()


def _told(outcome: Outcome) -> int:
    """Print the whole story of a storm."""
    _print(outcome)
    sys.stdout.write("".join(f"{each}\n" for each in (*outcome.story, f"last: {outcome.last}")))
    return int(bool(outcome.found))


if __name__ == "__main__":
    sys.exit(main())
