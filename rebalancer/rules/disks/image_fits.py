"""Disks fit the image formats of the SRs that they go to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from rebalancer.inventory import SR, VDI, VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.disk_maps import following, moving
from rebalancer.units import GIB, size_in_words

VHD_BYTES: Final = 2040 * GIB
"""What a VHD holds, the least of all formats: a disk that is no larger fits any."""
MOST_BYTES: Final[Mapping[str, int]] = {"vhd": VHD_BYTES, "qcow2": 16_381 * GIB, "raw": 1 << 60}
UNSAID: Final[Mapping[str, tuple[str, ...]]] = {"gfs2": ("qcow2",)}
"""What SRs hold whose drivers do not say it, as none does before XAPI 26.15; all others hold VHDs."""


class ImageFits(DiskRule):
    """The new SR chooses the format by itself and converts; XAPI does not look, so the copy would fail when it begins.

    Its driver says which formats it can, and the coordinator's PBD which of them it shall.
    """

    id = "image-fits"
    sentence = "Every disk that changes its SR fits an image format of the new SR: a VHD has at most 2040 GiB."
    source = "sm: vhdutil.validate_and_round_vhd_size; XCP-ng manual, QCOW2 FAQ: storage migration scenarios"
    origin = Origin.XAPI
    code = "SR_BACKEND_FAILURE_79"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """A disk that is larger than any of them."""
        for disk, words, sr in _arriving(vm, host, disks, problem):
            can = _formats(sr, problem)
            shall = problem.index.image_formats.get(sr.uuid, frozenset(can))
            if _fits(disk, shall.intersection(can)):
                continue
            name = problem.names.srs[sr.uuid]
            size = f"{words} has {size_in_words(disk.virtual_size_bytes)}, and SR '{name}'"
            if not _fits(disk, can):
                return self.objection(f"{size} takes {_told(can)}")
            more = next(each for each in can if _fits(disk, {each}))
            remedy = f"add {more} to the preferred-image-formats of SR '{name}'"
            said = f"{size} is set to take {_told(shall.intersection(can))}"
            return self.objection(said, remedy=remedy, disruption=Disruption.POOL)
        return None


def _arriving(vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Iterator[tuple[VDI, str, SR]]:
    """The VM's disks and those of its snapshots, with words for each and the SR that they come to."""
    for disk, sr in moving(disks, problem):
        if sr is not None:
            yield disk, f"its disk '{disk.name}'", sr
    for each in following(vm, host, disks, problem):
        sr = problem.pool.srs.get(each.target or "")
        if sr is not None:
            yield each.disk, each.words, sr


def _formats(sr: SR, problem: Problem) -> tuple[str, ...]:
    driver = problem.pool.of_sr(sr.uuid).storage_drivers.get(sr.type)
    return (driver.supported_image_formats if driver else ()) or UNSAID.get(sr.type, ("vhd",))


def _fits(disk: VDI, formats: Collection[str]) -> bool:
    return any(disk.virtual_size_bytes <= MOST_BYTES.get(each, VHD_BYTES) for each in formats)


def _told(formats: Collection[str]) -> str:
    """Formats in words, each with its limit."""
    limits = ((each, MOST_BYTES.get(each, VHD_BYTES)) for each in sorted(formats))
    told = (f"{each} of at most {size_in_words(most)}" for each, most in limits)
    return f"{', '.join(told)} only" if formats else "no format that it can"
