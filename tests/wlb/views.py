"""Views of small made-up pools, with wishes and load drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

import rebalancer as rb
from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import Pool, PowerState
from rebalancer.inventory.records import pool_from_records
from rebalancer.simulator import generate_pool
from rebalancer.wlb.view import View

Wishes = Mapping[str, Mapping[str, object]]
"""Sections of a policy."""
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SLOTS = 24


def view_of(
    seed: int, *, hosts: int = 4, vms: int = 14, fill: float = 0.6, pinned: float = 0.2, wishes: Wishes | None = None
) -> View:
    """A pool with two groups, one to be apart and one together, and load that overloads some hosts; and *wishes*."""
    draw = random.Random(seed)
    made = generate_pool(hosts=hosts, vms=vms, seed=seed, fill=fill, pinned=pinned, cpus=8, days=1)
    pool = pool_from_records(made.records)
    names = sorted(vm.uuid for vm in pool.resident_guests())
    draw.shuffle(names)
    groups = {"apart": [{"name": "a", "vms": names[:4], "at_most": 2}], "together": [{"name": "t", "vms": names[4:6]}]}
    given = wishes or {}
    limits = {"solve_seconds": 2, "sanity_share": 1.0, **given.get("limits", {})}
    policy = rb.Policy.model_validate({**groups, **given, "limits": limits})
    state = rb.PoolState(pool=pool, demand=profile_of(pool, seed), source="made up", taken_at=NOW)
    return View(model=rb.Model(state, policy), seen_at=NOW)


def profile_of(pool: Pool, seed: int) -> LoadProfile:
    """Load of every guest that runs."""
    draw = np.random.default_rng(seed)
    vms, hosts = tuple(vm.uuid for vm in pool.resident_guests()), tuple(pool.hosts)
    return LoadProfile(
        vms=vms,
        hosts=hosts,
        vm_pcpu=np.round(draw.uniform(0.1, 3.0, (len(vms), SLOTS)), 4),
        host_base_pcpu=np.full((len(hosts), SLOTS), 0.2),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=NOW - timedelta(days=1),
        window_end=NOW,
        timezone="UTC",
        source="made up",
    )


def halted(view: View, uuid: str) -> View:
    """*view* as it is once a guest was shut down."""
    pool = view.model.state.pool
    vm = replace(pool.vms[uuid], power_state=PowerState.HALTED, resident_on=None, metrics=None)
    return with_pool(view, replace(pool, vms={**pool.vms, uuid: vm}))


def with_pool(view: View, pool: Pool) -> View:
    """*view* of another pool."""
    return View(model=rb.Model(replace(view.model.state, pool=pool), view.model.policy), seen_at=view.seen_at)
