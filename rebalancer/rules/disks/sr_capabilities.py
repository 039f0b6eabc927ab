"""The drivers of both SRs can mirror a disk."""

from __future__ import annotations

from rebalancer.inventory import SR, VM, Host, StorageDriver, xapi_uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving

SEND = ("VDI_SNAPSHOT", "VDI_MIRROR")
RECEIVE = ("VDI_SNAPSHOT", "VDI_MIRROR_IN")


class SRCapabilities(DiskRule):
    """A driver that can mirror out can mirror in; a disk that keeps its SR, by uuid, asks nothing."""

    id = "sr-capabilities"
    sentence = "Where a disk changes its SR, the old SR can take snapshots and mirror, the new one can receive mirrors."
    source = "xapi_vm_migrate.ml: assert_sr_support_operations; smint.ml: has_capability"
    origin = Origin.XAPI
    code = "SR_DOES_NOT_SUPPORT_MIGRATION"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An SR whose driver lacks something, or that nobody knows."""
        for disk, target in moving(disks, problem):
            if target is not None and xapi_uuid(target.uuid) == xapi_uuid(disk.sr):
                continue
            for sr, wanted in ((problem.pool.srs.get(disk.sr), SEND), (target, RECEIVE)):
                missing = _missing(_driver(sr, problem) if sr else None, wanted)
                if missing:
                    name = problem.names.srs[sr.uuid] if sr else "unknown"
                    return self.objection(f"SR '{name}' lacks {', '.join(missing)}")
        return None


def receives(sr: SR, problem: Problem) -> bool:
    """Whether the driver of *sr* can receive disks."""
    return not _missing(_driver(sr, problem), RECEIVE)


def _driver(sr: SR, problem: Problem) -> StorageDriver | None:
    return problem.pool.of_sr(sr.uuid).storage_drivers.get(sr.type)


def _missing(driver: StorageDriver | None, wanted: tuple[str, ...]) -> tuple[str, ...]:
    features = {feature.partition("/")[0] for feature in driver.features} if driver else set()
    received = {"VDI_MIRROR_IN"} if "VDI_MIRROR" in features else set()
    return tuple(feature for feature in wanted if feature not in features | received)
