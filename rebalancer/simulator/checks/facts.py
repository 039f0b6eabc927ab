"""What several checks read: domain type, tri-state flags, whether a pool is being upgraded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL

HARDWARE_VIRTUAL = {"hvm", "pvh", "pv_in_pvh"}
ENABLED_WHEN_UNKNOWN = {"xen_motion"}


def pool_of(database: Database) -> Record:
    """The record of the pool."""
    return next(record for _, record in database.items("pool"))


def is_upgrading(database: Database) -> bool:
    """Whether the pool is in a rolling upgrade: xapi marks it in pool.other_config."""
    return "rolling_upgrade_in_progress" in pool_of(database)["other_config"]


def is_true(text: str | None) -> bool:
    """Whether a flag is set, as xapi reads it: true or 1, in any case."""
    return (text or "").lower() in {"true", "1"}


def is_live(database: Database, host: Record) -> bool:
    """Whether a host is live by its metrics; without metrics it is not."""
    metrics = database.find("host_metrics", host["metrics"])
    return metrics is not None and bool(metrics["live"])


def domain_type(database: Database, vm: Record) -> str:
    """How a VM runs, or would run if it does not; HANDLE_INVALID for a VM with a domain but no metrics."""
    if vm["power_state"] == "Halted":
        return configured_domain_type(vm)
    return _specified(str(database.get("VM_metrics", vm["metrics"])["current_domain_type"]))


def configured_domain_type(vm: Record) -> str:
    """How a VM runs from its next boot on."""
    return _specified(str(vm["domain_type"]))


def _specified(kind: str) -> str:
    if kind == "unspecified":
        raise ApiFailure("INTERNAL_ERROR", "unspecified domain type")
    return kind


def discs_of(database: Database, vm: Record) -> Iterator[tuple[str, Record]]:
    """Iterate over (ref, VDI) in every drive that is not empty, disks, CDs and floppies alike.

    Raises:
        ApiFailure: HANDLE_INVALID [VDI, ref] for a drive that is not empty, and leads to no disc.
    """
    for vbd in members_of(database, "VBD", vm["VBDs"]):
        if not vbd["empty"]:
            yield vbd["VDI"], database.get("VDI", vbd["VDI"])


def is_restricted(database: Database, feature: str) -> bool:
    """Whether the licence of the pool holds back a feature, as with most that it does not name (features.ml)."""
    restrictions: Mapping[str, str] = pool_of(database)["restrictions"]
    said = restrictions.get(f"restrict_{feature}")
    return said == "true" if feature in ENABLED_WHEN_UNKNOWN else said != "false"


def members_of(database: Database, cls: str, refs: list[str]) -> list[Record]:
    """The records of refs that exist."""
    return [record for ref in refs if ref != NULL and (record := database.find(cls, ref)) is not None]
