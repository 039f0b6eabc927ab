"""Rehearsing a plan: it is carried out against a simulated pool that is like the real one, again and again.

The pool is made from an inventory, and lives in a time of its own, in which an hour takes moments; what carries the
plan out is the executor, and what it asks with is the product's own client. Chance decides how long steps
take, and what goes wrong.
"""

from rebalancer.rehearse.rehearsal import ByFault, Rehearsal, RunSeconds, rehearse
from rebalancer.rehearse.snapshots import snapshot_beside, snapshot_of
from rebalancer.rehearse.take import FinalPlace, RunEnd, Take, WayBack

__all__ = [
    "ByFault",
    "FinalPlace",
    "Rehearsal",
    "RunEnd",
    "RunSeconds",
    "Take",
    "WayBack",
    "rehearse",
    "snapshot_beside",
    "snapshot_of",
]
