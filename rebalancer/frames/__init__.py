"""Values as DataFrames, for notebooks and for whoever wants to count.

Units stand in the names of columns; `vm_uuid` and `host_uuid` are there to join on; a cell holds one value.
"""

from rebalancer.frames.forecasts import course_days_frame, runway_frame, vm_findings_frame
from rebalancer.frames.inventory import hosts_frame, vms_frame
from rebalancer.frames.loads import demand_frame, filling_frame, host_demand_frame, load_frame
from rebalancer.frames.planning import failures_frame, fit_frame, outcomes_frame, places_frame, prices_frame
from rebalancer.frames.plans import (
    change_frame,
    course_frame,
    left_frame,
    objectives_frame,
    placement_frame,
    steps_frame,
    tradeoff_frame,
)
from rebalancer.frames.replayed import replay_frame
from rebalancer.frames.rules import answers_frame, blocked_frame, legality_frame, refusals_frame, violations_frame
from rebalancer.frames.whatif import losses_frame, needed_frame, rolling_frame, room_frame, sleep_frame

__all__ = [
    "answers_frame",
    "blocked_frame",
    "change_frame",
    "course_days_frame",
    "course_frame",
    "demand_frame",
    "failures_frame",
    "filling_frame",
    "fit_frame",
    "host_demand_frame",
    "hosts_frame",
    "left_frame",
    "legality_frame",
    "load_frame",
    "losses_frame",
    "needed_frame",
    "objectives_frame",
    "outcomes_frame",
    "placement_frame",
    "places_frame",
    "prices_frame",
    "refusals_frame",
    "replay_frame",
    "rolling_frame",
    "room_frame",
    "runway_frame",
    "sleep_frame",
    "steps_frame",
    "tradeoff_frame",
    "violations_frame",
    "vm_findings_frame",
    "vms_frame",
]
