"""Plans over two pools: they carry the maps, leave alone who went over, and are refused with any single edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import jsonschema
import pytest

from rebalancer.diff.diff import plan_differences, pool_differences
from rebalancer.errors import StalePlan
from rebalancer.export import plan_from_json, plan_json, plan_schema
from rebalancer.inventory import Network, Pool, join_pools
from rebalancer.inventory.digest import inventory_digest
from rebalancer.plan import Crossing, Finding, Plan, PoolBeside, StepKind, StepNetwork, sealed
from rebalancer.undo.partial import without_steps
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from tests.local_disks import full_disk
from tests.plan.crossed import EAST, OVER, PLAN, PROBLEM, WEST, after_crossing, over, two_ways
from tests.plan.made import LATER, MADE_AT, plan_of
from tests.pools import make_cd, make_disk, make_vif, make_vm
from tests.two_pools import one_pool, pool_vm, two_pools


def findings(plan: Plan, pool: Pool | None = None, **options: Any) -> tuple[Finding, ...]:  # noqa: ANN401 - of verify
    """What verifying against the pools it was made from says."""
    return verify_plan(plan, pool or PROBLEM.pool, now=LATER, **options)


def test_plan_names_both_pools_and_the_whole_map() -> None:
    """Both digests, the pool that a step leads to, every disk and every interface."""
    source = PLAN.made_from
    assert (source.pool, source.pool_name, source.inventory_digest) == ("east", "east", inventory_digest(EAST))
    assert source.beside == (PoolBeside(pool="west", pool_name="west", inventory_digest=inventory_digest(WEST)),)
    network = StepNetwork(
        vif="a-e-lan", device="0", source="e-lan", source_name="lan", target="w-lan", target_name="lan"
    )
    assert OVER.crossing == Crossing(pool="west", pool_name="west", networks=(network,))
    assert [(disk.drive, disk.source, disk.target) for disk in OVER.disks] == [("a-xvd0", "e-shared", "w-shared")]
    assert OVER.copied_bytes == 22 * GIB
    assert [step.vm for step in PLAN.steps if step.crossing is None] == ["b", "c"]


def test_plan_is_accepted_and_says_who_stays_over_there() -> None:
    """As it was made; its way back brings the others home, and tells why the one that went over is left alone."""
    assert findings(PLAN) == ()
    assert {step.vm for step in PLAN.rollback} == {"b", "c"}
    (stays,) = PLAN.no_way_back
    assert (stays.name, stays.rule) == ("a", "crossed-stays")
    assert any("VM a has no legal way back: has come from pool east" in words for words in PLAN.warnings)


def test_plan_file_comes_back_and_follows_the_schema() -> None:
    """Steps inside a pool have no key of the other pool, and neither has a plan for one pool."""
    text = plan_json(PLAN)
    assert plan_from_json(text, "plan") == PLAN
    jsonschema.validate(json.loads(text), plan_schema())
    document = json.loads(text)
    assert [("crossing" in step) for step in document["steps"]] == [step.crossing is not None for step in PLAN.steps]
    assert "beside" in document["made_from"]


@pytest.mark.parametrize(
    "pool",
    [
        EAST,
        WEST,
        join_pools(EAST, replace(WEST, uuid="north", name="north")),
        join_pools(EAST, WEST, replace(one_pool("w"), uuid="north", hosts={}, vms={}, vdis={}, srs={}, networks={})),
    ],
    ids=["first alone", "second alone", "another one beside", "one more"],
)
def test_other_pools_are_refused(pool: Pool) -> None:
    """One pool of two, another one in its place, or one too many."""
    (finding,) = findings(PLAN, pool)
    assert finding.rule == "pool"
    assert finding.words.startswith("made for pool east + west, not ")
    assert [each.kind for each in pool_differences(PLAN, pool)] == ["pool"]


def test_order_of_the_pools_does_not_matter() -> None:
    """Whoever names the second one first is told the same."""
    assert findings(PLAN, join_pools(WEST, EAST)) == ()


def test_rest_of_the_plan_is_legal_once_it_has_gone_over() -> None:
    """Its disks have other drives by then; the steps that are left are judged in the pools as they are."""
    assert findings(PLAN, after_crossing(), done={OVER.id}) == ()
    assert findings(PLAN, after_crossing())[0].words == "VM a is on w1, not on e1"


def test_it_is_not_touched_again() -> None:
    """A later step of that VM is refused, by whichever way, also once the first one is done."""
    on = replace(
        next(step for step in PLAN.steps if step.vm == "c"),
        id="s98",
        vm="a",
        vm_name="a",
        source="w1",
        source_name="w1",
        target="w2",
        target_name="w2",
        after=(OVER.id,),
    )
    longer = sealed(replace(PLAN, steps=(*PLAN.steps, on)))
    assert "crossed-stays" in {each.rule for each in findings(longer) if each.step == "s98"}
    assert "crossed-stays" in {each.rule for each in findings(longer, after_crossing(), done={OVER.id})}


def test_a_network_is_the_same_whatever_it_is_called() -> None:
    """Renamed over there since the plan was made: the VM comes to the reviewed one, and the new name is told."""
    now = join_pools(EAST, west_with(lan_2=WEST.networks["w-lan"]))
    assert findings(PLAN, now) == ()
    assert [each.words for each in pool_differences(PLAN, now)] == ["network lan is now called lan-2"]


def test_a_network_that_leads_elsewhere_by_now_is_refused() -> None:
    """Another one has got its name: what was reviewed is not what the names say."""
    other = replace(WEST.networks["w-lan"], uuid="w-other", name="lan")
    now = join_pools(EAST, west_with(lan_2=WEST.networks["w-lan"], lan=other))
    assert {each.rule for each in findings(PLAN, now) if each.step == OVER.id} == {"networks-mapped"}


def west_with(**networks: Network) -> Pool:
    """The second pool with other networks by name, all of which its hosts are on."""
    named = {each.uuid: replace(each, name=name.replace("_", "-")) for name, each in networks.items()}
    hosts = {
        uuid: replace(host, pifs=tuple(replace(pif, network=each) for pif in host.pifs[:1] for each in named))
        for uuid, host in WEST.hosts.items()
    }
    return replace(WEST, networks=named, hosts=hosts)


@pytest.mark.parametrize(("side", "words"), [("e", "VM b is on e2, not on e1"), ("w", "VM c is on w2, not on w1")])
def test_drift_of_either_pool_is_told(side: str, words: str) -> None:
    """A VM that moved in the first or in the second pool."""
    vm, host = {"e": ("b", "e2"), "w": ("c", "w2")}[side]
    pools = {"e": EAST, "w": WEST}
    moved = replace(pools[side].vms[vm], resident_on=host)
    pools[side] = replace(pools[side], vms={**pools[side].vms, vm: moved})
    now = join_pools(pools["e"], pools["w"])
    assert [each.words for each in pool_differences(PLAN, now)] == [words]
    with pytest.raises(StalePlan, match=words):
        without_steps(PLAN, [PLAN.steps[0].id], now, None, reason="test")


def test_part_of_a_plan_still_goes_over() -> None:
    """What is left without the other steps names both pools and is accepted."""
    others = [step.id for step in PLAN.steps if step.crossing is None]
    part = without_steps(PLAN, others, PROBLEM.pool, None, reason="later")
    assert [step.crossing for step in part.steps] == [OVER.crossing]
    assert part.made_from.beside == PLAN.made_from.beside
    assert verify_plan(part, PROBLEM.pool, now=LATER) == ()


def test_hop_inside_its_pool_comes_before_the_crossing() -> None:
    """No VM is parked in another pool: to hop it would have to take its disks along, and that it may but once."""
    step = replace(OVER, kind=StepKind.HOP)
    edited = replace(PLAN, steps=tuple(step if each.id == step.id else each for each in PLAN.steps))
    assert "a hop takes no disks along" in {each.words for each in findings(sealed(edited))}


def test_cds_are_ejected_on_the_way_and_said_in_advance() -> None:
    """No host of the other pool sees the image."""
    vm = pool_vm("a", on="e1", vbds=(make_disk("a"), make_cd("a", "tools")))
    problem = two_pools(one_pool("e", vm, vdis=[full_disk("tools", "e-shared")]), WEST)
    plan = plan_of(problem, problem.initial.after(over("a")))
    assert any(words.startswith("XAPI ejects the CD 'tools' from drive xvdd of VM a") for words in plan.warnings)


def test_snapshots_have_their_interfaces_in_the_map() -> None:
    """XAPI asks for those, too."""
    past = make_vm("past", on=None, is_a_snapshot=True, is_a_template=True, vbds=(), vifs=(make_vif("past", "e-lan"),))
    problem = two_pools(one_pool("e", pool_vm("a", on="e1", snapshots=("past",)), past), WEST)
    (step,) = plan_of(problem, problem.initial.after(over("a"))).steps
    assert step.crossing is not None
    assert [(each.vif, each.target) for each in step.crossing.networks] == [
        ("a-e-lan", "w-lan"),
        ("past-e-lan", "w-lan"),
    ]


def test_differences_between_plans_name_the_network() -> None:
    """The same step, its interface on another network over there."""
    one, other = (plan_of(problem, problem.initial.after(over("a"))) for problem in two_ways())
    told = [each.words for each in plan_differences(one, other) if each.kind == "step"]
    assert told == ["interface 0 of VM a comes to network two instead of lan"]


def test_plans_for_other_pools_differ() -> None:
    """A plan for the first pool alone is another one."""
    alone = replace(PLAN, made_from=replace(PLAN.made_from, beside=()))
    told = [each.words for each in plan_differences(PLAN, sealed(alone)) if each.kind == "pool"]
    assert told == ["made for pool east instead of east + west"]


def with_crossing(**changes: Any) -> Plan:  # noqa: ANN401 - fields of Crossing
    """The plan with another crossing."""
    assert OVER.crossing is not None
    return with_step(crossing=replace(OVER.crossing, **changes))


def with_step(**changes: Any) -> Plan:  # noqa: ANN401 - fields of Step
    """The plan with its step to the other pool changed."""
    edited = replace(OVER, **changes)
    return replace(PLAN, steps=tuple(edited if step.id == OVER.id else step for step in PLAN.steps))


def _edits() -> Iterator[tuple[str, Plan]]:
    """Every single edit of what a plan says of other pools, disks on their way there, and the way back."""
    assert OVER.crossing is not None
    (network,), (disk,) = OVER.crossing.networks, OVER.disks
    yield "no crossing", with_step(crossing=None)
    yield "no disks", with_step(disks=())
    yield "a host of its own pool", with_step(target="e2", target_name="e2")
    yield "another host over there", with_step(target="w2", target_name="w2")
    yield "an SR of its own pool", with_step(disks=(replace(disk, target="e-l1", target_name="e-l1"),))
    yield "another SR over there", with_step(disks=(replace(disk, target="w-l1", target_name="w-l1"),))
    yield "no network", with_crossing(networks=())
    yield "a network twice", with_crossing(networks=(network, network))
    for name in ("pool", "pool_name"):
        yield f"{name} of the crossing", with_crossing(**{name: "east"})
    for field in fields(StepNetwork):
        yield f"{field.name} of a network", with_crossing(networks=(replace(network, **{field.name: "another"}),))
    other = next(step for step in PLAN.steps if step.vm == "b")
    crossing = replace(other, crossing=OVER.crossing)
    yield (
        "a crossing inside a pool",
        replace(PLAN, steps=tuple(crossing if each is other else each for each in PLAN.steps)),
    )
    (beside,) = PLAN.made_from.beside
    for field in fields(PoolBeside):
        changed = (replace(beside, **{field.name: "another"}),)
        if field.name != "inventory_digest":
            yield f"{field.name} beside", replace(PLAN, made_from=replace(PLAN.made_from, beside=changed))
    yield "no pool beside", replace(PLAN, made_from=replace(PLAN.made_from, beside=()))
    yield "the pools exchanged", replace(PLAN, made_from=replace(PLAN.made_from, pool_name="west"))
    back = replace(PLAN.rollback[0], crossing=OVER.crossing)
    yield "a crossing on the way back", replace(PLAN, rollback=(back, *PLAN.rollback[1:]))
    yield "nobody left over there", replace(PLAN, no_way_back=())


@pytest.mark.parametrize(("name", "plan"), tuple(_edits()), ids=lambda value: value if isinstance(value, str) else "")
def test_any_single_edit_is_refused(name: str, plan: Plan) -> None:
    """Also with the digest computed anew; and each finding tells where."""
    found = findings(sealed(plan))
    assert found, name
    assert all(each.rule and each.state for each in found)


def test_digest_of_either_pool_decides_whether_figures_are_compared() -> None:
    """With one digest changed the plan counts as made from another state: legal, its figures not compared."""
    (beside,) = PLAN.made_from.beside
    other = replace(PLAN.made_from, beside=(replace(beside, inventory_digest="another"),))
    wrong = replace(PLAN.tiers[0], after=7.0, bound=7.0)
    assert "tiers" in {each.rule for each in findings(sealed(replace(PLAN, tiers=(wrong,))))}
    assert "tiers" not in {each.rule for each in findings(sealed(replace(PLAN, tiers=(wrong,), made_from=other)))}
    assert PLAN.made_at == MADE_AT
