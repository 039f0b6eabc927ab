"""The nightly run: read, plan, write down, and carry out inside the change windows."""

from rebalancer.nightly.ending import FleetEnd, NightEnd
from rebalancer.nightly.keeping import HistoryKeeper, Keeper, ListKeeper
from rebalancer.nightly.members import KnownPool, keep_ahead, known_ahead, known_pool
from rebalancer.nightly.notify import told_for_a_test, told_of_night
from rebalancer.nightly.patience import patiently
from rebalancer.nightly.result import NightlyResult, Verdict
from rebalancer.nightly.run import Access, Watchers, access_of, plan_and_execute, plan_only
from rebalancer.nightly.textfile import assert_collectable, textfile, write_fleet_textfile, write_textfile

__all__ = [
    "Access",
    "FleetEnd",
    "HistoryKeeper",
    "Keeper",
    "KnownPool",
    "ListKeeper",
    "NightEnd",
    "NightlyResult",
    "Verdict",
    "Watchers",
    "access_of",
    "assert_collectable",
    "keep_ahead",
    "known_ahead",
    "known_pool",
    "patiently",
    "plan_and_execute",
    "plan_only",
    "textfile",
    "told_for_a_test",
    "told_of_night",
    "write_fleet_textfile",
    "write_textfile",
]
