"""The search of all states, against brute force over every VM by itself."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.exhaust import Answer, Exhaustion
from benchmarks.judge import GIB
from benchmarks.repeat import CASES


def reachable(instance: dict[str, Any], goal: dict[str, str]) -> bool:
    """Whether the sizes of *goal* are reached by any moves, every VM known by name."""
    vms = [vm["id"] for vm in instance["vms"]]
    size = {vm["id"]: vm["memory_bytes"] for vm in instance["vms"]}
    room = {host["id"]: host["memory_bytes"] for host in instance["hosts"]}
    start = tuple(vm["host"] for vm in instance["vms"])

    def sizes(state: tuple[str, ...]) -> list[tuple[str, int]]:
        return sorted((host, size[vm]) for vm, host in zip(vms, state, strict=True))

    seen, todo = {start}, [start]
    while todo:
        state = todo.pop()
        free = dict(room)
        for vm, host in zip(vms, state, strict=True):
            free[host] -= size[vm]
        for number, vm in enumerate(vms):
            for host in room:
                then = (*state[:number], host, *state[number + 1 :])
                if size[vm] <= free[host] and then not in seen:
                    seen.add(then)
                    todo.append(then)
    return any(sizes(state) == sizes(tuple(goal[vm] for vm in vms)) for state in seen)


def pool(chance: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """Three hosts of 6 to 8 GiB with six VMs of 1 to 4, and another packing."""
    while True:
        rooms = [chance.choice([6, 7, 8]) for _ in range(3)]
        sizes = [chance.choice([1, 2, 3, 4]) for _ in range(6)]
        packings = [[chance.randrange(3) for _ in sizes] for _ in range(2)]
        used = [
            [sum(s for s, h in zip(sizes, each, strict=True) if h == host) for host in range(3)] for each in packings
        ]
        if sum(sizes) >= 0.85 * sum(rooms) and all(u <= r for each in used for u, r in zip(each, rooms, strict=True)):
            break
    hosts = [{"id": f"h{n}", "memory_bytes": room * GIB, "memory_reserved_bytes": 0} for n, room in enumerate(rooms)]
    before, after = packings
    vms = [{"id": f"v{n}", "host": f"h{before[n]}", "memory_bytes": sizes[n] * GIB} for n in range(6)]
    return {"hosts": hosts, "vms": vms}, {f"v{n}": f"h{after[n]}" for n in range(6)}


def test_exhaustion_says_what_brute_force_says() -> None:
    """60 tight pools of three hosts, of which some can and some cannot be brought there."""
    chance, answers = random.Random(3), []
    for _ in range(60):
        instance, goal = pool(chance)
        answers.append(Exhaustion(instance, goal, 10_000).run())
        assert answers[-1] is (Answer.CONNECTED if reachable(instance, goal) else Answer.IMPOSSIBLE)
    assert set(answers) == {Answer.CONNECTED, Answer.IMPOSSIBLE}


def test_too_many_states_decide_nothing() -> None:
    """With one state allowed, a pool that has a way stays open."""
    chance = random.Random(3)
    answers = {Exhaustion(*pool(chance), 1).run() for _ in range(20)}
    assert Answer.UNDECIDED in answers


def test_repetition_covers_small_and_large() -> None:
    """One pool of 16 hosts and one of 64 are solved twice."""
    assert [name.partition("x")[0] for name, _, _ in CASES] == ["16", "64"]
