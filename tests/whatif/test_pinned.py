"""VMs that cannot leave their host are shut down meanwhile, where the policy names them; all others leave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.inventory import VM, Pool, PowerState
from rebalancer.policy.execution import ExecutionPolicy
from rebalancer.policy.rolling import RollingPolicy
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Purpose, Rolling, pinned, rolling, write_rolling
from rebalancer.whatif.pinned import (
    BOOT_SECONDS,
    SHUTDOWN_SECONDS,
    START_SECONDS,
    may_be_switched_off,
    shut_down_on,
    waves,
    why_not,
)
from rebalancer.whatif.rolling_index import read_rolling
from tests.plan.made import LATER, MADE_AT, pool_with
from tests.pools import problem_of

PINNED = {"pool_migrate": "licence", "migrate_send": "licence"}
Waves = tuple[tuple[VM, ...], ...]


@pytest.fixture
def pool() -> Pool:
    """Three hosts of 20 GiB; a and b cannot leave h1, and d cannot leave h3."""
    guests = {"a": ("h1", 4.0), "b": ("h1", 2.0), "c": ("h1", 4.0), "d": ("h3", 6.0), "e": ("h3", 2.0)}
    found = pool_with({"h1": 20, "h2": 20, "h3": 20}, guests)
    return changed(found, ("a", "b", "d"), blocked_operations=PINNED)


def changed(pool: Pool, vms: Sequence[str], **fields: Any) -> Pool:  # noqa: ANN401 - fields of a VM
    """*pool* with other *fields* of some VMs."""
    return replace(pool, vms={**pool.vms, **{vm: replace(pool.vms[vm], **fields) for vm in vms}})


def rolled(pool: Pool, *names: str, shut_down: bool = True) -> Rolling:
    """What comes of working on all hosts where *names* may be shut down."""
    chosen = names if shut_down else ()
    return rolling(problem_of(pool), (), version=None, come_home=True, made_at=MADE_AT, shut_down=chosen)


def test_all_others_leave_and_return(pool: Pool) -> None:
    """Every host is planned; each plan is proven with the pinned VMs where they are, and copies none of them."""
    found = rolled(pool, "a", "b", "d")
    assert (found.hosts, found.set_aside, found.blocked) == (("h1", "h3", "h2"), (), ())
    listed = {stage.host: [each.vm for each in stage.shut_down] for stage in found.stages if stage.shut_down}
    assert listed == {"h1": ["a", "b"], "h3": ["d"]}
    moved = {step.vm for stage in found.stages for step in stage.plan.steps}
    assert moved == {"c", "e"}
    for stage in found.stages:
        emptying = stage.purpose is Purpose.EMPTY
        hosts = {**pool.hosts, stage.host: replace(pool.hosts[stage.host], enabled=not emptying)}
        assert verify_plan(stage.plan, replace(pool, hosts=hosts), now=LATER) == ()
        for step in stage.plan.steps:
            pool = changed(pool, [step.vm], resident_on=step.target)
        if emptying:
            left = {vm.uuid for vm in pool.resident_guests() if vm.resident_on == stage.host}
            assert left == {each.vm for each in stage.shut_down}
        else:
            assert not stage.shut_down
    assert found.copied_bytes == found.bound_bytes


def test_those_of_one_order_are_off_together(pool: Pool) -> None:
    """Nobody waits for another one; they are listed so that who matters most is asked last, and started first."""
    (first, last) = rolled(changed(pool, ["a"], ha_always_run=True), "a", "b", "d").stages[0].shut_down
    assert (first.vm, last.vm) == ("b", "a")
    assert {first.seconds, last.seconds} == {BOOT_SECONDS + SHUTDOWN_SECONDS + START_SECONDS}


def test_one_order_waits_for_another(pool: Pool) -> None:
    """The higher one goes first and comes last; each estimate adds up what is done while it is off."""
    (first, last) = rolled(changed(pool, ["a"], order=1), "a", "b", "d").stages[0].shut_down
    assert (first.vm, last.vm) == ("a", "b")
    each = SHUTDOWN_SECONDS + START_SECONDS
    assert (first.seconds, last.seconds) == (BOOT_SECONDS + 2 * each, BOOT_SECONDS + each)


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (10, [10]), (11, [1, 10]), (25, [5, 10, 10])])
def test_a_wave_has_ten_at_most(count: int, sizes: list[int]) -> None:
    """The small one is the first to go, and the last to come; of another order nobody goes with them."""
    found = list(waves(range(count), lambda _: 3))
    assert [len(each) for each in found] == sizes
    assert [guest for each in found for guest in each] == list(range(count))
    assert list(waves([1, 2, 1, 0], lambda order: order)) == [(2,), (1, 1), (0,)]


def played(down: Waves, up: Waves) -> dict[str, float]:
    """For how long each is off where they are shut down and started in these waves, played on a clock."""
    clock = 0.0
    asked, off = dict[str, float](), dict[str, float]()
    for together in down:
        asked |= {vm.uuid: clock for vm in together}
        clock += SHUTDOWN_SECONDS
    clock += BOOT_SECONDS
    vms = [vm for together in up for vm in together]
    for number, together in enumerate(up):
        clock += START_SECONDS
        off |= {vm.uuid: clock - asked[vm.uuid] for vm in together}
        if number + 1 < len(up) and up[number + 1][0].order != together[0].order:
            clock += max(each.start_delay for each in vms if each.order == together[0].order)
    return off


def ways(vms: Sequence[VM], most: int, *, rising: bool) -> list[Waves]:
    """All ways to have them go in waves of one order, so many at once at most, that keep to their order."""
    if not vms:
        return [()]
    order = (min if rising else max)(vm.order for vm in vms)
    able = [vm for vm in vms if vm.order == order]
    found = []
    for size in range(1, min(most, len(able)) + 1):
        for together in combinations(able, size):
            rest = [vm for vm in vms if vm not in together]
            found += [(together, *others) for others in ways(rest, most, rising=rising)]
    return found


def by_name(way: Waves) -> list[set[str]]:
    """Who goes together, wave by wave."""
    return [{vm.uuid for vm in together} for together in way]


def by_importance(off: dict[str, float], vms: Sequence[VM]) -> tuple[float, ...]:
    """How long those are off together that HA protects, those of best effort, the others, and all of them."""
    kinds = ("restart", "best-effort", "")
    sums = [sum(off[vm.uuid] for vm in vms if vm.ha_restart_priority == kind) for kind in kinds]
    return (*sums, sum(off.values()))


@pytest.mark.parametrize("most", [1, 2, 10])
@pytest.mark.parametrize("seed", range(8))
def test_no_other_way_has_those_that_matter_off_for_less(seed: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All ways to shut four VMs down and to start them that keep to their order: none is better, in any part."""
    monkeypatch.setattr(pinned, "AT_ONCE", most)
    chance = Random(seed)
    some: dict[str, dict[str, Any]] = {
        name: {
            "order": chance.choice([0, 0, 1, 2]),
            "start_delay": chance.choice([0, 0, 120]),
            "ha_restart_priority": chance.choice(["", "best-effort", "restart"]),
            "blocked_operations": PINNED,
        }
        for name in "abcd"
    }
    pool = pool_with({"h1": 20, "h2": 20}, dict.fromkeys(some, ("h1", 2.0)))
    for name, fields in some.items():
        pool = changed(pool, [name], **fields)
    vms = [pool.vms[name] for name in some]
    listed = shut_down_on("h1", frozenset(some), problem_of(pool))
    down = tuple(waves([pool.vms[each.vm] for each in listed], lambda vm: vm.order))
    found = {each.vm: each.seconds for each in listed}
    assert played(down, down[::-1]) == found
    assert by_name(down) in [by_name(way) for way in ways(vms, most, rising=False)]
    both = product(ways(vms, most, rising=False), ways(vms, most, rising=True))
    others = [by_importance(played(*way), vms) for way in both]
    assert by_importance(found, vms) == min(others)
    assert sum(found.values()) == min(other[-1] for other in others)


def test_each_is_listed_with_its_place_delay_and_protection(pool: Pool, tmp_path: Path) -> None:
    """In the order of the shutdown: highest `order` first; those of the next order wait for the longest delay."""
    changes: dict[str, dict[str, Any]] = {"a": {"order": 1, "ha_restart_priority": "restart"}, "b": {"start_delay": 90}}
    for name, fields in changes.items():
        pool = changed(pool, [name], **fields)
    found = rolled(pool, "a", "b", "d")
    first, last = found.stages[0].shut_down
    told = [(each.vm, each.order, each.start_delay, each.restart_priority) for each in (first, last)]
    assert told == [("a", 1, 0, "restart"), ("b", 0, 90, "")]
    each = SHUTDOWN_SECONDS + START_SECONDS
    assert (first.seconds, last.seconds) == (BOOT_SECONDS + 2 * each + 90, BOOT_SECONDS + each)
    write_rolling(found, tmp_path / "all")
    page = (tmp_path / "all" / "rolling.md").read_text(encoding="utf-8")
    assert "| h1 | a | 1 | - | restart | " in page
    assert "| h1 | b | 0 | 90 s | - | " in page


def test_who_is_switched_off_is_marked(pool: Pool, tmp_path: Path) -> None:
    """Where the policy names it and has the word; a name that nobody has is an error."""
    rolling_policy = RollingPolicy(hard_shut_down=("b",))
    silent = problem_of(pool).policy.model_copy(update={"rolling": rolling_policy})
    told = silent.model_copy(update={"execution": ExecutionPolicy(power=("hard-shutdown-vm",))})
    assert [sorted(may_be_switched_off(each, pool)) for each in (silent, told)] == [[], ["b"]]
    nobody = told.model_copy(update={"rolling": RollingPolicy(hard_shut_down=("x",))})
    with pytest.raises(PolicyError, match=r"rolling\.hard_shut_down"):
        may_be_switched_off(nobody, pool)
    found = rolling(
        problem_of(pool),
        ["h1"],
        version=None,
        come_home=True,
        made_at=MADE_AT,
        shut_down=["a", "b"],
        switch_off=may_be_switched_off(told, pool),
    )
    assert [(each.vm, each.hard) for each in found.stages[0].shut_down] == [("a", False), ("b", True)]
    write_rolling(found, tmp_path / "all")
    page = (tmp_path / "all" / "rolling.md").read_text(encoding="utf-8")
    assert (page.count("| host stays on |"), page.count("| hard shutdown |")) == (1, 1)
    assert [each.hard for each in read_rolling(tmp_path / "all").stages[0].shut_down] == [False, True]


def test_only_those_who_are_named_and_only_where_it_is_asked_for(pool: Pool) -> None:
    """Whom the policy does not name keeps the host; nobody is shut down who can leave, or unasked."""
    some = rolled(pool, "a", "c", "d")
    assert [each.host_name for each in some.set_aside] == ["h1"]
    assert [each.vm for each in some.blocked] == ["b"]
    assert [each.vm for stage in some.stages for each in stage.shut_down] == ["d"]
    unasked = rolled(pool, "a", "b", "d", shut_down=False)
    assert {each.host_name for each in unasked.set_aside} == {"h1", "h3"}
    assert not any(stage.shut_down for stage in unasked.stages)
    with pytest.raises(PolicyError, match=r"rolling\.shut_down"):
        rolled(pool, "nobody")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"power_state": PowerState.PAUSED}, "paused"),
        ({"current_operations": ("snapshot",)}, "busy with snapshot"),
        ({"blocked_operations": {**PINNED, "clean_shutdown": "no"}}, "blocked clean_shutdown"),
        ({"blocked_operations": {**PINNED, "start_on": "no"}}, "blocked start_on"),
        ({"guest_metrics": None}, "no tools"),
    ],
)
def test_who_cannot_be_shut_down_keeps_the_host(pool: Pool, fields: dict[str, Any], words: str) -> None:
    """Named or not."""
    worse = changed(pool, ["d"], **fields)
    assert words in why_not(worse.vms["d"], worse)
    found = rolled(worse, "a", "b", "d")
    assert [each.host_name for each in found.set_aside] == ["h3"]


def test_the_lists_are_written_and_read_back(pool: Pool, tmp_path: Path) -> None:
    """In the index for programs, and in the one for people with the sum."""
    found = rolled(pool, "a", "b", "d")
    write_rolling(found, tmp_path / "all")
    index = read_rolling(tmp_path / "all")
    assert [stage.shut_down for stage in index.stages] == [stage.shut_down for stage in found.stages]
    page = (tmp_path / "all" / "rolling.md").read_text(encoding="utf-8")
    assert "## Shut down meanwhile" in page
    assert "3 VMs cannot leave their hosts and are shut down in this order" in page
    document = json.loads((tmp_path / "all" / "rolling.json").read_text(encoding="utf-8"))
    assert [each["vm"] for each in document["stages"][0]["shut_down"]] == ["a", "b"]
