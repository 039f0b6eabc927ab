"""Hunt disagreements between what makes plans and what checks them: `python -m tests.hunt --cases 10000`.

Each case is a pool, a load, a policy, what earlier runs taught and a clock; see `situations`. Every disagreement is
printed with the case it was met in, and the end is 1 then. The same seed draws the same cases.
"""

from __future__ import annotations

import pickle
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hunt.ask import examine
from tests.hunt.situations import Situation, situations

FOUND = Path("build/hunt")
SMALL = situations()


def main() -> int:
    """Print how often each end was met; 1 where there was a disagreement."""
    wanted = _arguments()
    ends = hunt(wanted.cases, wanted.seed, _keep, situations(hosts=wanted.hosts, vms=wanted.vms))
    sys.stdout.write("".join(f"{count:7} {end}\n" for end, count in ends.most_common()))
    return int(ends["disagreement"] > 0)


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.hunt", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="how many situations to draw")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    parser.add_argument("--hosts", type=int, default=6, help="hosts of a pool, at most")
    parser.add_argument("--vms", type=int, default=26, help="VMs of a pool, at most")
    return parser.parse_args()


def hunt(
    cases: int,
    chance: int,
    found: Callable[[Situation, Exception], None],
    drawn: st.SearchStrategy[Situation] = SMALL,
) -> Counter[str]:
    """Examine *cases* of *drawn* by seed *chance*, telling *found* of disagreements; how often each end was met.

    A case is not made smaller: where a search is cut short by time, it would not be met again.
    """
    ends = Counter[str]()

    @seed(chance)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn)
    def each(situation: Situation) -> None:
        ends["cases"] += 1
        try:
            ends.update(examine(situation))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is hunted
            ends["disagreement"] += 1
            found(situation, error)

    each()
    return ends


def _keep(situation: Situation, error: Exception) -> None:
    """Print what was found, and keep the situation as a file."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{len(list(FOUND.iterdir())) + 1:03}.pickle"
    path.write_bytes(pickle.dumps(situation))
    where = traceback.format_exception(error)[-2:]
    sys.stdout.write(f"{path}: {''.join(where)}  in {situation!r}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
