"""Snapshots: a pool at one moment, with its load profile, in a file."""

from rebalancer.snapshot.document import FORMAT, read_snapshot, snapshot_in, write_snapshot
from rebalancer.snapshot.snapshot import Snapshot

__all__ = ["FORMAT", "Snapshot", "read_snapshot", "snapshot_in", "write_snapshot"]
