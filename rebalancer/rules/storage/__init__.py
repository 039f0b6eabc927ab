"""Storage XenMotion: a VM that takes disks along to other SRs, some of them inside its pool, all to another pool."""

from rebalancer.rules.storage.base import DiskRule, DiskTargets, unseen_cds, whole_map
from rebalancer.rules.storage.catalogue import STORAGE_DOCUMENTED, STORAGE_MOTION, STORAGE_OPERATION, STORAGE_WANTED
from rebalancer.rules.storage.crossing.catalogue import CROSSING_DISKS, CROSSING_MOTION
from rebalancer.rules.storage.crossing.counterparts import crosses
from rebalancer.rules.storage.crossing.interfaces import interfaces, network_map
from rebalancer.rules.storage.let_disks_go import ALLOW, LetDisksGo
from rebalancer.rules.storage.sizes import disk_sizes
from rebalancer.rules.storage.verdict import StorageVerdicts
from rebalancer.rules.storage.ways import Carried, Way, Ways

__all__ = [
    "ALLOW",
    "CROSSING_DISKS",
    "CROSSING_MOTION",
    "STORAGE_DOCUMENTED",
    "STORAGE_MOTION",
    "STORAGE_OPERATION",
    "STORAGE_WANTED",
    "Carried",
    "DiskRule",
    "DiskTargets",
    "LetDisksGo",
    "StorageVerdicts",
    "Way",
    "Ways",
    "crosses",
    "disk_sizes",
    "interfaces",
    "network_map",
    "unseen_cds",
    "whole_map",
]
