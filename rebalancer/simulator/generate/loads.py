"""How busy generated guests are: days drawn from a small model of real traces, hosts hot at hours of their own."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The steps of a series are hours.
STEP_SECONDS = 3600
HOT_HOURS = (10, 2, 20, 14, 6)
WEEKEND = 0.7
# Figures of the model that a guest gets by chance.
DRAWN = ("mean_share", "swing", "noise")
# A vCPU is never busier than this, and a host is aimed at these shares of its pCPUs in its busiest hour.
CEILING = 0.98
HOT_PEAK = (0.97, 1.0)
CALM_PEAK = (0.4, 0.65)
# Few guests cannot heat a host: together they are aimed at no more than this share of their vCPUs.
REACHABLE = 0.7
# How restless guests are from day to day.
SPREAD = 0.5
KEPT = 0.8


@cache
def model() -> dict[str, Any]:
    """The fitted figures (written by `python data/build.py load-model`)."""
    text = files("rebalancer.simulator").joinpath("load-model.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def model_shares(rng: np.random.Generator, peaks: Array, days: int) -> Array:
    """Draw from the model which share of all its vCPUs a guest uses, [guest, step], above 0.

    `peaks` holds the hour of the day at which each guest is busiest; the first step is a Thursday, as the epoch was.
    """
    figures = model()
    level, swing, noise = (_drawn(rng, figures[f"{name}_quantiles"], len(peaks)) for name in DRAWN)
    shape = np.asarray(figures["day_after_peak"])
    offset = (_hours(days)[None, :] - peaks[:, None]) % 24.0
    rhythm = 1.0 + (np.interp(offset, np.arange(25), np.append(shape, shape[0])) - 1.0) / shape.std() * swing[:, None]
    is_weekend = np.isin(np.arange(days * 24) // 24 % 7, (2, 3))
    rhythm = np.maximum(rhythm, 0.15) * np.where(is_weekend, WEEKEND, 1.0)
    jitter = rng.lognormal(0.0, 1.0, (len(peaks), days * 24)) ** (0.35 * np.minimum(noise, 1.0))[:, None]
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


def base_loads(rng: np.random.Generator, hosts: int, days: int) -> Array:
    """pCPU that dom0 and Xen use themselves, [host, step]: around 0.6, a little more in office hours."""
    office = np.exp(-(((_hours(days) - 13.0) / 5.0) ** 2))
    return np.asarray(rng.uniform(0.4, 0.7, (hosts, 1)) + 0.3 * office + rng.uniform(0.0, 0.1, (hosts, days * 24)))


def restless(rng: np.random.Generator, guests: int, days: int) -> Array:
    """How much busier than usual each guest is at each step, [guest, step], around 1: a level for each day.

    A level keeps KEPT of its logarithm from day to day, and spreads by SPREAD.
    """
    levels = rng.normal(0.0, SPREAD, (guests, days))
    for day in range(1, days):
        levels[:, day] = KEPT * levels[:, day - 1] + np.sqrt(1.0 - KEPT**2) * levels[:, day]
    return np.asarray(np.exp(levels - SPREAD**2 / 2).repeat(24, axis=1))


def _hours(days: int) -> Array:
    """Hour of the day (UTC) at the middle of each step."""
    return np.asarray((np.arange(days * 24) + 0.5) % 24.0)


def _drawn(rng: np.random.Generator, quantiles: list[float], count: int) -> Array:
    return np.asarray(np.interp(rng.uniform(0.0, 1.0, count), np.linspace(0.0, 1.0, len(quantiles)), quantiles))
