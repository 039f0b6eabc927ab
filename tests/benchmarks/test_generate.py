"""Generated instances: deterministic, legal at the start, and like the shared ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.generate import generate, main, shape_of
from benchmarks.judge import verdict
from benchmarks.migrations import free_bytes
from benchmarks.neutral import pools, read_instance
from benchmarks.shapes import compared, rules_of

SharedData = Callable[[str], Path]


def at_start(instance: dict[str, object]) -> dict[str, str]:
    """Where the VMs are."""
    return {vm["id"]: vm["host"] for vm in instance["vms"]}  # type: ignore[attr-defined]


def test_the_same_name_and_seed_are_the_same_bytes(tmp_path: Path) -> None:
    """Two runs write the same compressed file, another seed writes another."""
    files = [tmp_path / f"{index}.json.gz" for index in range(3)]
    for file, seed in zip(files, ("7", "7", "8"), strict=True):
        assert main(["16x250-h", "--seed", seed, "--out", str(file)]) == 0
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other


@pytest.mark.parametrize("name", ["16x250", "16x250-c", "32x600-h", "64x3000", "64x3000-h", "256x8000-h"])
def test_what_the_name_says(name: str) -> None:
    """Hosts, VMs, unique names, one coordinator a pool, no pool above 64 hosts, memory and pCPUs kept at the start."""
    instance, shape = generate(name, 1), shape_of(name)
    assert (len(instance["hosts"]), len(at_start(instance))) == (shape.hosts, shape.vms)
    alone = pools(instance)
    assert [len(pool["hosts"]) for pool in alone] == [shape.hosts // shape.pools] * shape.pools
    assert [sum(host["master"] for host in pool["hosts"]) for pool in alone] == [1] * shape.pools
    assert sum(len(pool["vms"]) for pool in alone) == shape.vms
    assert min(free_bytes(instance, at_start(instance)).values()) > 0


def test_rules_are_as_many_as_the_shared_instances_have() -> None:
    """64x1500-h: 65 groups apart, of which one in three is broken, 15 pairs together, 30 pinned; plain: none."""
    assert rules_of(generate("64x1500-h", 1)) == (65, 22, 15, 30)
    assert rules_of(generate("64x1500", 1)) == (0, 0, 0, 0)


def test_rules_stay_within_their_pool() -> None:
    """Every rule of four pools is found in one of them, and no VM is in two rules."""
    instance = generate("256x8000-h", 1)
    kinds = ("anti_affinity", "affinity", "pinned")
    for kind in kinds:
        assert sum(len(pool["constraints"][kind]) for pool in pools(instance)) == len(instance["constraints"][kind])
    named = [
        vm for kind in kinds for rule in instance["constraints"][kind] for vm in rule.get("vms", (rule.get("vm"),))
    ]
    assert len(named) == len(set(named))


def test_a_vm_outside_its_pool_is_a_broken_rule() -> None:
    """The judge counts a VM that crosses over."""
    instance = generate("128x1000", 1)
    placement = at_start(instance)
    before = verdict(instance, placement, []).broken
    room = free_bytes(instance, placement)
    placement[instance["vms"][0]["id"]] = max(
        (host["id"] for host in instance["hosts"][64:]), key=lambda host: room[host]
    )
    assert (before, verdict(instance, placement, []).broken) == (0, 1)


@pytest.mark.parametrize("name", ["64", "64x", "64x300-z", "x"])
def test_other_names_are_refused(name: str) -> None:
    """A name that is no shape says what one looks like."""
    with pytest.raises(ValueError, match="64x3000"):
        shape_of(name)


def test_statistics_are_those_of_the_shared_instances(shared_data: SharedData) -> None:
    """Fill, sizes, load and rules of 32x600-h lie among those of generated ones."""
    assert compared(read_instance(shared_data("instances/32x600-h.json.gz")))
