"""Network and disk throughput beside CPU: read from metrics, against what carries them, in plans and files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import LoadProfile
from rebalancer.demand.aggregate import profile_from_samples
from rebalancer.demand.flows import Flow, FlowKey, FlowKind
from rebalancer.demand.forms import in_form
from rebalancer.demand.rrd import rrd_samples
from rebalancer.errors import MetricsRefused, PolicyError, SnapshotError
from rebalancer.inventory import Pool
from rebalancer.objectives import Balance, LoadCost
from rebalancer.placement import Placement
from rebalancer.policy import DemandPolicy, Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.resources.network import network_load
from rebalancer.rules import Rulebook
from rebalancer.snapshot import Snapshot, read_snapshot, snapshot_in, write_snapshot
from rebalancer.solve import solve
from tests.demand.conftest import answer
from tests.pools import make_host, make_network, make_pif, make_pool, make_vif, make_vm, policy_of
from tests.solve.tiny import BALANCING, best, make_demand, placements

HOURS = 24
GBIT = 1e9 / 8
READ = DemandPolicy(window_days=1, percentile=100.0, resources=("network", "disk"))
SENT, RECEIVED, DISK = FlowKind.SENT, FlowKind.RECEIVED, FlowKind.DISK
AT_ONCE = {"minimum_gain_pcpu_hours": 0, "solve_seconds": 10}


def host_with(name: str, *cards: tuple[str, str, int, int | None]) -> Any:  # noqa: ANN401 - a host
    """A host with interfaces: network, device, VLAN (-1 for none) and Mbit/s."""
    pifs = tuple(
        make_pif(name, network, device=device, vlan=vlan, speed_mbits=speed) for network, device, vlan, speed in cards
    )
    return replace(make_host(name), pifs=pifs)


@pytest.fixture
def pool() -> Pool:
    """On h1, `front` and `back` are VLANs of one 10 Gbit/s card; on h2, each has a card, of 1 and 10 Gbit/s."""
    h1 = host_with("h1", ("trunk", "eth0", -1, 10_000), ("front", "eth0", 10, 10_000), ("back", "eth0", 20, 10_000))
    h2 = host_with("h2", ("front", "eth0", -1, 1_000), ("back", "eth1", -1, 10_000))
    vifs = (make_vif("web", "front"), replace(make_vif("web", "back"), uuid="web-1", device="1"))
    vms = [make_vm("web", on="h1", vifs=vifs), make_vm("db", on="h1", vifs=(make_vif("db", "back"),))]
    return make_pool(hosts=[h1, h2], vms=vms, networks=[make_network(name) for name in ("trunk", "front", "back")])


def profile(pool: Pool, columns: Mapping[str, Sequence[float]], settings: DemandPolicy = READ) -> LoadProfile:
    """The profile after a day in which these columns of h1 were the same in every hour."""
    cpus = {f"vm:{vm}:cpu{number}": [0.1] * HOURS for vm in ("web", "db") for number in range(2)}
    bodies = {"h1": answer({**cpus, "host:h1:cpu_avg": [0.1] * HOURS, **columns}), "h2": _idle()}
    found = rrd_samples(bodies, pool, None, settings.resources)
    end = datetime(1970, 1, 2, tzinfo=UTC)
    return profile_from_samples(found.table, pool, settings, end, refused=found.refused, flows=found.flows)


def _idle() -> bytes:
    return answer({"host:h2:cpu_avg": [0.1] * HOURS})


def steady(gbit: float) -> list[float]:
    """Bytes per second, all day."""
    return [gbit * GBIT] * HOURS


def test_what_vms_send_counts_on_their_networks(pool: Pool) -> None:
    """By the number of the interface, in Gbit/s; disks add up, in MB/s; what is not read is not there."""
    found = profile(
        pool,
        {
            "vm:web:vif_0_tx": steady(1.5),
            "vm:web:vif_1_rx": steady(0.5),
            "vm:web:vif_7_tx": steady(1.0),
            "vm:db:vbd_xvda_read": [3e6] * HOURS,
            "vm:db:vbd_xvdb_write": [4e6] * HOURS,
            "vm:db:vbd_xvdb_iops_write": [9e6] * HOURS,
        },
    )
    rates = {flow.key: set(flow.rates) for flow in found.flows}
    assert rates == {
        FlowKey(owner="web", kind=SENT, place="front"): {1.5},
        FlowKey(owner="web", kind=RECEIVED, place="back"): {0.5},
        FlowKey(owner="db", kind=DISK): {7.0},
    }
    assert found.resources == ("network", "disk")
    assert profile(pool, {"vm:web:vif_0_tx": steady(1.5)}, DemandPolicy(window_days=1)).flows == ()


def test_interfaces_count_whoever_uses_them(pool: Pool) -> None:
    """The speed of each that carries a guest's network, also where the profile knows of no guest that uses it."""
    told = profile(pool, {"vm:web:vif_0_tx": steady(1.5), "vm:db:vif_0_rx": steady(0.5)})
    folded = tuple(replace(flow, key=replace(flow.key, owner="h1", place="h1-eth0")) for flow in told.flows)
    weighed = policy_of(objective={"network": {"weight": 1.0}}, demand={"resources": ["network"]}).objective.network
    whole, carried = (network_load(pool, each, weighed).capacity for each in (told, replace(told, flows=folded)))
    assert np.array_equal(whole, carried)
    assert np.isfinite(whole).any(axis=1).all()


def test_a_host_has_what_its_vms_do_not(pool: Pool) -> None:
    """Of 4 Gbit/s that leave over eth0, VLANs of which carry 1.5 and 0.5 of VMs, 2 are its own; never below 0."""
    columns = {"vm:web:vif_0_tx": steady(1.5), "vm:db:vif_0_tx": steady(0.5), "vm:db:vif_0_rx": steady(0.5)}
    found = profile(pool, {**columns, "host:h1:pif_eth0_tx": steady(4.0), "host:h1:pif_eth0_rx": steady(0.1)})
    own = {flow.key.kind: set(flow.rates) for flow in found.flows if flow.key.owner == "h1"}
    assert own == {SENT: {2.0}}


def test_hours_that_are_missing_are_not_zero(pool: Pool) -> None:
    """A gap takes the highest hour, as of CPU; rates that cannot be true are gaps."""
    rates = [0.2 * GBIT] * 10 + [nan, -5.0, float("inf")] + [0.4 * GBIT] * 11
    found = profile(pool, {"vm:web:vif_0_tx": rates})
    assert found.flows[0].rates[10:13] == (0.4, 0.4, 0.4)
    assert found.flows[0].hours[10:13] == (None, None, None)


def test_flows_take_the_form_of_the_profile(pool: Pool) -> None:
    """Hours become slots again where a policy asks for other ones."""
    found = profile(pool, {"vm:web:vif_0_tx": [hour * 0.1 * GBIT for hour in range(HOURS)]})
    days = in_form(found, DemandPolicy.model_validate({"form": "days", "window_days": 1, "resources": ["network"]}))
    assert days.days
    assert days.flows[0].rates == pytest.approx([hour * 0.1 for hour in range(HOURS)])


def test_snapshots_carry_flows(pool: Pool, tmp_path: Path) -> None:
    """They come back as they were written; a file without them reads on; one with a flow below 0 is refused."""
    demand = profile(pool, {"vm:web:vif_0_tx": steady(1.5)})
    at = datetime(2026, 11, 16, tzinfo=UTC)
    write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=at, source="test"), tmp_path / "pool.json")
    assert read_snapshot(tmp_path / "pool.json").demand == demand
    written = json.loads((tmp_path / "pool.json").read_text())
    broken = json.loads(json.dumps(written))
    broken["demand"]["flows"][0]["rates"][0] = -1.0
    with pytest.raises(SnapshotError, match="flows that no card or disk has"):
        snapshot_in(json.dumps(broken).encode(), "a file")
    del written["demand"]["flows"], written["demand"]["resources"]
    assert snapshot_in(json.dumps(written).encode(), "an old file").demand == replace(demand, flows=(), resources=())


def weighing(pool: Pool, flows: Mapping[FlowKey, float], policy: Mapping[str, Any]) -> Problem:
    """*pool* in which VMs use next to no CPU and these flows, in every slot, under a policy that weighs them."""
    found = tuple(Flow(key=key, rates=(rate,) * 4) for key, rate in sorted(flows.items()))
    demand = replace(make_demand(pool, {}), flows=found, resources=("network", "disk"))
    sections = {"objective": policy, "demand": {"resources": ["network", "disk"]}, "limits": AT_ONCE}
    return make_problem(pool, demand, policy_of(**sections))


NETWORK = {"network": {"weight": 2, "threshold": 0.5, "levels": [[0.8, 3]]}}


def by_hand(problem: Problem, where: Mapping[str, str]) -> float:
    """What load costs, interface by interface: a Gbit/s above half of it 2, and above 0.8 of it three times as much."""
    assert problem.demand is not None
    total = 0.0
    for host in problem.pool.hosts.values():
        for card, kind in itertools.product((pif for pif in host.pifs if pif.vlan < 0), (SENT, RECEIVED)):
            load = 0.0
            for flow in problem.demand.flows:
                vm = where.get(flow.key.owner) == host.uuid
                carried = vm and (carrier := host.carrier(flow.key.place)) is not None and carrier.uuid == card.uuid
                if flow.key.kind is kind and (carried or flow.key.place == card.uuid):
                    load += flow.rates[0]
            has = (card.speed_mbits or 0) / 1000
            total += 4 * 2 * (max(0.0, load - 0.5 * has) + 2 * max(0.0, load - 0.8 * has))
    return total


FLOWS = {
    FlowKey(owner="web", kind=SENT, place="front"): 0.9,
    FlowKey(owner="web", kind=RECEIVED, place="back"): 3.0,
    FlowKey(owner="db", kind=SENT, place="back"): 5.0,
    FlowKey(owner="db", kind=RECEIVED, place="back"): 4.5,
    FlowKey(owner="h1", kind=SENT, place="h1-trunk"): 1.5,
}


def test_each_interface_counts_what_it_carries(pool: Pool) -> None:
    """On every placement of VMs over VLANs that share a card here and have cards of their own there."""
    problem = weighing(pool, FLOWS, NETWORK)
    book = Rulebook.of(problem)
    costs = [(LoadCost().value(each, book), by_hand(problem, each.host_of)) for each in placements(problem)]
    assert len({expected for _, expected in costs}) > 2
    for cost, expected in costs:
        assert cost == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_is_that_of_brute_force(seed: int) -> None:
    """Random flows of four VMs over three hosts, network, disk and CPU together."""
    chance = np.random.default_rng(seed)
    hosts = [
        host_with("h1", ("trunk", "eth0", -1, 4_000), ("front", "eth0", 10, None), ("back", "eth0", 20, None)),
        host_with("h2", ("front", "eth0", -1, 2_000), ("back", "eth1", -1, 2_000)),
        host_with("h3", ("front", "bond0", 7, None), ("trunk", "bond0", -1, 3_000), ("back", "eth5", -1, 1_000)),
    ]
    names = [f"v{number}" for number in range(4)]
    networks = {name: str(chance.choice(["front", "back"])) for name in names}
    vms = [make_vm(name, on="h1", gib=1, vifs=(make_vif(name, networks[name]),)) for name in names]
    pool = make_pool(hosts=hosts, vms=vms, networks=[make_network(name) for name in ("trunk", "front", "back")])
    flows = {
        FlowKey(owner=name, kind=kind, place="" if kind is DISK else networks[name]): round(float(rate), 3)
        for name in names
        for kind, rate in zip((SENT, RECEIVED, DISK), chance.uniform(0, (1.5, 1.5, 120)), strict=True)
    }
    disk = {"weight": 0.05, "threshold": 0.5, "levels": [], "mb_per_second": 200}
    problem = weighing(pool, flows, {**NETWORK, "disk": disk})
    assert problem.demand is not None
    heavy = np.round(chance.uniform(1, 6, problem.demand.vm_pcpu.shape), 3)
    problem = replace(problem, demand=replace(problem.demand, vm_pcpu=heavy))
    solution = solve(Rulebook.of(problem))
    assert [tier.after for tier in solution.tiers] == pytest.approx(best(problem, BALANCING), abs=1e-9)
    assert all(tier.proved for tier in solution.tiers)
    assert Balance().value(problem.initial, Rulebook.of(problem)) > solution.tiers[-1].after


def test_a_profile_without_it_is_refused_where_it_has_a_weight(pool: Pool) -> None:
    """Absent is not zero."""
    policy = policy_of(objective=NETWORK, demand={"resources": ["network"]})
    book = Rulebook.of(make_problem(pool, make_demand(pool, {}), policy))
    with pytest.raises(MetricsRefused, match="holds no network: read the pool anew"):
        LoadCost().value(Placement(dict(book.problem.initial.host_of)), book)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ("[objective.network]\nweight = 1", 'needs "network" in demand.resources'),
        ('[demand]\nresources = ["disk"]\n[objective.disk]\nweight = 1', "needs mb_per_second"),
        ('[demand]\nresources = ["memory"]', "resources"),
        ("[objective.memory]\nweight = -1", "memory"),
    ],
)
def test_a_policy_that_asks_for_half_of_it_is_refused(tmp_path: Path, sections: str, words: str) -> None:
    """With the key that is missing, or out of range."""
    (tmp_path / "policy.toml").write_text(sections)
    with pytest.raises(PolicyError, match=words):
        Policy.load(tmp_path / "policy.toml")


def test_a_host_whose_card_says_no_speed_is_held_where_networks_count(pool: Pool) -> None:
    """By name of the interface; only those that carry networks of guests, and only under such a policy."""
    slow = replace(pool.hosts["h2"], pifs=tuple(replace(pif, speed_mbits=None) for pif in pool.hosts["h2"].pifs))
    muted = replace(pool, hosts={**pool.hosts, "h2": slow})
    held = weighing(muted, FLOWS, NETWORK).held.hosts
    words = "does not say how fast eth0, eth1 is, and objective.network asks for it"
    assert {host: reason.words for host, reason in held.items()} == {"h2": words}
    assert weighing(muted, FLOWS, {}).held.hosts == {}
