"""Storage XenMotion inside a pool: a VM that takes disks along to other SRs."""

from rebalancer.rules.storage.base import DiskRule, DiskTargets, unseen_cds, whole_map
from rebalancer.rules.storage.catalogue import STORAGE_DOCUMENTED, STORAGE_MOTION, STORAGE_OPERATION, STORAGE_WANTED
from rebalancer.rules.storage.sizes import disk_sizes
from rebalancer.rules.storage.verdict import StorageVerdicts
from rebalancer.rules.storage.ways import Carried, Way, Ways

__all__ = [
    "STORAGE_DOCUMENTED",
    "STORAGE_MOTION",
    "STORAGE_OPERATION",
    "STORAGE_WANTED",
    "Carried",
    "DiskRule",
    "DiskTargets",
    "StorageVerdicts",
    "Way",
    "Ways",
    "disk_sizes",
    "unseen_cds",
    "whole_map",
]
