"""What rules, groups and limits cost: by hand, and beside every placement of tiny pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pandas as pd
import pytest

import rebalancer as rb
from rebalancer.errors import InputError
from rebalancer.face.read import PoolState
from rebalancer.face.whatif.prices import priced
from rebalancer.inventory import Pool
from rebalancer.objectives import MigrationCost, Overload, Repair, gaining
from rebalancer.placement import Placement
from rebalancer.rules import Rulebook
from rebalancer.whatif.prices.price import OPENS_NOTHING, SETS_NOTHING, Price, alone
from rebalancer.whatif.prices.waiver import problem_of, waivers
from rebalancer.whatif.scenarios.edit import Situation
from tests.plan.made import demand_of, pool_with
from tests.pools import make_cd, make_host, make_pool, make_sr, make_vdi, policy_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOSTS = ("h1", "h2", "h3")
LOADS = {"a": 6.0, "b": 6.0, "c": 2.0, "d": 3.0}
GROUP = {"together": [{"name": "pair", "vms": ["a", "b"]}]}


def pool() -> Pool:
    """Two busy VMs on the first of three hosts, of 16 pCPUs each; one VM on each of the others."""
    places = {"a": ("h1", 4.0), "b": ("h1", 4.0), "c": ("h2", 2.0), "d": ("h3", 2.0)}
    return pool_with(dict.fromkeys(HOSTS, 16.0), places)


def model(of: Pool | None = None, /, **policy: object) -> rb.Model:
    """A model of that pool with little reserved, so that numbers are whole."""
    given = {"objective": {"threshold": 0.5}, **policy}
    found = of or pool()
    state = PoolState(pool=found, demand=demand_of(found, LOADS), taken_at=NOW, source="test")
    return rb.Model(state, policy_of(**given))


def price(found: tuple[Price, ...], name: str) -> Price:
    """The one of that name."""
    return next(each for each in found if each.name == name)


def placements(book: Rulebook) -> Iterator[Placement]:
    """All that rules allow, alone and together."""
    homes = book.problem.initial.host_of
    choices = [[home, *book.targets(book.problem.pool.vms[vm])] for vm, home in homes.items()]
    for hosts in product(*choices):
        there = Placement(dict(zip(homes, hosts, strict=True)))
        if not book.violations(there, since=book.problem.initial):
            yield there


def test_a_group_costs_what_it_keeps_overloaded() -> None:
    """Two VMs of 6 pCPUs and dom0 with half of one share a host with 8 to its threshold: 4.5 too many for an hour.

    One of them goes to the host of the smallest VM, which has to make room: 4 GiB and 2 are copied.
    """
    found = priced(model(**GROUP), seconds=2, workers=1)
    assert found[0].name == "pair"
    pair = price(found, "pair")
    assert pair.overload_saved == pytest.approx(4.5)
    assert pair.overload_saved_at_most == pytest.approx(4.5)
    assert pair.gib_saved == pytest.approx(-6.0)
    assert (pair.moves_saved, pair.breaches_saved) == (-2, 0)
    assert (pair.kind, pair.relaxable, pair.how) == ("together", True, "drop group pair")
    assert pair.condition.startswith("proved")


def test_a_limit_costs_what_it_keeps_overloaded() -> None:
    """No move at all is allowed; the group is dropped in vain then, and so is everything else."""
    found = priced(model(limits={"maximum_moves": 0}), seconds=2, workers=1)
    limit = price(found, "limits.maximum_moves")
    assert limit.overload_saved == pytest.approx(4.5)
    assert limit.kind == "limit"
    assert {each.name for each in found if each.overload_saved} == {"limits.maximum_moves"}


def test_rules_of_xapi_have_prices_and_are_not_relaxable() -> None:
    """CDs of their host keep the pair where it is; nobody can do without that rule but on paper."""
    hosts = [make_host("h1", srs=("shared", "cds")), make_host("h2"), make_host("h3")]
    drives = {vm: (make_cd(vm, "iso"),) for vm in "ab"}
    vms = [replace(vm, vbds=drives.get(vm.uuid, vm.vbds)) for vm in pool().vms.values() if vm.is_guest]
    held = make_pool(hosts=hosts, vms=vms, srs=[make_sr("cds", shared=False)], vdis=[make_vdi("iso", sr="cds")])
    found = priced(model(held), seconds=2, workers=1)
    assert found[0].overload_saved == pytest.approx(4.5)
    assert found[0].name == "shared-sr-visible"
    assert (found[0].relaxable, found[0].how, found[0].only) == (False, "", 4)


def test_what_bars_nothing_is_priced_without_a_search() -> None:
    """It forbids no move that nothing else forbids, or limits nothing here."""
    found = priced(model(**GROUP), seconds=2, workers=1)
    assert price(found, "guest-tools-installed").condition == OPENS_NOTHING
    assert (price(found, "guest-tools-installed").only, price(found, "host-load").condition) == (0, SETS_NOTHING)
    assert {each.overload_saved for each in found if each.only == 0} == {0.0}


POLICIES: dict[str, dict[str, Any]] = {
    "apart": {"apart": [{"name": "g", "vms": ["a", "c", "d"]}], "limits": {"maximum_moves": 1}},
    "together": {"together": [{"name": "g", "vms": ["a", "c"]}], "limits": {"vms_per_host": {"at_most": 2}}},
    "pinned": {"run_on": [{"name": "g", "vms": ["a", "b"], "hosts": ["h1", "h2"]}], "limits": {"maximum_gib": 5.0}},
    "kept": {"never_move": ["a"], "reserve": [{"hosts": ["h3"], "memory_mib": 13000}]},
}


@pytest.mark.parametrize("name", POLICIES)
def test_prices_are_those_of_brute_force(name: str) -> None:
    """Beside the best of all placements, with each thing and without it; whatever no search was needed for, too."""
    asked = model(**POLICIES[name])
    now = Situation(pool=asked.state.pool, demand=asked.state.demand, policy=asked.policy)
    with_it = Rulebook.of(problem_of(now))
    found = {(each.kind, each.name): each for each in priced(asked, seconds=2, workers=1)}
    start = values(with_it)
    for each in waivers(with_it):
        told = found[each.section or each.kind, each.name]
        expected = tuple(one - other for one, other in zip(start, values(each.book(now)), strict=True))
        assert told.condition.startswith("proved"), each.name
        assert (told.overload_saved, told.gib_saved) == pytest.approx(expected, abs=1e-3), each.name
        assert told.overload_saved is not None
        assert told.overload_saved_at_most is not None
        assert told.overload_saved <= told.overload_saved_at_most + 1e-9


def values(book: Rulebook) -> tuple[float, float]:
    """Overload and GiB of the best placement."""
    limits = book.problem.policy.limits
    allowed = [
        each
        for each in placements(book)
        if limits.maximum_moves is None or len(book.problem.initial.moves_to(each)) <= limits.maximum_moves
        if limits.maximum_gib is None or MigrationCost().value(each, book) <= limits.maximum_gib
    ]
    objectives = (Repair(), gaining(book.problem.policy), MigrationCost())
    found = min(allowed, key=lambda each: [round(objective.value(each, book), 6) for objective in objectives])
    return Overload().value(found, book), MigrationCost().value(found, book)


def test_what_a_rule_alone_forbids() -> None:
    """A VM that never moves is kept from both other hosts, by one rule; where disks may go along nobody counts."""
    kept = Rulebook.of(problem_of(situation(never_move=["a"])))
    assert alone(kept) == {"never-move": 2}
    assert alone(Rulebook.of(problem_of(situation(storage_motion={"enabled": True})))) is None


def situation(**policy: object) -> Situation:
    """The pool under a policy."""
    asked = model(**policy)
    return Situation(pool=asked.state.pool, demand=asked.state.demand, policy=asked.policy)


def test_groups_that_tags_make_have_prices() -> None:
    """They are dropped on paper, and what that takes is said."""
    tagged = pool()
    vms = {
        uuid: replace(vm, tags=("rebalancer:together=x",)) if uuid in "ab" else vm for uuid, vm in tagged.vms.items()
    }
    found = priced(model(replace(tagged, vms=vms)), seconds=2, workers=1)
    assert found[0].overload_saved == pytest.approx(4.5)
    assert (found[0].kind, found[0].how) == ("together", "remove the tag, or the group of the pool")


def test_a_held_vm_has_a_price() -> None:
    """Whom a tag holds, a rule holds: with it gone the pair parts."""
    tagged = pool()
    vms = {uuid: replace(vm, tags=("rebalancer:hold",)) if uuid in "ab" else vm for uuid, vm in tagged.vms.items()}
    found = priced(model(replace(tagged, vms=vms)), seconds=2, workers=1)
    assert found[0].overload_saved == pytest.approx(4.5)
    assert found[0].name == "vm-held"


def test_without_metrics_only_copies_have_a_price() -> None:
    """What a broken wish takes to mend; overload is not known."""
    asked = model(apart=[{"name": "g", "vms": ["a", "b"]}])
    bare = rb.Model(replace(asked.state, demand=None), asked.policy)
    found = priced(bare, seconds=2, workers=1)
    group = price(found, "g")
    assert (group.overload_saved, group.overload_saved_at_most) == (None, None)
    assert group.gib_saved == pytest.approx(4.0, abs=0.1)
    assert group.moves_saved == 1


def test_rows_are_the_same_whoever_works_on_them() -> None:
    """The dearest first, with units in names; in processes or in none."""
    asked = model(**POLICIES["together"])
    one, two = rb.prices(asked, seconds=2, workers=1), rb.prices(asked, seconds=2, workers=2)
    pd.testing.assert_frame_equal(one, two)
    assert one["overload_pcpu_hours_saved"].is_monotonic_decreasing
    assert not one.loc["enough-memory", "relaxable"]


def test_there_is_time_to_solve_in() -> None:
    """Or nothing is asked."""
    with pytest.raises(InputError, match="no time to solve in"):
        rb.prices(model(), seconds=0)


@pytest.mark.slow
def test_a_dask_cluster_prices_and_compares_the_same() -> None:
    """Of two worker processes; rows are those of this process, in the same order."""
    distributed = pytest.importorskip("distributed")
    asked = model(**POLICIES["together"])
    cases = {"grow": rb.scenarios.grow("*", cpu=1.2), "fewer": rb.scenarios.retire("h3")}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        there = [rb.prices(asked, executor=executor), rb.scenarios.compare(asked, cases, executor=executor)]
    here = [rb.prices(asked, workers=1), rb.scenarios.compare(asked, cases, workers=1)]
    for one, other in zip(there, here, strict=True):
        pd.testing.assert_frame_equal(one, other)
