"""An update of a pool of full size from its first stage to its last: `python -m tests.storm.rolling.whole_pool`.

First without pinned VMs: what is copied is held against the bound. Then with pinned VMs, which are shut down meanwhile.
Then once more, and processes are killed at random points, each fault strikes once, and the same command goes on. All of
it in virtual time, judged at every instant. Prints a table, and ends with 1 where anything is wrong.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from random import Random

from rebalancer.simulator import generate_pool
from tests.storm.rolling.rollout import DONE, KILLED, Rollout, Struck, roll_out
from tests.storm.rolling.scene import NEWER, Scene, pin, planned, policy

FILL = 0.7
OVER_BOUND = 1.01
"""What may be copied, in bounds, where every VM can leave its host."""
SECONDS = 60.0
GIB = 2**30
LOOKS = 90.0
"""Seconds by which a downtime may be told too long: it is told from the call on, and until the VM is seen running."""


def main(arguments: list[str] | None = None) -> int:
    """Roll both out; 0 where all is as it has to be."""
    parser = ArgumentParser(prog="python -m tests.storm.rolling.whole_pool", description=__doc__)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--vms", type=int, default=250)
    parser.add_argument("--pinned", type=int, default=8, help="how many VMs cannot leave their host")
    parser.add_argument("--kills", type=int, default=50, help="how many processes are killed")
    parser.add_argument("--seed", type=int, default=1, help="of the pool, and of the chance")
    wanted = parser.parse_args(arguments)
    free = roll_out(scene(wanted.hosts, wanted.vms, wanted.seed), policy())
    place, words = scene(wanted.hosts, wanted.vms, wanted.seed, wanted.pinned), policy(pinned=True)
    calm = roll_out(place, words)
    rough = roll_out(place, words, seed=wanted.seed, kills=wanted.kills, points=calm.points)
    wrong = [*_wrong(free, 0), *_too_much(free), *_wrong(calm, 0), *_wrong(rough, wanted.kills)]
    told = [f"{wanted.hosts} hosts, {wanted.vms} VMs, {FILL:.0%} of the memory in use, updated one after another", ""]
    told += [f"{name:34}{''.join(f'{cell:>14}' for cell in cells)}" for name, *cells in _rows(free, calm, rough)]
    told += ["", "what struck, and whom:", *map(_told, rough.struck), ""]
    told += [f"WRONG: {each}" for each in wrong] or ["nothing found"]
    sys.stdout.write("\n".join((*told, "")))
    return int(bool(wrong))


def scene(hosts: int, vms: int, seed: int, pinned: int = 0) -> Scene:
    """A pool of that size, and the stages of its update; so many VMs cannot leave their host."""
    pool = generate_pool(hosts=hosts, vms=vms, seed=seed, fill=FILL, hot=0.0, pinned=0.0, days=1)
    if pinned:
        pin(pool, pinned, Random(seed))
    return planned(pool, policy(pinned=pinned > 0, limits={"solve_seconds": SECONDS}), version=NEWER)


def _rows(*all_of: Rollout) -> Iterator[tuple[str, ...]]:
    yield "", *(f"{len(each.off) or 'none'} pinned" for each in all_of)
    yield "", *("disturbed" if each.struck else "undisturbed" for each in all_of)
    yield "stages", *(str(len(each.scene.plans.stages)) for each in all_of)
    yield "GiB copied", *(f"{each.scene.plans.copied_bytes / GIB:.0f}" for each in all_of)
    yield "bound on it, GiB", *(f"{each.scene.plans.bound_bytes / GIB:.0f}" for each in all_of)
    yield "copied, in bounds", *(f"{_share(each):.4f}" for each in all_of)
    yield "migrations", *(str(each.moves) for each in all_of)
    yield "hosts rebooted, each once", *(str(len(each.rebooted)) for each in all_of)
    yield "faults", *(str(sum(struck.came for struck in each.struck)) for each in all_of)
    yield "VMs off, minutes: in the pool", *(f"{sum(each.off.values()) / 60:.1f}" for each in all_of)
    yield "VMs off, minutes: as told", *(f"{sum(each.told.values()) / 60:.1f}" for each in all_of)
    yield "VMs off, minutes: by estimate", *(f"{each.estimated / 60:.1f}" for each in all_of)
    yield "hours in virtual time", *(f"{each.seconds / 3600:.1f}" for each in all_of)
    yield "processes", *(str(len(each.ends)) for each in all_of)
    ends = [Counter(_kind(end) for end in each.ends) for each in all_of]
    for kind in sorted(set().union(*ends)):
        yield f"  {kind}", *(str(each[kind]) for each in ends)


def _told(each: Struck) -> str:
    quiet = "mended unseen" if each.trouble.words else "stopped nothing"
    return (
        f"  {each.trouble.kind:26}{each.name:12}{'did not strike' if not each.came else 'told' if each.told else quiet}"
    )


def _kind(end: str) -> str:
    kinds = {
        DONE: "all hosts done",
        KILLED: "killed",
        "5": "stopped, the reason told",
        "9": "a step left, to be sent again",
    }
    return kinds.get(end) or kinds.get(end.partition(" ")[0]) or "the pool was away"


def _share(rollout: Rollout) -> float:
    return rollout.scene.plans.copied_bytes / rollout.scene.plans.bound_bytes


def _too_much(rollout: Rollout) -> Iterator[str]:
    if _share(rollout) > OVER_BOUND:
        yield f"{_share(rollout):.4f} times the bound is copied, more than {OVER_BOUND}"


def _wrong(rollout: Rollout, kills: int) -> Iterator[str]:
    plans = rollout.scene.plans
    yield from rollout.found
    if plans.refused or plans.set_aside:
        yield f"not all hosts are planned: {plans.set_aside or plans.refused}"
    if rollout.ends[-1:] != (DONE,):
        yield "it came to no end"
    if rollout.kills < kills:
        yield f"{rollout.kills} kills, not {kills}"
    if set(rollout.rebooted) != set(plans.hosts) or set(rollout.rebooted.values()) != {1}:
        yield f"hosts were rebooted {dict(rollout.rebooted)}"
    if rollout.moves != (steps := sum(len(stage.plan.steps) for stage in plans.stages)):
        yield f"{rollout.moves} migrations for {steps} steps"
    for each in rollout.struck:
        if not each.is_right:
            yield f"{each.trouble.kind} of {each.name}: {'nobody was told' if each.came else 'it did not strike'}"
    for vm, seconds in rollout.off.items():
        if not seconds <= rollout.told.get(vm, 0.0) <= seconds + LOOKS:
            yield f"VM {vm} was off for {seconds:.0f} s, and {rollout.told.get(vm, 0.0):.0f} s are told"


if __name__ == "__main__":
    sys.exit(main())
