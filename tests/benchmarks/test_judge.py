"""What the judge finds wrong, told by arithmetic on a pool small enough to check by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.judge import GIB, Verdict, false_claims, verdict
from benchmarks.migrations import Migration
from benchmarks.targets import Target, unmet

GOOD = Verdict(area=0.0, cost=0.0, moves=2, gib=100.0, broken=0, unfit=0)
ANSWER = {"value": 100.0, "bound": 90.0, "gap": 0.1, "proved": False, "wall_s": 4.0, "peak_rss_mb": 300.0}


def host(name: str, gib: int) -> dict[str, Any]:
    """A host with one pCPU and no dom0."""
    memory = {"memory_bytes": gib * GIB, "memory_reserved_bytes": 0}
    return {"id": name, "pool": "p", "cpus": 1, "base_cpu_profile": [0.0], "master": name == "a", **memory}


def instance() -> dict[str, Any]:
    """Two VMs of 4 GiB on a host of 10 GiB, one of 4 on another; v0 and v1 are to be apart, v2 is pinned."""
    vms = [
        {"id": f"v{number}", "host": "b" if number == 2 else "a", "memory_bytes": 4 * GIB, "cpu_profile": [0.5]}
        for number in range(3)
    ]
    rules = {
        "anti_affinity": [{"name": "x", "vms": ["v0", "v1"]}],
        "affinity": [],
        "pinned": [{"vm": "v2", "hosts": ["b"]}],
    }
    return {"hosts": [host("a", 10), host("b", 10), host("c", 3)], "vms": vms, "constraints": rules}


@pytest.mark.parametrize(
    ("placement", "steps", "expected"),
    [
        ("aab", [], Verdict(area=0.2, cost=1.8, moves=0, gib=0.0, broken=1, unfit=0)),
        ("abb", [("v1", "a", "b")], Verdict(area=0.2, cost=1.8, moves=1, gib=4.0, broken=0, unfit=0)),
        ("aca", [("v1", "a", "c"), ("v2", "b", "a")], Verdict(area=0.2, cost=1.8, moves=2, gib=8.0, broken=2, unfit=1)),
        ("abb", [], Verdict(area=0.2, cost=1.8, moves=1, gib=4.0, broken=0, unfit=1)),
        ("abb", [("v1", "b", "b")], Verdict(area=0.2, cost=1.8, moves=1, gib=4.0, broken=0, unfit=1)),
    ],
    ids=["standing", "parted", "over memory and off its pin", "does not arrive", "starts elsewhere"],
)
def test_verdicts(placement: str, steps: list[tuple[str, str, str]], expected: Verdict) -> None:
    """Area, cost, moves, GiB, broken rules and moves that do not fit, counted by hand.

    A host at 100 % pays 0.05 * 1 up to 85 %, and then, for each 2.5 % more, 4, 6, 8, 12, 16 and 24 times as much.
    """
    made = [Migration(vm=vm, source=source, target=target) for vm, source, target in steps]
    found = verdict(instance(), {f"v{number}": host for number, host in enumerate(placement)}, made)
    assert (found.area, found.cost, found.gib) == pytest.approx((expected.area, expected.cost, expected.gib))
    assert (found.moves, found.broken, found.unfit) == (expected.moves, expected.broken, expected.unfit)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"value": 99.0}, ["value 99.00 is not its 100.00 GiB"]),
        ({"bound": 101.0, "gap": 0.0}, ["bound 101.00 is above the value 100.00"]),
        ({"proved": True}, ["proved with a gap of 10.00%"]),
        ({"gap": 0.05}, ["gap 5.00% is not the distance of value and bound"]),
    ],
)
def test_false_claims_are_named(change: dict[str, Any], words: list[str]) -> None:
    """An honest answer passes; each figure that was changed is named."""
    assert false_claims({**ANSWER, **change}, GOOD) == words


def test_a_target_below_the_bound_is_out_of_reach_and_not_missed() -> None:
    """85 GiB where 90 are proven to be necessary: said with the proof; 95 GiB: missed."""
    assert unmet(Target(name="x", seconds=5, gib=95), GOOD, ANSWER) == (["MISSED 95 GiB"], [])
    missed, impossible = unmet(Target(name="x", seconds=5, gib=85), GOOD, ANSWER)
    assert missed == []
    assert "90.00 GiB or more" in impossible[0]


@pytest.mark.parametrize(
    ("target", "judged", "words"),
    [
        (Target(name="x", seconds=3), GOOD, "MISSED 3 s"),
        (Target(name="x", seconds=5, gap=0.05), GOOD, "MISSED gap 5.0%"),
        (Target(name="x", seconds=5, megabytes=200), GOOD, "MISSED 200 MB"),
        (
            Target(name="x", seconds=5),
            Verdict(area=0.1, cost=0.5, moves=2, gib=100, broken=0, unfit=0),
            "MISSED area 0",
        ),
        (
            Target(name="x", seconds=5),
            Verdict(area=0.0, cost=0.0, moves=2, gib=100, broken=3, unfit=0),
            "3 rules BROKEN",
        ),
        (
            Target(name="x", seconds=5),
            Verdict(area=0.0, cost=0.0, moves=2, gib=100, broken=0, unfit=2),
            "2 moves do NOT FIT",
        ),
    ],
)
def test_every_limit_is_missed_by_name(target: Target, judged: Verdict, words: str) -> None:
    """Each limit by itself."""
    assert unmet(target, judged, ANSWER) == ([words], [])
