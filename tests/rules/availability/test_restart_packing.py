"""The packer of restarts, against a brute force of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache

import pytest

from rebalancer.rules.availability.restart_packing import Items, _fullest, _Search, pack

Rooms = dict[str, int]


def items_of(sizes: Mapping[str, int], targets: Mapping[str, frozenset[str]], rooms: Rooms) -> Items:
    """Items that may go everywhere unless *targets* says where."""
    return Items.of(sizes, {vm: targets.get(vm, frozenset(rooms)) for vm in sizes})


def fits(items: Items, rooms: Rooms) -> bool:
    """Whether there is a way, by giving one VM after the other to every host that has room for it."""
    order, hosts = sorted(items.size), sorted(rooms)

    @cache
    def placed(number: int, left: tuple[int, ...]) -> bool:
        if number == len(order):
            return True
        vm = order[number]
        return any(
            room >= items.size[vm]
            and host in items.targets[vm]
            and placed(number + 1, (*left[:each], room - items.size[vm], *left[each + 1 :]))
            for each, (host, room) in enumerate(zip(hosts, left, strict=True))
        )

    return placed(0, tuple(rooms[host] for host in hosts))


def is_way(host_of: Mapping[str, str], items: Items, rooms: Rooms) -> bool:
    """Whether every VM is on a host that it may use, and no host holds more than it has."""
    load = dict.fromkeys(rooms, 0)
    for vm, host in host_of.items():
        load[host] += items.size[vm]
    allowed = all(host in items.targets[vm] for vm, host in host_of.items())
    return host_of.keys() == items.size.keys() and allowed and all(load[host] <= rooms[host] for host in rooms)


def filled(seed: int) -> tuple[Items, Rooms]:
    """Hosts that VMs fill to the last byte, some of which may go to some hosts only."""
    chance = random.Random(seed)
    hosts = [f"h{number}" for number in range(chance.randint(2, 4))]
    sizes = {f"v{number}": chance.choice([3, 5, 7, 8, 11]) for number in range(chance.randint(4, 10))}
    home = {vm: chance.choice(hosts) for vm in sizes}
    rooms = {host: sum(size for vm, size in sizes.items() if home[vm] == host) for host in hosts}
    some = {vm: frozenset({home[vm], chance.choice(hosts)}) for vm in sizes if chance.random() < 0.3}
    return items_of(sizes, some, rooms), rooms


@pytest.mark.parametrize("seed", range(150))
def test_full_hosts_are_filled(seed: int) -> None:
    """Where no byte is to spare, the one way that there is is found."""
    items, rooms = filled(seed)
    packed = pack(items.size, items, rooms, known={})
    assert packed.host_of is not None
    assert is_way(packed.host_of, items, rooms)


@pytest.mark.parametrize("seed", range(150))
def test_verdict_is_that_of_brute_force(seed: int) -> None:
    """With a few bytes more here and fewer there, it finds a way exactly where there is one, and is sure of it."""
    items, rooms = filled(seed)
    chance = random.Random(seed)
    changed = {host: max(0, room + chance.choice([-3, -2, 0, 1, 2])) for host, room in rooms.items()}
    packed = pack(items.size, items, changed, known={})
    assert packed.proved
    assert (packed.host_of is not None) == fits(items, changed)
    assert packed.host_of is None or is_way(packed.host_of, items, changed)


def test_roomiest_host_is_taken_first() -> None:
    """The biggest VM goes where most is free, the next where most is free then."""
    rooms = {"h1": 9, "h2": 6, "h3": 3}
    items = items_of({"a": 4, "b": 3, "c": 3}, {}, rooms)
    assert pack(items.size, items, rooms, known={}).host_of == {"a": "h1", "b": "h2", "c": "h1"}


def test_known_way_is_kept_as_far_as_it_fits() -> None:
    """A VM stays where it just fits, the host of another is gone, and a third is new."""
    rooms = {"h1": 9, "h2": 4}
    items = items_of({"a": 4, "b": 1, "c": 3}, {}, rooms)
    assert pack(items.size, items, rooms, known={"a": "h2", "b": "gone"}).host_of == {"a": "h2", "c": "h1", "b": "h1"}


def test_known_way_that_does_not_fit_any_more_is_given_up() -> None:
    """Where the others find no place beside those that stay, all are placed anew."""
    rooms = {"h1": 4, "h2": 7}
    items = items_of({"a": 4, "b": 3, "c": 4}, {}, rooms)
    packed = pack(items.size, items, rooms, known={"b": "h1"})
    assert packed.host_of is not None
    assert is_way(packed.host_of, items, rooms)


def test_nobody_needs_nothing() -> None:
    """No VM fits anywhere."""
    assert pack((), items_of({}, {}, {}), {"h1": 0}, known={}).host_of == {}


def test_just_enough_room_is_enough() -> None:
    """A host takes a VM of its own size; one byte less does not."""
    items = items_of({"a": 4}, {}, {"h1": 4})
    assert pack(items.size, items, {"h1": 4}, known={}).host_of == {"a": "h1"}
    less = pack(items.size, items, {"h1": 3}, known={})
    assert (less.host_of, less.proved) == (None, True)


@pytest.mark.parametrize(
    ("room", "most"), [(0, 0), (5, 0), (6, 6), (7, 6), (10, 10), (15, 12), (16, 16), (22, 22), (23, 22), (99, 22)]
)
def test_most_that_can_be_filled(room: int, most: int) -> None:
    """Of one VM of 10 and two of 6 bytes, sums of some; of a fourth that may not come, nothing."""
    here = frozenset({"h1"})
    counts = {(10, here): 1, (6, here): 2, (1, frozenset({"h2"})): 5}
    assert _fullest("h1", counts, room) == most


def test_what_can_be_filled_excludes_quickly() -> None:
    """Forty hosts of 59 bytes that VMs of 8 and 20 bytes fill to 56 at most: sums of what fits say it at once."""
    rooms = {f"h{number}": 59 for number in range(40)}
    sizes = {f"a{number}": 20 for number in range(48)} | {f"b{number}": 8 for number in range(161)}
    packed = pack(sizes, items_of(sizes, {}, rooms), rooms, known={})
    assert (packed.host_of, packed.proved) == (None, True)


def test_effort_that_is_spent_proves_nothing() -> None:
    """Forty VMs that sums do not exclude and no order fits: not found, and not called impossible."""
    sizes = {f"v{number:02}": 1_000_003 + number * number * 7919 for number in range(40)}
    rooms = {f"h{number}": sum(sizes.values()) // 8 + 1000 for number in range(8)}
    packed = pack(sizes, items_of(sizes, {}, rooms), rooms, known={})
    assert (packed.host_of, packed.proved) == (None, False)


@pytest.mark.parametrize(("most", "found", "effort", "sure"), [(2, True, 2, True), (1, False, 3, False)])
def test_effort_is_counted_by_parts_of_fillings(most: int, found: bool, effort: int, sure: bool) -> None:
    """One VM on one host takes two: how many of it, and that nobody else is left."""
    search = _Search(kinds=((4, frozenset({"h1"})),), rooms=((4, "h1"),), most=most)
    assert search.fill(0, (1,), 0) is found
    assert (search.effort, search.sure) == (effort, sure)


def test_one_vm_that_is_too_big_excludes_everything_at_once() -> None:
    """Where the others alone would take more effort than there is, what no host has room for decides."""
    sizes = {f"v{number:02}": 1_000_003 + number * number * 7919 for number in range(40)}
    rooms = {f"h{number}": sum(sizes.values()) // 8 + 9_000_000 for number in range(8)}
    sizes["tall"] = rooms["h1"] + 1
    packed = pack(sizes, items_of(sizes, {}, rooms), rooms, known={})
    assert (packed.host_of, packed.proved) == (None, True)


def test_the_quick_way_takes_a_host_that_is_just_large_enough() -> None:
    """Of two equal hosts the last one, which a search would try last."""
    rooms = {"h1": 4, "h2": 4}
    assert pack(("a",), items_of({"a": 4}, {}, rooms), rooms, known={}).host_of == {"a": "h2"}


def test_a_host_need_not_be_full() -> None:
    """Nobody else waits: what is left of the host is left."""
    search = _Search(kinds=((4, frozenset({"h1"})),), rooms=((9, "h1"),))
    assert search.fill(0, (1,), 5)
    assert search.found == [("h1", (1,))]
