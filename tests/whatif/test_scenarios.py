"""Scenarios: what each edit does, that files keep what it did, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebalancer import scenarios as sc
from rebalancer.demand import LoadProfile
from rebalancer.errors import InputError, PolicyError
from rebalancer.frames import outcomes_frame
from rebalancer.inventory import HighAvailability, Pool, VMGroup
from rebalancer.objectives import Overload
from rebalancer.placement import Placement
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.snapshot import Snapshot, read_snapshot, write_snapshot
from rebalancer.units import GIB
from rebalancer.whatif import Shape
from rebalancer.whatif.scenarios.document import EDITS, edit_of, read_scenarios
from rebalancer.whatif.scenarios.edit import Edit, Situation, situated
from rebalancer.whatif.scenarios.outcome import Outcome, outcome_of, overload_bound
from tests.plan.made import demand_of, pool_with
from tests.pools import make_cd, make_host, make_pool, make_sr, make_vdi, make_vm, policy_of, problem_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GROUP = {"name": "pair", "vms": ["a", "b"]}


def pool_of_three() -> Pool:
    """Three hosts with two VMs on the first and one on the second."""
    vms = [
        replace(make_vm("a", on="h1", gib=4), tags=("db",), groups=("g",)),
        make_vm("b", on="h1", gib=8),
        make_vm("c", on="h2", gib=2),
        make_vm("off", on=None, gib=2),
    ]
    group = VMGroup(uuid="g", name="g", placement="normal", vms=("a",))
    return make_pool(hosts=[make_host(name) for name in ("h1", "h2", "h3")], vms=vms, vm_groups={"g": group})


def situation(
    pool: Pool | None = None, pcpu: dict[str, float] | None = None, policy: Policy | None = None
) -> Situation:
    """*pool*, by default of three hosts, with metrics."""
    found = pool or pool_of_three()
    return Situation(pool=found, demand=demand_of(found, pcpu or {}), policy=policy or policy_of())


def after(*edits: Edit, **pcpu: float) -> Situation:
    """The pool of three once *edits* are made."""
    return situated(situation(pcpu=pcpu), edits)


EXAMPLES: tuple[Edit, ...] = (
    sc.lose("h3"),
    sc.lose("h1"),
    sc.retire("h2"),
    sc.add_hosts(2),
    sc.add_hosts(1, "h2", cpus=32, memory_gib=128),
    sc.refit("h1", "h2", cpus=32, mhz=3000, memory_gib=256),
    sc.refit("h2", like="h1", features="ffffffff-ffffffff"),
    sc.update("3.5.0"),
    sc.resize("b", vcpus=4, memory_gib=16),
    sc.retire_vms("c"),
    sc.grow("tag:db", cpu=1.2, memory=1.5),
    sc.grow("*", cpu=1.37),
    sc.add_vms(3, "a"),
    sc.add_vms(2, Shape(vcpus=2, memory_gib=4, load=0.5, tags=("new",))),
    sc.add_vms(1, Shape(vcpus=2, memory_gib=4, load=[0.25] * 23 + [2.0], name="nightly")),
    sc.relax("guest-tools-installed"),
    sc.add_group("apart", "pair", "a", "b"),
    sc.policy({"objective.threshold": 0.6, "limits": {"maximum_moves": 3}}),
)


@pytest.mark.parametrize("edit", EXAMPLES, ids=str)
def test_an_edit_is_a_value_with_words_and_a_table(edit: Edit) -> None:
    """It comes back from TOML as it was, and is equal to another of the same."""
    assert edit_of(edit.as_toml(), "test") == edit
    assert edit.words
    assert str(edit) == edit.words
    assert next(iter(edit.as_toml())) == edit.key


def test_all_edits_have_an_example() -> None:
    """Those that need a file, or a group in the policy, too."""
    assert {kind.key for kind in EDITS} == {edit.key for edit in EVERY}


def written(state: Situation, path: Path) -> Situation:
    """*state* written to a file and read again; its policy stays."""
    write_snapshot(Snapshot(pool=state.pool, demand=state.demand, taken_at=NOW, source="test"), path)
    found = read_snapshot(path)
    return replace(state, pool=found.pool, demand=found.demand)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another pool and a table of new VMs, in the folder where work is done."""
    monkeypatch.chdir(tmp_path)
    other = other_pool()
    known = Snapshot(pool=other, demand=demand_of(other, {"o-vm": 1.0}), taken_at=NOW, source="test")
    write_snapshot(known, tmp_path / "other.json")
    (tmp_path / "new.csv").write_text("name,vcpus,memory_gib,load,count\nweb,2,4,0.5,3\n", encoding="utf-8")


EVERY = (*EXAMPLES, sc.drop_group("pair"), sc.merge("other.json"), sc.add_vms_from("new.csv"))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.sampled_from(EVERY), min_size=1, max_size=4),
    pcpu=st.lists(st.floats(0, 4, allow_nan=False), min_size=3, max_size=3),
)
@pytest.mark.usefixtures("files")
def test_edits_commute_with_writing_and_reading(edits: list[Edit], pcpu: list[float], tmp_path: Path) -> None:
    """Edit and write, or write and edit: the same pool, the same demand; or both refuse in the same words."""
    start = situation(pcpu=dict(zip("abc", pcpu, strict=True)))
    read = written(start, tmp_path / "one.json")
    try:
        here = situated(start, tuple(edits))
    except (InputError, PolicyError) as error:
        with pytest.raises(type(error)) as there:
            situated(read, tuple(edits))
        assert str(there.value) == str(error)  # noqa: PT017 - both ends refuse alike
        return
    assert written(here, tmp_path / "two.json") == situated(read, tuple(edits))


def test_lost_hosts_restart_their_vms() -> None:
    """On the others, and the pool has another coordinator; a VM with a CD of its host stays down, and says why."""
    found = after(sc.lose("h1"))
    assert set(found.pool.hosts) == {"h2", "h3"}
    assert {found.pool.vms[vm].resident_on for vm in "ab"} <= {"h2", "h3"}
    assert (found.pool.coordinator, found.stranded) == ("h2", ())
    local = make_sr("cds", shared=False)
    vms = [replace(make_vm("a"), vbds=(make_cd("a", "iso"),))]
    hosts = [make_host("h1", srs=("shared", "cds")), make_host("h2")]
    pool = make_pool(hosts=hosts, vms=vms, srs=[local], vdis=[make_vdi("iso", sr="cds")])
    lost = situated(situation(pool), (sc.lose("h1"),))
    assert [(each.vm, each.rule) for each in lost.stranded] == [("a", "shared-sr-visible")]
    assert lost.pool.vms["a"].resident_on is None


def test_new_hosts_are_like_their_model() -> None:
    """With its networks and shared SRs, a control domain each, and its own load."""
    found = after(sc.add_hosts(2, "h2", cpus=64))
    new = [host for uuid, host in found.pool.hosts.items() if uuid not in {"h1", "h2", "h3"}]
    assert [(host.pcpus, host.memory_total_bytes) for host in new] == [(64, 64 * GIB)] * 2
    doms = {vm.resident_on for vm in found.pool.vms.values() if vm.is_control_domain}
    assert doms == set(found.pool.hosts)
    assert found.demand is not None
    assert set(found.demand.hosts) == set(found.pool.hosts)
    assert len(found.pool.networks["lan"].pifs) == 5


def test_growth_is_of_the_chosen_alone() -> None:
    """By tag; load by slot, memory in whole MiB."""
    before, found = situation(pcpu={"a": 2.0, "b": 1.0}), after(sc.grow("tag:db", cpu=1.5, memory=2), a=2.0, b=1.0)
    assert isinstance(before.demand, LoadProfile)
    assert isinstance(found.demand, LoadProfile)
    assert np.allclose(found.demand.vm_pcpu[0], before.demand.vm_pcpu[0] * 1.5)
    assert np.array_equal(found.demand.vm_pcpu[1:], before.demand.vm_pcpu[1:])
    assert [found.pool.vms[vm].memory.static_max_bytes // GIB for vm in "ab"] == [8, 8]


def test_new_vms_start_and_count(tmp_path: Path) -> None:
    """Like one, with its groups; from a file, by size; those that find no host are stranded."""
    found = after(sc.add_vms(2, "a"))
    assert len(found.pool.vm_groups["g"].vms) == 3
    (tmp_path / "new.csv").write_text("name,vcpus,memory_gib,load,count\nweb,2,4,0.5,3\nhuge,4,900,1,1\n")
    grown = after(sc.add_vms_from(tmp_path / "new.csv"))
    assert [each.vm for each in grown.stranded] == ["huge #1"]
    assert sum(vm.name.startswith("web #") and vm.resident_on is not None for vm in grown.pool.guests()) == 3


def test_new_vms_have_the_load_of_their_hours() -> None:
    """As a shape has it, also where it went through TOML; not its peak all day long."""
    hours = [0.25] * 23 + [2.0]
    edit = edit_of(sc.add_vms(1, Shape(vcpus=2, memory_gib=4, load=hours)).as_toml(), "test")
    demand = after(edit).demand
    assert demand is not None
    (row,) = [row for row, vm in enumerate(demand.vms) if vm not in {"a", "b", "c"}]
    assert demand.vm_pcpu[row].tolist() == hours


def test_retired_vms_give_their_room_free() -> None:
    """Disks go, groups forget them."""
    found = after(sc.retire_vms("tag:db"))
    assert "a" not in found.pool.vms
    assert "a-disk0" not in found.pool.vdis
    assert found.pool.vm_groups["g"].vms == ()
    assert found.pool.srs["shared"].physical_utilisation_bytes == (1024 - 10) * GIB


def test_groups_of_the_policy_come_and_go() -> None:
    """By name."""
    policy = policy_of(apart=[GROUP])
    assert situated(situation(policy=policy), (sc.drop_group("pair"),)).policy.apart == ()
    assert edit_of(sc.drop_group("pair").as_toml(), "test") == sc.drop_group("pair")
    with pytest.raises(InputError, match="none of this name"):
        after(sc.drop_group("pair"))


@pytest.mark.parametrize(
    "edit",
    [
        sc.lose("h1", "h2", "h3"),
        sc.retire("h9"),
        sc.grow("nobody", cpu=2),
        sc.grow("*", cpu=-1),
        sc.add_vms(1, "nobody"),
        sc.add_hosts(0),
        sc.resize("a", vcpus=0),
        sc.relax("enough-memory"),
        sc.policy({"objective.threshold": 7}),
        sc.policy({"nonsense": 1}),
        sc.add_group("beside", "x", "a", "b"),
        sc.update("not a version"),
        sc.update("3.5.0", "h2"),
        sc.merge("nowhere.json"),
        sc.add_vms_from("nowhere.csv"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(edit: Edit) -> None:
    """In a sentence, whatever it is; and a comparison goes on with a row that says so."""
    with pytest.raises(InputError):
        after(edit)
    told = outcome_of(situation(), "x", (edit,), 1.0)
    assert (told.feasible, bool(told.why)) == (False, True)


def retired(pool: Pool, *hosts: str, **pcpu: float) -> Outcome:
    """What comes of retiring *hosts*."""
    return outcome_of(situation(pool, pcpu), "x", (sc.retire(*hosts),), 2.0)


def test_a_cd_does_not_make_it_unanswerable() -> None:
    """The disc has to be ejected first, and then both hosts become empty."""
    cds = make_sr("cds", shared=False, type="iso", content_type="iso")
    held = replace(make_vm("a", on="h1"), vbds=(make_cd("a", "iso"),))
    hosts = [make_host("h1", srs=("shared", "cds")), *(make_host(name) for name in ("h2", "h3"))]
    vms = [held, make_vm("b", on="h2"), make_vm("c", on="h3")]
    pool = make_pool(hosts=hosts, vms=vms, srs=[cds], vdis=[make_vdi("iso", sr="cds")])
    found = retired(pool, "h1", "h2")
    assert (found.feasible, found.moves, found.stuck) == (True, 2, ())
    assert any("eject the CD" in each and "'a'" in each for each in found.first)


def test_who_cannot_leave_is_told_by_rule() -> None:
    """A VM with a PCI device of its host stays, with the rule and what would let it go."""
    stuck = replace(make_vm("a", on="h1"), name="gpu-1", attached_pcis=("gpu",))
    found = retired(make_pool(vms=[stuck, make_vm("b", on="h2")]), "h1")
    assert not found.feasible
    assert (found.stuck, found.stuck_uuids) == (("gpu-1",), ("a",))
    assert outcomes_frame([found])[["stuck", "stuck_vm_uuids"]].values.tolist() == [["gpu-1", "a"]]
    assert found.stuck_by.startswith("no-pci-passthrough")
    assert found.first


def test_a_pool_that_is_too_small_says_so() -> None:
    """Not all find room on what is left."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 12), "b": ("h2", 12), "c": ("h3", 12)})
    found = retired(pool, "h1")
    assert not found.feasible
    assert "find no room elsewhere: a" in found.why


def test_balancing_lowers_overload_and_never_below_its_bound() -> None:
    """Two hot VMs on one host part; the bound is what nobody can be below."""
    pool = pool_with({"h1": 60, "h2": 60}, {"a": ("h1", 2), "b": ("h1", 2)})
    found = outcome_of(situation(pool, {"a": 8.0, "b": 8.0}), "x", (), 2.0)
    assert found.overload_now
    assert found.overload_now > 4
    assert (found.overload, found.over_now, found.over, found.moves) == (0.0, 1, 0, 1)
    assert found.overload_bound == 0.0
    assert (found.failures_outlived, found.hosts) == (2, 2)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 16), min_size=3, max_size=3), st.booleans())
def test_the_bound_of_overload_holds(pcpu: list[float], pinned: bool) -> None:
    """Of all ways to place three VMs on two hosts none is below it; without tools one VM goes nowhere."""
    pool = pool_with({"h1": 60, "h2": 60}, {"a": ("h1", 2), "b": ("h1", 2), "c": ("h2", 2)})
    if pinned:
        pool = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], guest_metrics=None)})
    problem = problem_of(pool, demand=demand_of(pool, dict(zip("abc", pcpu, strict=True))))
    book = Rulebook.of(problem)
    ways = [dict(zip("abc", hosts, strict=True)) for hosts in product(("h1", "h2"), repeat=3)]
    legal = [way for way in ways if not pinned or way["a"] == "h1"]
    best = min(Overload().value(Placement(way), book) for way in legal)
    assert overload_bound(book) <= best + 1e-6


def other_pool() -> Pool:
    """A pool of one host, with a VM, an SR and a network of its own, on the same bridge."""
    hosts = [make_host("o1", networks=("lan2",))]
    vm = make_vm("o-vm", on="o1", networks=("lan2",))
    pool = make_pool(hosts=hosts, vms=[vm], uuid="other", name="other")
    lan = replace(pool.networks["lan"], uuid="lan2", pifs=("o1-lan2",))
    return replace(pool, networks={"lan2": lan})


def test_merged_pools_are_one(tmp_path: Path) -> None:
    """VMs may go to hosts of the other pool; what XAPI wants first is told."""
    write_snapshot(Snapshot(pool=other_pool(), demand=None, taken_at=NOW, source="t"), tmp_path / "other.json")
    start = replace(situation(), demand=None)
    found = situated(start, (sc.merge(tmp_path / "other.json"),))
    assert set(found.pool.hosts) == {"h1", "h2", "h3", "o1"}
    assert found.pool.vms["o-vm"].vifs[0].network == "lan"
    assert "o1" in Rulebook.of(found.problem).targets(found.pool.vms["a"])
    assert any("shut down 1 VM of pool other" in each for each in found.first)
    ha = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    protected = replace(start, pool=replace(start.pool, ha=ha))
    assert any("switch HA off" in each for each in situated(protected, (sc.merge(tmp_path / "other.json"),)).first)


def test_pools_that_xapi_keeps_apart_stay_apart(tmp_path: Path) -> None:
    """Another vendor or another version joins nobody."""
    other = other_pool()
    host = other.hosts["o1"]
    amd = {"o1": replace(host, cpu_info={**host.cpu_info, "vendor": "AuthenticAMD"})}
    write_snapshot(
        Snapshot(pool=replace(other, hosts=amd), demand=None, taken_at=NOW, source="t"), tmp_path / "other.json"
    )
    with pytest.raises(InputError, match="CPU vendor differs: GenuineIntel here, AuthenticAMD there"):
        situated(replace(situation(), demand=None), (sc.merge(tmp_path / "other.json"),))


def test_a_file_of_scenarios_is_read(tmp_path: Path) -> None:
    """Names in order; files that edits name are beside it; one name may stand where several may."""
    path = tmp_path / "s.toml"
    path.write_text(
        'format = "rebalancer-scenarios/1"\n[scenarios]\n"as it is" = []\n'
        '"one fewer" = [{ retire = "h3" }, { grow = "*", cpu = 1.2 }]\n"more" = [{ add_vms_from = "new.csv" }]\n'
        'strict = [{ policy = { "objective.threshold" = 0.5 } }]\n',
        encoding="utf-8",
    )
    assert read_scenarios(path) == {
        "as it is": (),
        "one fewer": (sc.retire("h3"), sc.grow("*", cpu=1.2)),
        "more": (sc.add_vms_from(tmp_path / "new.csv"),),
        "strict": (sc.policy({"objective.threshold": 0.5}),),
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("x = [{ lost = ['h1'] }]", "lost is no edit"),
        ("x = [{ grow = '*', cpus = 2 }]", "grow: cpus"),
        ("x = [{ grow = '*', cpu = 'two' }]", "grow: cpu"),
        ("x = 3", "no list of edits"),
        ("x = [{ lose = ['h1'], retire = ['h2'] }]", "lose and retire is no edit"),
        ("x = [", "it is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(body: str, said: str, tmp_path: Path) -> None:
    """One sentence: where, what, and what to write instead."""
    path = tmp_path / "s.toml"
    path.write_text(f'format = "rebalancer-scenarios/1"\n[scenarios]\n{body}\n', encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_scenarios(path)
    assert said in str(error.value)
