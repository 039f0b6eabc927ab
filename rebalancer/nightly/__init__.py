"""The nightly run: read, plan, write down, and carry out inside the change windows."""

from rebalancer.nightly.access import Access, access_of
from rebalancer.nightly.result import NightlyResult, Verdict
from rebalancer.nightly.run import Watchers, plan_and_execute, plan_folder, plan_only

__all__ = [
    "Access",
    "NightlyResult",
    "Verdict",
    "Watchers",
    "access_of",
    "plan_and_execute",
    "plan_folder",
    "plan_only",
]
