"""The pool as frozen values: what hosts, VMs, disks and networks there are, and where they are now."""

from rebalancer.inventory.host import PBD, PGPU, PIF, Host
from rebalancer.inventory.index import PoolIndex
from rebalancer.inventory.joined import JoinedPool, join_pools, names_of
from rebalancer.inventory.names import Names, told_apart
from rebalancer.inventory.pool import HighAvailability, Network, Pool, VMGroup
from rebalancer.inventory.records import Records, pool_from_records
from rebalancer.inventory.references import DANGLING, Uuid, uuid_apart, xapi_uuid
from rebalancer.inventory.storage import SR, VDI, StorageDriver
from rebalancer.inventory.vm import (
    VBD,
    VGPU,
    VIF,
    VM,
    DomainType,
    GuestMetrics,
    MemoryRange,
    PowerState,
    VBDType,
    VMMetrics,
)

__all__ = [
    "DANGLING",
    "PBD",
    "PGPU",
    "PIF",
    "SR",
    "VBD",
    "VDI",
    "VGPU",
    "VIF",
    "VM",
    "DomainType",
    "GuestMetrics",
    "HighAvailability",
    "Host",
    "JoinedPool",
    "MemoryRange",
    "Names",
    "Network",
    "Pool",
    "PoolIndex",
    "PowerState",
    "Records",
    "StorageDriver",
    "Uuid",
    "VBDType",
    "VMGroup",
    "VMMetrics",
    "join_pools",
    "names_of",
    "pool_from_records",
    "told_apart",
    "uuid_apart",
    "xapi_uuid",
]
