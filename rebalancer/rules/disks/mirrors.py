"""The mirror of a disk begins with a snapshot on its old SR, which SM does not take of every disk."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from rebalancer.inventory import SR, VDI, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import moving
from rebalancer.units import size_in_words

LONGEST: Final = 30
"""Images in a chain, one on top of the other; SM puts no more onto that many."""
RAW: Final = frozenset({("type", "raw"), ("vdi_type", "aio"), ("image-format", "raw")})
"""How drivers mark disks without an image in `VDI.sm_config`: those of LVM, of files, of XCP-ng since QCOW2."""


class NotRaw(DiskRule):
    """Disks of snapshots are copied without a mirror."""

    id = "not-raw"
    sentence = "No disk that changes its SR is raw: SM takes snapshots of images only."
    source = "sm: LVHDSR.py, LVHDVDI._snapshot; FileSR.py, FileVDI._do_snapshot"
    origin = Origin.XAPI
    code = "SR_BACKEND_FAILURE_38"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that is not an image."""
        raw = [disk for disk, _ in moving(disks, problem) if RAW.intersection(disk.sm_config.items())]
        return self.objection(f"its disk '{raw[0].name}' is raw, no image, and cannot be mirrored") if raw else None


class ShortChain(DiskRule):
    """Snapshots that were deleted stay in the chain until SM has coalesced it."""

    id = "short-chain"
    sentence = "No disk that changes its SR stands on a chain of 30 images: the mirror would add one."
    source = "sm: vhdutil.MAX_CHAIN_SIZE, SnapshotChainTooLong"
    origin = Origin.XAPI
    code = "SR_BACKEND_FAILURE_109"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk whose chain is full."""
        for disk, _ in moving(disks, problem):
            if _is_full(disk, problem):
                words = f"its disk '{disk.name}' stands on a chain of {LONGEST} images, which takes no further snapshot"
                remedy = "delete snapshots, and wait until the chain is coalesced"
                return self.objection(words, remedy=remedy, disruption=Disruption.POLICY)
        return None


def _is_full(disk: VDI, problem: Problem) -> bool:
    """Whether the chain of *disk*, itself included, is as long as chains are; one that ends in nothing known is not."""
    image: VDI | None = disk
    for _ in range(1, LONGEST):
        parent = image.sm_config.get("vhd-parent") if image else None
        if parent is None:
            return False
        image = problem.pool.vdis.get(parent)
    return True


class SpaceOnSource(DiskRule):
    """Thick SRs give a snapshot what is written of its disk, and the disk its full size again.

    XAPI fails with SR_SOURCE_SPACE_INSUFFICIENT when the copy begins. How much is written the database does not say,
    so that it counts in full.
    """

    id = "space-on-source"
    sentence = "A thick SR (LVM) that disks leave has free space for a snapshot of each, in full."
    source = "XenServer 6.2 administrator's guide, 5.2: LVM-based VHDs stay fully inflated; sm: LVHDVDI._snapshot"
    origin = Origin.MANUAL

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An SR with less."""
        need = defaultdict[Uuid, int](int)
        for disk, _ in moving(disks, problem):
            need[disk.sr] += disk.virtual_size_bytes
        for uuid, wanted in need.items():
            sr = problem.pool.srs.get(uuid)
            free = max(0, sr.physical_size_bytes - sr.physical_utilisation_bytes) if sr else 0
            if sr and _is_thick(sr) and wanted > free:
                words = (
                    f"the mirror needs {size_in_words(wanted)} on SR '{problem.names.srs[sr.uuid]}', which it leaves"
                )
                return self.objection(f"{words} and which has {size_in_words(free)} free")
        return None


def _is_thick(sr: SR) -> bool:
    return sr.type.startswith("lvm") and not sr.thin
