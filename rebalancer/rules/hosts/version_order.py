"""The manual's word: a VM goes to a host of the same version or a newer one."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.core.versions import Version, migration_versions, numbers, xapi_version

Versions = tuple[tuple[str, Version], ...]
"""What may not decrease, by name."""


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
        return self.objection(words) if words else None


def versions_of(vm: VM, problem: Problem) -> Versions | None:
    """The versions of the host where *vm* is; None where it is nowhere."""
    host = problem.pool.hosts.get(vm.resident_on or "")
    return host_versions(host, problem) if host else None


def host_versions(host: Host, problem: Problem) -> Versions:
    """What of *host* may not decrease, as the coordinator compares it."""
    return migration_versions(host.software_version, _coordinator(host, problem))


def lower(versions: Versions, host: Host) -> str:
    """In words: the first version of *host* that is lower than *versions*; empty when none is."""
    there = {key: numbers(host.software_version.get(key, "0.0.0")) for key, _ in versions}
    return next(
        (
            f"its {key} is {_dotted(there[key])}, the VM comes from {_dotted(version)}"
            for key, version in versions
            if there[key] < version
        ),
        "",
    )


def _coordinator(host: Host, problem: Problem) -> Version | None:
    return xapi_version(problem.pool.hosts[problem.pool.of_host(host.uuid).coordinator])


def _dotted(version: Version) -> str:
    return ".".join(map(str, version)) or "unknown"
