"""What a good placement has little of: one objective a file, in real units."""

from rebalancer.objectives.balance import Balance, gaining
from rebalancer.objectives.base import Measure, Objective, SolverModel
from rebalancer.objectives.failures_lost import FailuresLost
from rebalancer.objectives.hosts_in_use import HostsInUse, hosts_in_use
from rebalancer.objectives.last_resort import LastResort
from rebalancer.objectives.levelling import Level, LowerPeak
from rebalancer.objectives.levels import Levels, levels_of, load_in_columns
from rebalancer.objectives.load import base_load, cpu_capacities, host_load, overload_limits
from rebalancer.objectives.load_cost import LoadCost
from rebalancer.objectives.migration_cost import MigrationCost
from rebalancer.objectives.moves import Moves
from rebalancer.objectives.outlay import Outlay
from rebalancer.objectives.overload import Overload
from rebalancer.objectives.peak import Peak
from rebalancer.objectives.repair import Repair
from rebalancer.objectives.spread import Spread
from rebalancer.tier import NEGLIGIBLE

OBJECTIVES: tuple[Objective, ...] = (
    Repair(),
    FailuresLost(),
    Balance(),
    LoadCost(),
    Overload(),
    MigrationCost(),
    Moves(),
    Outlay(),
    Peak(),
    Spread(),
    Level(),
    LowerPeak(),
    HostsInUse(),
    LastResort(),
)

__all__ = [
    "NEGLIGIBLE",
    "OBJECTIVES",
    "Balance",
    "FailuresLost",
    "HostsInUse",
    "LastResort",
    "Level",
    "Levels",
    "LoadCost",
    "LowerPeak",
    "Measure",
    "MigrationCost",
    "Moves",
    "Objective",
    "Outlay",
    "Overload",
    "Peak",
    "Repair",
    "SolverModel",
    "Spread",
    "base_load",
    "cpu_capacities",
    "gaining",
    "host_load",
    "hosts_in_use",
    "levels_of",
    "load_in_columns",
    "overload_limits",
]
