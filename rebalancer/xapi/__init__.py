"""Talking to a pool: reading it, fetching its metrics, migrating a VM. The only user of XenAPI.

- wire: how a host is reached, and what it may answer;
- reading: what is read of a pool, and of its hosts;
- power: what is done to hosts and VMs besides migrations, where a policy says so in words.

The modules beside it say what is asked and called.
"""

from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.live import LivePool, live_pool
from rebalancer.xapi.marks import TaskRow
from rebalancer.xapi.pair import LivePair
from rebalancer.xapi.patience import Patience
from rebalancer.xapi.reading.clocks import read_clocks
from rebalancer.xapi.reading.memory import GuestMemory
from rebalancer.xapi.reading.metrics import fetch_metrics, measure
from rebalancer.xapi.reading.read import read_pool
from rebalancer.xapi.roles import FEATURES, Feature, Permissions
from rebalancer.xapi.session import ReadSession, connect
from rebalancer.xapi.shown import Shown, shown_by
from rebalancer.xapi.values import MetricsFailure, News, StorageMotion, TaskState, TaskStatus, Whereabouts
from rebalancer.xapi.wire.trust import Trust

__all__ = [
    "FEATURES",
    "Credentials",
    "Feature",
    "GuestMemory",
    "LivePair",
    "LivePool",
    "MetricsFailure",
    "News",
    "Patience",
    "Permissions",
    "ReadSession",
    "Shown",
    "StorageMotion",
    "TaskRow",
    "TaskState",
    "TaskStatus",
    "Trust",
    "Whereabouts",
    "connect",
    "fetch_metrics",
    "live_pool",
    "measure",
    "read_clocks",
    "read_pool",
    "shown_by",
]
