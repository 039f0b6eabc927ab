"""What is said where nothing satisfies the rules, against brute force on tiny pools."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from rebalancer.errors import Fix, Infeasible
from rebalancer.inventory import PowerState
from rebalancer.placement import Placement
from rebalancer.policy import RunOn, Together
from rebalancer.problem import Problem
from rebalancer.rules import Legality, PoolRule, Rulebook, rules_for
from rebalancer.solve import solve
from tests.solve.tiny import placements, tiny

SIZES = {"v0": 4.0, "v1": 8.0, "v2": 4.0, "v3": 2.0}
Sections = dict[str, Any]
Edit = Callable[[Sections], Any]


def crowded(seed: int) -> tuple[dict[str, str], Sections]:
    """A host to be emptied into others where groups, ties, reserves, limits and hosts to spare stand in the way."""
    chance = random.Random(seed)
    names = list(SIZES)
    homes = {name: ("h1" if number < 2 else chance.choice(["h2", "h3"])) for number, name in enumerate(names)}
    tied = chance.choice([["v1"], ["v1", "v2"]])
    sections: Sections = {
        "apart": [{"name": "a", "vms": names[: chance.choice([2, 3, 4])]}],
        "run_on": [{"name": "r", "vms": tied, "hosts": ["h1", chance.choice(["h2", "h3"])]}],
        "reserve": [{"hosts": ["h2"], "memory_mib": 1024 * chance.choice([1, 26, 30])}],
        "limits": {"maximum_moves": chance.choice([1, 2, 4]), "maximum_gib": chance.choice([11.0, 14.0, 20.0])},
        "spare": {"hosts": chance.choice([0, 0, 1]), "vms": "all"},
        "never_move": chance.choice([[], ["v2"], ["v2", "v3"]]),
    }
    return homes, sections


def problem_of_case(homes: Mapping[str, str], sections: Sections) -> Problem:
    """The problem of emptying h1."""
    placed = {name: (host, SIZES[name]) for name, host in homes.items()}
    return tiny(placed, mode="evacuate", empty=["h1"], **sections)


def editions(sections: Sections) -> dict[tuple[str, str], Edit]:
    """Every single thing that somebody could strike from the policy, by place and words, and how."""

    def struck(section: str, number: int) -> Edit:
        return lambda policy: policy[section].__setitem__(number, None)

    def freed(vm: str) -> Edit:
        return lambda policy: policy["never_move"].remove(vm)

    def reduced(vm: str) -> Edit:
        return lambda policy: policy["run_on"][0] and policy["run_on"][0]["vms"].remove(vm)

    found: dict[tuple[str, str], Edit] = {
        ("apart 'a'", "do without apart 'a'"): struck("apart", 0),
        ("run_on 'r'", "do without run_on 'r'"): struck("run_on", 0),
        ("reserve on 'h2'", "reserve"): struck("reserve", 0),
        ("limits.maximum_moves", "moves"): lambda policy: policy["limits"].pop("maximum_moves"),
        ("limits.maximum_gib", "gib"): lambda policy: policy["limits"].pop("maximum_gib"),
    }
    if sections["spare"]["hosts"]:
        found["spare", "spare"] = lambda policy: policy["spare"].update(hosts=0)
    for vm in sections["never_move"]:
        found["never_move", f"let '{vm}' move"] = freed(vm)
    for vm in sections["run_on"][0]["vms"] if len(sections["run_on"][0]["vms"]) > 1 else ():
        found["run_on 'r'", f"let '{vm}' run elsewhere than run_on 'r' says"] = reduced(vm)
    return found


def edited(sections: Sections, edits: list[Edit]) -> Sections:
    """The policy once all of *edits* are made."""
    policy = deepcopy(sections)
    for edit in edits:
        edit(policy)
    for section in ("apart", "run_on", "reserve"):
        policy[section] = [each for each in policy[section] if each and each.get("vms", ["any"])]
    return policy


def accepted(problem: Problem) -> Iterator[Placement]:
    """The placements that leave h1 empty and that the checker and the limits accept."""
    rules, limits = rules_for(problem), problem.policy.limits
    legality = Legality(problem, rules)
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    targets = {vm: {*legality.targets(problem.pool.vms[vm]), problem.initial[vm]} for vm in problem.initial}
    for goal in placements(problem):
        moves = len(problem.initial.moves_to(goal))
        fits = moves <= (limits.maximum_moves or moves) and gib(problem, goal) <= (limits.maximum_gib or 1e9)
        legal = "h1" not in goal.host_of.values() and all(goal[vm] in targets[vm] for vm in goal)
        if fits and legal and not Rulebook(problem, pool_rules).violations(goal, since=problem.initial):
            yield goal


def gib(problem: Problem, goal: Placement) -> float:
    """GiB of the VMs that move."""
    return sum(SIZES[move.vm] for move in problem.initial.moves_to(goal))


def price(problem: Problem, *, moves_first: bool) -> tuple[float, int] | None:
    """GiB and moves of the cheapest placement; the fewest moves first where the limit on them is raised."""
    prices = [(gib(problem, goal), len(problem.initial.moves_to(goal))) for goal in accepted(problem)]
    key = (lambda each: each[::-1]) if moves_first else (lambda each: each)
    return min(prices, key=key, default=None)


def cheapest(homes: Mapping[str, str], sections: Sections) -> list[tuple[float, int, list[str]]]:
    """Price and places of the smallest sets of what to strike, by trying all of them."""
    possible = editions(sections)
    for size in range(1, 5):
        found = []
        for chosen in combinations(possible, size):
            problem = problem_of_case(homes, edited(sections, [possible[each] for each in chosen]))
            paid = price(problem, moves_first=("limits.maximum_moves", "moves") in chosen)
            if paid is not None:
                found.append((*paid, sorted(where for where, _ in chosen)))
        if found:
            return sorted(found)
    return []


def said(ways: tuple[Fix, ...]) -> list[tuple[float, int, list[str]]]:
    """The same of what the error says, but for what no edit of these policies is: rules and disks."""
    return sorted(
        (way.gib, way.moves, sorted(each.where for each in way.concessions))
        for way in ways
        if not {each.where for each in way.concessions} & {"rules.relax", "storage_motion.enabled"}
    )


@pytest.mark.parametrize("seed", range(30))
def test_fixes_are_those_of_brute_force(seed: int) -> None:
    """Where nothing is possible, the smallest sets of what to give up stand in the error, each with its price."""
    homes, sections = crowded(seed)
    problem = problem_of_case(homes, sections)
    if price(problem, moves_first=False) is not None:
        assert "h1" not in solve(Rulebook.of(problem)).placement.host_of.values()
        return
    with pytest.raises(Infeasible) as refused:
        solve(Rulebook.of(problem))
    ways = refused.value.fixes
    wanted = cheapest(homes, sections)
    smaller = [way for way in ways if not wanted or len(way.concessions) < len(wanted[0][2])]
    assert all("rules.relax" in {each.where for each in way.concessions} for way in smaller)
    if not smaller:
        assert said(ways) == wanted
    assert [(way.gib, way.moves) for way in ways] == sorted((way.gib, way.moves) for way in ways)
    assert all(way.proved for way in ways)


def test_some_of_these_pools_have_no_way() -> None:
    """The comparison is made: a third or more are impossible, and sets of one and of two are among the answers."""
    cases = map(crowded, range(30))
    stuck = [case for case in cases if price(problem_of_case(*case), moves_first=False) is None]
    found = [cheapest(*case) for case in stuck]
    assert len(found) >= 10
    assert {len(each[0][2]) for each in found if each} >= {1, 2}


def test_hosts_to_spare_are_blamed_and_can_be_done_without() -> None:
    """Two hosts can hold all VMs, but not restart those of one on the other: the error names spare, and the price."""
    placed = {"a": ("h1", 4.0), "b": ("h2", 4.0), "c": ("h3", 4.0)}
    hosts = {"h1": 9.0, "h2": 9.0, "h3": 9.0}
    problem = tiny(placed, hosts=hosts, mode="evacuate", empty=["h1"], spare={"hosts": 1, "vms": "all"})
    with pytest.raises(Infeasible) as refused:
        solve(Rulebook.of(problem))
    assert refused.value.blame == ("rule spare excludes every placement; without it there is one",)
    assert str(refused.value).endswith("The cheapest fix: do without hosts to spare (1 VM moves, 4 GiB are copied).")


def refused(problem: Problem) -> list[str]:
    """The fixes of *problem*, in words."""
    with pytest.raises(Infeasible) as error:
        solve(Rulebook.of(problem))
    return [str(way) for way in error.value.fixes]


def test_limits_are_raised_to_what_is_needed() -> None:
    """Three VMs have to go and two may: the error says how many moves to allow, and a limit on GiB likewise."""
    placed = dict.fromkeys("abc", ("h1", 4.2))
    few = tiny(placed, mode="evacuate", empty=["h1"], limits={"maximum_moves": 2})
    small = tiny(placed, mode="evacuate", empty=["h1"], limits={"maximum_gib": 12.55})
    price = "(3 VMs move, 12.6 GiB are copied)"
    assert refused(few) == [f"allow 3 moves instead of 2 {price}"]
    assert refused(small) == [f"allow 12.6 GiB instead of 12.55 {price}"]


def changed(problem: Problem, **fields: Any) -> Problem:  # noqa: ANN401 - fields of VM
    """*problem* with other *fields* of VM `a`."""
    vms = problem.pool.vms
    return replace(problem, pool=replace(problem.pool, vms={**vms, "a": replace(vms["a"], **fields)}))


def test_what_xapi_objects_to_is_mended_before_anybody_is_shut_down() -> None:
    """A mark is removed, a paused VM runs again, a CD is ejected; and what is wrong twice is mended twice."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 2.0)}, mode="evacuate", empty=["h1"])
    price = "(2 VMs move, 6 GiB are copied)"
    blocked = {"blocked_operations": {"pool_migrate": "no"}}
    paused = {"power_state": PowerState.PAUSED}
    unblock = "remove pool_migrate from the VM's blocked_operations (VM 'a')"
    assert refused(changed(problem, **blocked)) == [f"{unblock} {price}"]
    assert refused(changed(problem, **paused)) == [f"unpause it (VM 'a') {price}"]
    assert refused(changed(problem, **blocked, **paused)) == [f"{unblock} and unpause it (VM 'a') {price}"]


def test_a_vm_that_nothing_lets_go_has_to_be_shut_down() -> None:
    """No concession frees a VM that has a device of its host; its memory counts no more once it is off."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 2.0)}, mode="evacuate", empty=["h1"])
    held = changed(problem, attached_pcis=("nic",))
    assert refused(held) == ["shut 'a' down meanwhile (1 VM moves, 2 GiB are copied)"]


@pytest.mark.parametrize(
    ("live", "ready", "fix"),
    [
        (False, True, "declare host 'h1' dead, once it surely is off (0 VMs move, 0 GiB are copied)"),
        (False, False, "declare host 'h1' dead, once it surely is off (0 VMs move, 0 GiB are copied)"),
        (None, True, "restart the toolstack of host 'h1' (2 VMs move, 6 GiB are copied)"),
        (None, False, "restart the toolstack of host 'h1' and unpause it (VM 'a') (2 VMs move, 6 GiB are copied)"),
    ],
)
def test_only_a_host_that_is_known_to_be_dead_is_declared_dead(live: bool | None, *, ready: bool, fix: str) -> None:
    """Of a host without metrics nobody knows: its VMs may well run, and are not started a second time elsewhere."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 2.0)}, mode="evacuate", empty=["h1"])
    pool = problem.pool
    state = PowerState.RUNNING if ready else PowerState.PAUSED
    hosts = {**pool.hosts, "h1": replace(pool.hosts["h1"], live=live)}
    vms = {**pool.vms, "a": replace(pool.vms["a"], power_state=state)}
    assert refused(replace(problem, pool=replace(pool, hosts=hosts, vms=vms))) == [fix]


def test_a_rule_of_the_manual_can_be_relaxed() -> None:
    """A VM with pinned vCPUs, which only the manual holds, leaves once that rule is relaxed."""
    problem = tiny({"a": ("h1", 4.0)}, mode="evacuate", empty=["h1"])
    vm = replace(problem.pool.vms["a"], vcpus_params={"mask": "0,1"})
    masked = replace(problem, pool=replace(problem.pool, vms={**problem.pool.vms, "a": vm}))
    price = "(1 VM moves, 4 GiB are copied)"
    mended = f"remove mask from VM.VCPUs_params (VM 'a') {price}"
    assert sorted(refused(masked)) == [f"relax the rule no-vcpu-mask {price}", mended]


def test_many_held_vms_are_named_one_by_one() -> None:
    """Twelve VMs that never move are twelve concessions, found without trying every set of them."""
    placed = {f"v{number:02}": ("h1", 1.0) for number in range(12)}
    problem = tiny(placed, mode="evacuate", empty=["h1"])
    pinned = replace(problem, intent=replace(problem.intent, never_move=dict.fromkeys(placed, "a tag")))
    (way,) = refused(pinned)
    assert way.startswith("let 'v00' move and let 'v01' move")
    assert way.endswith("(12 VMs move, 12 GiB are copied)")


def test_vms_kept_together_leave_together_or_not_at_all() -> None:
    """Each of two VMs has a host to go to, but no host takes both: nobody is left behind in silence."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 2.0)}, mode="evacuate", empty=["h1"])
    ties = tuple(
        RunOn(name=f"on-{host}", vms=frozenset({vm}), hosts=frozenset({host}))
        for vm, host in (("a", "h2"), ("b", "h3"))
    )
    both = (Together(name="t", vms=frozenset({"a", "b"})),)
    torn = replace(problem, intent=replace(problem.intent, run_on=ties, together=both))
    price = "(2 VMs move, 6 GiB are copied)"
    given_up = ("run_on 'on-h2'", "run_on 'on-h3'", "together 't'")
    assert refused(torn) == [f"do without {each} {price}" for each in given_up]
    with pytest.raises(Infeasible, match="no host takes all that it is kept together with"):
        solve(Rulebook.of(torn))
