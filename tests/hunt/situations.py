"""Situations to plan in: pools x load x policies x what earlier runs taught x clocks, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.policy import Policy
from rebalancer.simulator import generate_pool
from rebalancer.slots import RecordedDay

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = (0.01, 0.05, 0.2, 1.0)
"""Budgets of a search, from one that ends before anything is found."""
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What planning starts from; `chance` seeds what is asked of the plan afterwards."""

    pool: Pool
    demand: LoadProfile
    policy: Policy
    pace: Pace
    made_at: datetime
    chance: int

    def __repr__(self) -> str:
        """What a person needs to see of a found case; a pool is far too long."""
        given = {key: value for key, value in self.policy.given().items() if value}
        return f"{len(self.pool.hosts)} hosts, {len(self.demand.vms)} VMs, {self.pace}, {self.made_at}, {given}"


Records = dict[str, dict[str, dict[str, Any]]]


def _host(records: Records, number: int) -> dict[str, Any]:
    """One of the hosts, whatever the number."""
    hosts = list(records["host"].values())
    return hosts[number % len(hosts)]


def _uncounted(records: Records, number: int) -> None:
    """A host that does not say how many CPUs it has."""
    _host(records, number)["cpu_info"].pop("cpu_count", None)


def _dead(records: Records, number: int) -> None:
    """A host that is not live, its VMs still running there."""
    records["host_metrics"][_host(records, number)["metrics"]]["live"] = False


def _disabled(records: Records, number: int) -> None:
    """A host that takes nobody."""
    _host(records, number)["enabled"] = False


AILMENTS: tuple[Callable[[Records, int], None], ...] = (_uncounted, _dead, _disabled)


@st.composite
def situations(draw: st.DrawFn, *, hosts: int = 6, vms: int = 26) -> Situation:
    """A pool of two to so many hosts, with everything else that a plan depends on."""
    records = generate_pool(
        hosts=draw(st.integers(2, hosts)),
        vms=draw(st.integers(2, vms)),
        seed=draw(st.integers(0, 100_000)),
        fill=draw(st.sampled_from([0.3, 0.6, 0.8, 0.92])),
        hot=0.0,
        pinned=draw(st.sampled_from([0.0, 0.0, 0.1, 0.4])),
        local=draw(st.sampled_from([0.0, 0.0, 0.0, 0.5])),
        cpus=draw(st.sampled_from([4, 8, 16])),
        largest_gib=16,
        days=1,
    ).records
    for ail in draw(st.lists(st.sampled_from(AILMENTS), max_size=2)):
        ail(records, draw(st.integers(0, 5)))
    pool = pool_from_records(records)
    policy = draw(policies(pool))
    return Situation(
        pool=pool,
        demand=draw(profiles(pool, policy)),
        policy=policy,
        pace=draw(paces),
        made_at=EPOCH + timedelta(minutes=draw(st.integers(0, 400 * 24 * 60))),
        chance=draw(st.integers(0, 1000)),
    )


@st.composite
def profiles(draw: st.DrawFn, pool: Pool, policy: Policy) -> LoadProfile:
    """Loads from idle to twice what the hosts have; flat ones, and peaks of equal height, too."""
    vms, hosts = tuple(sorted(vm.uuid for vm in pool.resident_guests())), tuple(pool.hosts)
    days, chance = _recorded(draw, policy), np.random.default_rng(draw(st.integers(0, 100_000)))
    slots = 24 * len(days) or policy.demand.slots
    level = draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0]))
    heights = level * chance.choice([0.1, 0.5, 1.0, 1.0, 2.0], size=(len(vms), 1))
    shape = np.ones((len(vms), slots)) if draw(st.booleans()) else chance.random((len(vms), slots))
    used = np.round(heights * shape, draw(st.sampled_from([0, 1, 3, 17])))
    own = np.full((len(hosts), slots), draw(st.sampled_from([0.0, 0.25])))
    unknown = chance.random(len(vms)) < draw(st.sampled_from([0.0, 0.0, 0.2]))
    robust = policy.demand.peaking > 0
    refused = draw(st.lists(st.sampled_from([*hosts, *vms]), max_size=2)) if draw(st.integers(0, 4)) == 0 else []
    return LoadProfile(
        vms=vms,
        hosts=hosts,
        vm_pcpu=used,
        host_base_pcpu=own,
        slot_hours=1.0,
        quality={vm: Quality.UNKNOWN if lost else Quality.MEASURED for vm, lost in zip(vms, unknown, strict=True)},
        percentile=None if days else policy.demand.percentile,
        days=days,
        window_start=EPOCH - timedelta(days=7),
        window_end=EPOCH,
        timezone=policy.demand.timezone,
        source="a hunt",
        vm_deviation_pcpu=np.round(chance.random((len(vms), slots)), 2) if robust else None,
        host_deviation_pcpu=np.zeros((len(hosts), 0, slots)) if robust else None,
        refused=dict.fromkeys(refused, "its clock is wrong"),
    )


def _recorded(draw: st.DrawFn, policy: Policy) -> tuple[RecordedDay, ...]:
    """The days that a policy looks back on, each with a weight; none where it asks for percentiles."""
    ages = range(policy.demand.window_days, 0, -1) if policy.demand.in_days else ()
    weights = st.integers(1, 1000)
    return tuple(RecordedDay(start=EPOCH - timedelta(days=age), weight=draw(weights)) for age in ages)


@st.composite
def policies(draw: st.DrawFn, pool: Pool) -> Policy:
    """Every section that planning reads, each key by its default or by something else."""
    vms = sorted(vm.uuid for vm in pool.resident_guests())
    hosts = sorted(pool.hosts)
    some_vms = st.lists(st.sampled_from(vms), max_size=4, unique=True)
    some_hosts = st.lists(st.sampled_from(hosts), min_size=1, max_size=2, unique=True)
    mode = draw(st.sampled_from(["balance", "balance", "balance", "repair", "consolidate", "evacuate"]))
    needed = mode == "evacuate"
    given: dict[str, Any] = {
        "mode": mode,
        "empty": draw(some_hosts) if needed or draw(st.integers(0, 3)) == 0 else [],
        "never_move": draw(st.one_of(st.just([]), some_vms)),
        "last_resort": draw(st.one_of(st.just([]), some_vms)),
        "objective": draw(_objectives),
        "limits": draw(_limits),
        "demand": draw(_demands),
        "storage_motion": {"enabled": draw(st.booleans())},
        "spare": {"hosts": draw(st.sampled_from([0, 0, 0, 1])), "vms": draw(st.sampled_from(["protected", "all"]))},
        "capacity": {"memory_reserve_mib": draw(st.sampled_from([72, 2048])), "cpu_factor": draw(_factors)},
        "window": draw(_windows),
        "intent": {"tag_groups": draw(st.sampled_from(["hard", "soft"]))},
    }
    if draw(st.booleans()) and len(vms) > 1:
        given |= draw(_groups(vms, hosts))
    if given["storage_motion"]["enabled"]:
        given["spare"] = {}
    return Policy.model_validate(given)


def _groups(vms: list[str], hosts: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Wishes about VMs, hard and soft, possible or not."""
    members = st.lists(st.sampled_from(vms), min_size=2, max_size=4, unique=True)
    hard = st.booleans()
    group = st.fixed_dictionaries({"name": st.just("g"), "vms": members, "hard": hard})
    bound = st.fixed_dictionaries(
        {"name": st.just("r"), "vms": members, "hard": hard, "hosts": st.lists(st.sampled_from(hosts), min_size=1)}
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "together": st.tuples(group),
            "apart": st.tuples(group),
            "run_on": st.tuples(bound),
        },
    )


_factors = st.sampled_from([1.0, 0.7, 0.4])
_objectives = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.75, 0.5, 0.2]),
        "pcpu_hours_per_gib": st.sampled_from([0.0001, 0.001, 0.5]),
        "pcpu_hours_per_move": st.sampled_from([0.0, 0.0, 0.3]),
        "priority": st.sampled_from(["mode", "mode", "gib", "load", "sum"]),
        "level": st.sampled_from([0.0, 0.0, 0.5, 20.0]),
        "lower_peak": st.sampled_from([0.0, 0.0, 1.0]),
        "clean_up": st.sampled_from([(), ("peak",), ("spread",), ("peak", "spread"), ("spread", "peak")]),
    }
)
_limits = st.fixed_dictionaries(
    {
        "solve_seconds": st.sampled_from(SECONDS),
        "minimum_gain_pcpu_hours": st.sampled_from([0.0, 0.5]),
        "concurrent": st.integers(1, 4),
        "in_per_host": st.integers(1, 3),
        "out_per_host": st.integers(1, 3),
        "seed": st.integers(0, 9),
    },
    optional={
        "maximum_moves": st.integers(0, 6),
        "maximum_gib": st.sampled_from([0.0, 7.5, 40.0]),
        "per_link": st.integers(1, 2),
        "gap": st.sampled_from([0.02, 0.3]),
    },
)
_days = st.fixed_dictionaries(
    {"form": st.just("days"), "window_days": st.integers(1, 4), "timezone": st.sampled_from(ZONES)},
    optional={"half_life_days": st.sampled_from([0.5, 3.0])},
)
_percentiles = st.fixed_dictionaries(
    {
        "slots": st.sampled_from([24, 24, 24, 168]),
        "timezone": st.sampled_from(ZONES),
        "robust": st.booleans(),
        "budget": st.integers(0, 2),
    }
)
_demands = st.one_of(_percentiles, _percentiles, _days)
_windows = st.one_of(
    st.just(()),
    st.tuples(
        st.fixed_dictionaries(
            {
                "start": st.sampled_from(["22:00", "02:30", "00:00"]),
                "end": st.sampled_from(["05:00", "02:31", "23:59"]),
                "timezone": st.sampled_from(ZONES),
            }
        )
    ),
)
_tenths = st.integers(0, 99).map(lambda tenths: tenths / 10)
paces = st.one_of(
    st.just(NO_EXPERIENCE),
    st.builds(
        Pace,
        fixed_seconds=st.one_of(_tenths, st.floats(0.0, 12.0)),
        factor=st.floats(0.0, 4.0),
        low=st.floats(0.01, 1.0),
        high=st.floats(1.0, 5.0),
        steps=st.integers(8, 400),
    ),
)
"""What was learned of a pool, even of one where a step takes no time."""
