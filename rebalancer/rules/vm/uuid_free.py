"""What the other pool has under the uuids of a VM and its snapshots: the import keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.inventory import VM, Host, PowerState, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule

Coming = tuple[Uuid, tuple[tuple[Uuid, int], ...]]
"""The pool that a VM leaves; uuid and version of the VM and of each of its snapshots."""


LEFTOVER = "remove that VM if it is a leftover"


class _Import(PairRule[Coming]):
    """A rule about what the import of a VM finds."""

    def needs(self, vm: VM, problem: Problem) -> Coming:
        """The VM and its snapshots."""
        family = (vm, *problem.pool.snapshots_of(vm))
        return problem.pool.of_vm(vm).uuid, tuple((each.uuid, each.version) for each in family)


class UUIDFree(_Import):
    """XAPI replaces a VM that is halted and of a lower version; see `replaces-nothing`."""

    id = "uuid-free"
    sentence = "No VM of the other pool that XAPI would not replace has the uuid of the VM or of one of its snapshots."
    source = "import.ml: VM.precheck"
    origin = Origin.XAPI
    code = "VM_TO_IMPORT_IS_NOT_NEWER_VERSION"

    def objects(self, needs: Coming, host: Host, problem: Problem) -> Objection | None:
        """One that is not halted, or not older."""
        for twin, version, where in _twins(needs, host, problem):
            if twin.power_state is not PowerState.HALTED:
                return self.objection(
                    f"has the uuid of VM '{twin.name}' of {where}, which is {twin.power_state.lower()}",
                    code="VM_BAD_POWER_STATE",
                )
            if twin.version >= version:
                words = f"has the uuid of VM '{twin.name}' of {where}, whose version {twin.version} is no lower"
                return self.objection(words, remedy=LEFTOVER, disruption=Disruption.POLICY)
        return None


class ReplacesNothing(_Import):
    """XAPI would do so without a word: the record of the other VM is destroyed, its disks belong to nobody."""

    id = "replaces-nothing"
    sentence = "XAPI would replace no VM of the other pool by the VM or by one of its snapshots."
    source = "import.ml: VM.precheck, Replace"
    origin = Origin.POLICY

    def objects(self, needs: Coming, host: Host, problem: Problem) -> Objection | None:
        """One that is halted, and older."""
        for twin, version, where in _twins(needs, host, problem):
            if twin.power_state is PowerState.HALTED and twin.version < version:
                words = f"would replace VM '{twin.name}' of {where}, which has its uuid and a lower version"
                return self.objection(words, remedy=LEFTOVER, disruption=Disruption.POLICY)
        return None


def _twins(needs: Coming, host: Host, problem: Problem) -> Iterator[tuple[VM, int, str]]:
    """What the pool of *host* has under uuids of the family, with the version that comes, and the pool in words."""
    home, family = needs
    there = problem.pool.of_host(host.uuid)
    if there.uuid == home:
        return
    for uuid, version in family:
        twin = problem.pool.twin_in(there, uuid)
        if twin is not None:
            yield twin, version, f"pool {there.called}"
