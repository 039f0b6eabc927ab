"""Where a VM may start: what each host has against it, by the rules that bind a start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rebalancer.inventory import VDI, VM, Host, Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.spare import BOOT
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Affinity, HostRule, Objection, PairRule
from rebalancer.rules.core.ledger import Ledger
from rebalancer.rules.devices.no_pci_passthrough import NoPCIPassthrough
from rebalancer.rules.devices.no_vusb import USBOnTarget
from rebalancer.rules.devices.sriov_capacity import SRIOVCapacity
from rebalancer.rules.devices.vgpu_capacity import VGPUCapacity
from rebalancer.rules.disks.sr_space import SRSpace
from rebalancer.rules.hosts.host_held import HostHeld
from rebalancer.rules.hosts.target_enabled import TargetEnabled
from rebalancer.rules.hosts.target_live import TargetLive
from rebalancer.rules.wishes.host_to_be_emptied import HostToBeEmptied
from rebalancer.units import GIB, size_in_words
from rebalancer.whatif.newcomers.joined import joined_problem, without
from rebalancer.whatif.newcomers.newcomer import Newcomer

HOSTS: Final[tuple[HostRule, ...]] = (TargetLive(), TargetEnabled(), HostToBeEmptied(), HostHeld())
"""What closes a host to starts as it does to moves."""

DEVICES: Final[tuple[PairRule[Any], ...]] = (VGPUCapacity(), SRIOVCapacity(), USBOnTarget())
"""Devices that a host has to have free for a start."""


class Starts:
    """Where *coming* may start in *problem*, one after another: each counts for the next once it has `joined`.

    The limits are those of a pool in which all of them run; nothing is held by them until they join.

    Raises:
        PolicyError: the policy contradicts itself once they are there.
    """

    def __init__(self, problem: Problem, coming: Sequence[Newcomer]) -> None:
        self._coming = {each.vm.uuid: each for each in coming}
        hosts = problem.pool.hosts
        anchor = next((uuid for uuid in hosts if uuid not in problem.held.roomless), problem.pool.coordinator)
        self.problem = joined_problem(problem, coming, [anchor] * len(coming))
        self.book = Rulebook.of(self.problem)
        self.placement = without(self.problem.initial, coming)
        self._ledger = Ledger(self.book.limits, self.problem.pool, self.placement)
        self._before, self._taken = problem, dict[Uuid, int]()
        self._with_devices: set[Uuid] = set()

    def against(self, vm: Uuid, host: Uuid) -> tuple[Objection, ...]:
        """Everything that speaks against a start of *vm* on *host* now; nothing where it may start."""
        guest, place = self._coming[vm].vm, self.problem.pool.hosts[host]
        limits = (objection for _, objection in self._ledger.refusals(vm, host))
        found = (*self.closed(guest, place), *limits, *self._groups(vm, host), *self.space(vm))
        return tuple(dict.fromkeys(found))

    def disks_of(self, vm: Uuid) -> tuple[VDI, ...]:
        """The disks that are made for *vm*."""
        return self._coming[vm].disks

    def closed(self, guest: VM, host: Host) -> Iterator[Objection]:
        """What *host* itself has against *guest*, whoever else is there."""
        problem = self.problem
        yield from (found for rule in HOSTS if (found := rule.objects(host, problem)))
        for rule in (*BOOT, *DEVICES):
            needs = rule.needs(guest, problem)
            if needs is not None and (found := rule.objects(needs, host, problem)):
                yield found
        if found := NoPCIPassthrough().objects(guest, problem):
            yield found
        if guest.vgpus and host.uuid in self._with_devices:
            words = "a virtual GPU was given to another new VM there; place them one after another"
            yield VGPUCapacity().objection(words)

    def joined(self, vm: Uuid, host: Uuid) -> None:
        """*vm* has started on *host*."""
        self._ledger.join(vm, host)
        self.placement = self.at(vm, host)
        if self._coming[vm].vm.vgpus:
            self._with_devices.add(host)
        for disk in self._coming[vm].disks:
            self._taken[disk.sr] = self._taken.get(disk.sr, 0) + disk.physical_utilisation_bytes

    def at(self, vm: Uuid, host: Uuid) -> Placement:
        """The placement with *vm* on *host*."""
        return Placement({**self.placement.host_of, vm: host}, self.placement.srs_of)

    def space(self, vm: Uuid) -> Iterator[Objection]:
        """SRs that have no room for the disks that are made for *vm*."""
        needs: dict[Uuid, int] = {}
        for disk in self._coming[vm].disks:
            needs[disk.sr] = needs.get(disk.sr, 0) + disk.physical_utilisation_bytes
        for sr, need in needs.items():
            free = room_on(self._before, sr) - self._taken.get(sr, 0)
            if need > free:
                has = f"SR '{self._before.names.srs.get(sr, sr)}' has {size_in_words(max(0, free))} to give"
                yield SRSpace().objection(f"its new disks need {size_in_words(need)}, {has}")

    def _groups(self, vm: Uuid, host: Uuid) -> Iterator[Objection]:
        """Groups that would be parted."""
        for bound in self.book.limits:
            group = bound.limit
            if isinstance(group, Affinity) and group.hard and vm in group.vms:
                hosts = {self.placement[each] for each in group.vms if each in self.placement.host_of}
                if hosts and host not in hosts:
                    words = f"{group.subject} runs on other hosts"
                    yield bound.rule.objection(words, disruption=Disruption.POLICY)


def room_on(problem: Problem, sr: Uuid) -> int:
    """Bytes that *sr* has for new disks, what the policy keeps free left out."""
    known = problem.pool.srs.get(sr)
    if known is None:
        return 0
    keep = int(problem.policy.storage_motion.keep_free_gib * GIB)
    return known.physical_size_bytes - known.physical_utilisation_bytes - keep
