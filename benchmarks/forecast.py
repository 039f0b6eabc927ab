"""Models that forecast, by rolling origin on recorded load: `python -m benchmarks.forecast [TRACES]`.

Pools of 25 VMs are drawn from the Azure and the Bitbrains traces; half of them grow by 1 or 2 % a day.
From each origin, the busiest hour of each of the next seven days is forecast, and compared with what came.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from rebalancer.whatif.forecast import Ahead, ahead

Series = NDArray[np.float64]

TRACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "traces"
POOLS, VMS, SEED = 20, 25, 1
KNOWN, AHEAD, EVERY = 14, 7, 3
HOURS = 24
QUANTILE = 1.2816
"""Of the normal distribution, so that four of five are between its ends."""

MODELS = {"level": "llevel", "trend": "lldtrend", "line": "dtrend", "bending": "lltrend"}


def last_day(known: Series, days: int) -> Ahead:
    """As today, with what days differ by from one to the next."""
    reach = QUANTILE * np.diff(known).std(ddof=1) * np.sqrt(np.arange(1, days + 1))
    middle = np.full(days, known[-1])
    return Ahead(middle=middle, low=middle - reach, high=middle + reach)


def contenders() -> dict[str, Callable[[Series, int], Ahead]]:
    """Each model under its name, the naive one first."""
    fitted = {f"{name} ({model})": lambda y, days, m=model: ahead(y, days, m) for name, model in MODELS.items()}
    return {"as today": last_day, **fitted}


def pools(folder: Path) -> Iterator[Series]:
    """Busiest hour of each day of pools, as shares of their mean."""
    azure = np.load(folder / "azure_v1_avg_100.npz")["cpu_pct_x100"][:, : 27 * 288].astype(float)
    bitbrains = np.load(folder / "bitbrains_small_hourly_mhz.npz")["mhz"][:, : 30 * HOURS].astype(float)
    recorded = (azure.reshape(len(azure), -1, 12).mean(axis=2), bitbrains)
    rng = np.random.default_rng(SEED)
    for number in range(POOLS):
        hours = recorded[number % 2]
        chosen = rng.choice(len(hours), VMS, replace=False)
        days = hours[chosen].sum(axis=0).reshape(-1, HOURS).max(axis=1)
        growth = (0.0, 0.0, 0.01, 0.02)[number // 2 % 4]
        yield days / days.mean() * (1 + growth * np.arange(len(days)))


def judged(model: Callable[[Series, int], Ahead], given: list[Series]) -> tuple[float, float, float]:
    """Mean error as a share of the mean load, share of days within the interval, mean width of the interval."""
    errors, within, widths = [], [], []
    for days in given:
        for origin in range(KNOWN, len(days) - AHEAD + 1, EVERY):
            told, came = model(days[:origin], AHEAD), days[origin : origin + AHEAD]
            errors.append(np.abs(came - told.middle))
            within.append((told.low <= came) & (came <= told.high))
            widths.append(told.high - told.low)
    return float(np.mean(errors)), float(np.mean(within)), float(np.mean(widths))


def main() -> None:
    """Print a row a model."""
    given = list(pools(Path(sys.argv[1]) if len(sys.argv) > 1 else TRACES))
    print(f"{len(given)} pools of {VMS} VMs, {AHEAD} days ahead from day {KNOWN} on, every {EVERY} days")
    print("| model | mean error | within the 80 % interval | width | CPU seconds |\n|---|---|---|---|---|")
    for name, model in contenders().items():
        began = process_time()
        error, coverage, width = judged(model, given)
        print(f"| {name} | {error:.1%} | {coverage:.1%} | {width:.2f} | {process_time() - began:.1f} |", flush=True)


if __name__ == "__main__":
    main()
