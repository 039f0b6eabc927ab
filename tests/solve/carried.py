"""Placements in which VMs take disks along, by enumeration: what the checker accepts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rebalancer.inventory import VM
from rebalancer.placement import DiskMove, Migration, Placement
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.rules.routes import Routes
from rebalancer.solve.instance.evaluate import holds
from rebalancer.solve.instance.instance import instance_of
from rebalancer.solve.model.tier import placement_of

Hosts = tuple[str, ...]


def choices(problem: Problem, ways: Routes, vm: VM, host: str) -> list[tuple[DiskMove, ...]]:
    """The disk moves with which the checker lets *vm* go to *host*; all that the host does not see, and only those."""
    target = problem.pool.hosts[host]
    unseen = [
        (drive, sr) for drive, sr in problem.initial.srs_of.get(vm.uuid, {}).items() if sr not in target.attached_srs
    ]
    maps = (
        tuple(sorted(DiskMove(drive=drive, source=sr, target=to) for (drive, sr), to in zip(unseen, srs, strict=True)))
        for srs in itertools.product(problem.pool.srs, repeat=len(unseen))
    )
    move = Migration(vm=vm.uuid, source=problem.initial[vm.uuid], target=host)
    return [disks for disks in maps if not ways.objections(replace(move, disks=disks))]


def accepted(problem: Problem) -> Iterator[Placement]:
    """Every placement that the checker accepts, SRs included."""
    rules = rules_for(problem)
    ways, initial = Rulebook(problem, rules).routes, problem.initial
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    options: list[list[Migration | None]] = [
        [
            None,
            *(
                Migration(vm=vm, source=home, target=host, disks=disks)
                for host in problem.pool.hosts
                if host != home
                for disks in choices(problem, ways, problem.pool.vms[vm], host)
            ),
        ]
        for vm, home in initial.host_of.items()
    ]
    goals = (initial.after(*(move for move in moves if move)) for moves in itertools.product(*options))
    return (goal for goal in goals if not Rulebook(problem, pool_rules).violations(goal, since=problem.initial))


def hosts_of(placement: Placement) -> Hosts:
    """The hosts in the order of the VMs."""
    return tuple(placement.host_of.values())


def assert_chosen_srs_are_accepted(problem: Problem) -> None:
    """For whatever hosts the model holds, the placement with its disks is one that the checker accepts."""
    instance = instance_of(Rulebook.of(problem))
    goals = list(accepted(problem))
    for at in itertools.product(range(len(instance.hosts)), repeat=len(instance.units)):
        hosts = np.array(at, dtype=np.int64)
        placement = placement_of(instance, hosts)
        if instance.legal[np.arange(len(at)), hosts].all():
            assert holds(instance, hosts) == (placement in goals)
