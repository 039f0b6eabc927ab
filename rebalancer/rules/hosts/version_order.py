"""No VM goes to an older host: the manual's word for XenMotion, and XAPI's own for a VM that takes disks along."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.core.versions import Version, migration_versions, numbers, xapi_version

Versions = tuple[tuple[str, Version], ...]
"""What may not decrease, by name."""

UPDATE = "bring the host to that version"


class VersionOrder(PairRule[Versions]):
    """The manual asks it always; XAPI only while it marks the pool as being upgraded."""

    id = "version-order"
    sentence = "No version of the target is lower than the source's, upgrade or not."
    source = "XenServer 6.2 administrator's guide, 6.1: the target must run the same or a newer version"
    origin = Origin.MANUAL

    def needs(self, vm: VM, problem: Problem) -> Versions | None:
        """The versions of the host where *vm* is."""
        return versions_of(vm, problem)

    def objects(self, needs: Versions, host: Host, problem: Problem) -> Objection | None:
        """A host that is older in anything."""
        words = lower(needs, host)
        return self.objection(words, remedy=UPDATE, disruption=Disruption.POOL) if words else None


class VersionOrderStorage(VersionOrder):
    """Asked always, not only during an upgrade; a halted VM counts as coming from the coordinator."""

    id = "version-order-storage"
    sentence = "No version of the target is lower than the source's."
    source = "xapi_vm_migrate.ml: assert_can_migrate; helpers.ml: Checks.Migration"
    origin = Origin.XAPI
    code = "NOT_SUPPORTED_DURING_UPGRADE"

    def needs(self, vm: VM, problem: Problem) -> Versions | None:
        """The versions of the host where *vm* is, else of the coordinator."""
        hosts = problem.pool.hosts
        return _versions(hosts.get(vm.resident_on or "", hosts[problem.pool.of_vm(vm).coordinator]), problem)


class VersionOrderPools(VersionOrderStorage):
    """Asked always, and by the pool that the VM leaves: the versions that its coordinator compares."""

    id = "version-order-pools"
    sentence = "No version of the target is lower than the source's."
    source = "xapi_vm_migrate.ml: assert_can_migrate; helpers.ml: Checks.Migration"
    origin = Origin.XAPI
    code = "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE"


def versions_of(vm: VM, problem: Problem) -> Versions | None:
    """The versions of the host where *vm* is; None where it is nowhere."""
    host = problem.pool.hosts.get(vm.resident_on or "")
    return _versions(host, problem) if host else None


def _versions(host: Host, problem: Problem) -> Versions:
    """What of *host* may not decrease, as the coordinator of its pool compares it."""
    coordinator = problem.pool.hosts[problem.pool.of_host(host.uuid).coordinator]
    return migration_versions(host.software_version, xapi_version(coordinator))


def lower(versions: Versions, host: Host) -> str:
    """In words: the first version of *host* that is lower than *versions*; empty when none is."""
    there = {key: numbers(host.software_version.get(key, "0.0.0")) for key, _ in versions}
    older = (key for key, version in versions if there[key] < version)
    words = (f"its {key} is {_dotted(there[key])}, the VM comes from {_dotted(dict(versions)[key])}" for key in older)
    return next(words, "")


def _dotted(version: Version) -> str:
    return ".".join(map(str, version)) or "unknown"
