"""How busy generated guests are: days drawn from a small model of real traces, hosts hot at hours of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DAY = 86400
STEP_SECONDS = 3600
HOT_HOURS = (10, 2, 20, 14, 6)
WEEKEND = 0.7
# A vCPU is never busier than this, and a host is aimed at these shares of its pCPUs in its busiest hour.
CEILING = 0.98
HOT_PEAK = (0.97, 1.0)
CALM_PEAK = (0.4, 0.65)
# Few guests cannot heat a host: together they are aimed at no more than this share of their vCPUs.
REACHABLE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The steps of a load series that lasts *days*."""

    days: int

    @property
    def count(self) -> int:
        """How many steps it has."""
        return self.days * DAY // STEP_SECONDS

    def hours(self) -> Array:
        """Hour of the day (UTC) at the middle of each step."""
        return np.asarray((np.arange(self.count) + 0.5) * STEP_SECONDS % DAY / 3600.0, dtype=np.float64)

    def weekend(self) -> NDArray[np.bool_]:
        """Whether a step is on Saturday or Sunday; the first step is a Thursday, as the epoch was."""
        day = np.arange(self.count) * STEP_SECONDS // DAY % 7
        return np.isin(day, (2, 3))


@cache
def model() -> dict[str, Any]:
    """The fitted figures (written by `python data/build.py load-model`)."""
    text = files("rebalancer.simulator").joinpath("load-model.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def model_shares(rng: np.random.Generator, peaks: Array, span: Span) -> Array:
    """Draw CPU shares of guests from the model.

    Args:
        rng: source of chance.
        peaks: hour of the day at which each guest is busiest.
        span: the steps.

    Returns:
        Share of all its vCPUs, [guest, step], above 0.
    """
    figures = model()
    level, swing, noise = (
        _drawn(rng, figures[name], len(peaks))
        for name in ("mean_share_quantiles", "swing_quantiles", "noise_quantiles")
    )
    shape = np.asarray(figures["day_after_peak"])
    offset = (span.hours()[None, :] - peaks[:, None]) % 24.0
    rhythm = 1.0 + (np.interp(offset, np.arange(25), np.append(shape, shape[0])) - 1.0) / shape.std() * swing[:, None]
    rhythm = np.maximum(rhythm, 0.15) * np.where(span.weekend(), WEEKEND, 1.0)
    jitter = rng.lognormal(0.0, 1.0, (len(peaks), span.count)) ** (0.35 * np.minimum(noise, 1.0))[:, None]
    return np.asarray(level[:, None] * rhythm * jitter)


def peak_hours(rng: np.random.Generator, guest_hosts: NDArray[np.int64], hot_hosts: int) -> Array:
    """Each guest's busiest hour: near its host's hour on hot hosts (the first ones), anywhere on the others."""
    spread = rng.normal(0.0, 1.2, len(guest_hosts))
    own = rng.uniform(0.0, 24.0, len(guest_hosts))
    shared = np.asarray(HOT_HOURS, dtype=float)[guest_hosts % len(HOT_HOURS)]
    return np.asarray(np.where(guest_hosts < hot_hosts, shared + spread, own) % 24.0)


def heated(
    rng: np.random.Generator,
    *,
    shares: Array,
    vcpus: Array,
    guest_hosts: NDArray[np.int64],
    base: Array,
    cpus: int,
    hot: int,
) -> Array:
    """Scale the guests of each host together until the host's busiest hour is as hot as it shall be.

    Args:
        rng: source of chance.
        shares: [guest, step], share of all vCPUs.
        vcpus: of each guest.
        guest_hosts: number of each guest's host.
        base: [host, step], pCPU of dom0 and Xen.
        cpus: pCPUs of a host.
        hot: how many hosts, from the first on, shall be hot.

    Returns:
        pCPU used, [guest, step].
    """
    used = shares * vcpus[:, None]
    for host in range(len(base)):
        mine = guest_hosts == host
        if not mine.any():
            continue
        aim = rng.uniform(*(HOT_PEAK if host < hot else CALM_PEAK)) * cpus
        peak = min(aim, base[host].max() + REACHABLE * vcpus[mine].sum())
        for _ in range(12):
            busiest = int(np.argmax(base[host] + used[mine].sum(axis=0)))
            factor = (peak - base[host, busiest]) / max(float(used[mine, busiest].sum()), 1e-6)
            used[mine] = np.minimum(used[mine] * factor, CEILING * vcpus[mine][:, None])
    return np.asarray(used)


def base_loads(rng: np.random.Generator, hosts: int, span: Span) -> Array:
    """pCPU that dom0 and Xen use themselves, [host, step]: around 0.6, a little more in office hours."""
    office = np.exp(-(((span.hours() - 13.0) / 5.0) ** 2))
    return np.asarray(rng.uniform(0.4, 0.7, (hosts, 1)) + 0.3 * office + rng.uniform(0.0, 0.1, (hosts, span.count)))


def _drawn(rng: np.random.Generator, quantiles: list[float], count: int) -> Array:
    return np.asarray(np.interp(rng.uniform(0.0, 1.0, count), np.linspace(0.0, 1.0, len(quantiles)), quantiles))
