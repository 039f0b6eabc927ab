"""The layouts that XenCenter brings along (`ReportViewer/*.rdlc`): the columns that each reads, and words of its page.

Names are those of XenCenter's layouts; the words are ours, in English.
"""

from __future__ import annotations

from typing import Final

from rebalancer.wlb.reports.dataset import Layout

LEVELS: Final = ("critical", "high", "medium", "low")
FOOTER: Final = {"LBL_FOOTER_LEFT": "{0}, {1} to {2}", "LBL_FOOTER_PAGE": "Page {0} of {1}"}
WHEN: Final = {"day": "time", "hour": "text", "hostid": "whole", "name": "text", "start_time": "time"}
MEASURED: Final = {
    "avg_total_cpu": "number",
    "avg_free_mem": "bytes",
    "avg_total_pif_read_per_sec": "number",
    "avg_total_pif_write_per_sec": "number",
}
THRESHOLDS: Final = {
    f"host_{of}_threshold_{level}": "number" if of == "cpu" else "bytes"
    for of in ("cpu", "memory", "net_read", "net_write")
    for level in LEVELS
}
AVERAGES: Final = {
    "LBL_AVERAGE_CPU_USAGE": "Average CPU usage",
    "LBL_AVERAGE_FREE_MEMORY": "Average free memory",
    "LBL_AVERAGE_NETWORK_READS": "Average network reads",
    "LBL_AVERAGE_NETWORK_WRITES": "Average network writes",
    "LBL_AVG_CPU_USAGE": "CPU usage",
    "LBL_AVG_CPU_USAGE_PERCENT": "CPU usage (%)",
    "LBL_AVG_FREE_MEMORY": "Free memory",
    "LBL_AVG_FREE_MEMORY_MB": "Free memory (MB)",
    "LBL_AVG_NETWORK_READS": "Network reads",
    "LBL_AVG_NETWORK_WRITES": "Network writes",
    "LBL_AVG_BYTES_PER_SECOND": "Bytes per second",
    **FOOTER,
}
OVER_TIME: Final = {
    **AVERAGES,
    "LBL_AVG_CRIT_THRESH": "Critical",
    "LBL_AVG_HIGH_THRESH": "High",
    "LBL_AVG_MED_THRESH": "Medium",
    "LBL_AVG_LOW_THRESH": "Low",
    "LBL_CLICK_GROUPBY_DAY": "Click to group by day",
    "LBL_CLICK_GROUPBY_HOUR": "Click to group by hour",
}
POOL_HEALTH: Final = Layout(
    columns={
        "hostid": "whole",
        "name": "text",
        "uuid": "text",
        "start_time": "time",
        **dict.fromkeys(THRESHOLDS, "number"),
        **{f"{of}_{level}": "number" for of in ("cpu", "network_reads", "network_writes") for level in LEVELS},
        **{f"memory_{level}": "bytes" for level in LEVELS},
        **{f"{of}_threshold_percent": "text" for of in ("cpu", "memory", "network_read", "network_write")},
    },
    words={
        "LBL_POOL_HEALTH": "Pool health",
        "LBL_HOST_HEALTH": "Host health",
        "LBL_HOST": "Host",
        "LBL_CPU_USAGE": "CPU usage",
        "LBL_MEMORY_USAGE": "Memory usage",
        "LBL_NETWORK_READS": "Network reads",
        "LBL_NETWORK_WRITES": "Network writes",
        "LBL_AVG_CRIT_THRESH_PERCENT": "Critical (% of hours)",
        "LBL_AVG_HIGH_THRESH_PERCENT": "High (% of hours)",
        "LBL_AVG_MED_THRESH_PERCENT": "Medium (% of hours)",
        "LBL_AVG_LOW_THRESH_PERCENT": "Low (% of hours)",
        **FOOTER,
    },
)
HOST_HEALTH_HISTORY: Final = Layout(
    columns={**WHEN, **THRESHOLDS, **MEASURED}, words={"LBL_HOST_HEALTH_HISTORY": "Host health history", **OVER_TIME}
)
POOL_HEALTH_HISTORY: Final = Layout(
    columns={**WHEN, **THRESHOLDS, **MEASURED}, words={"LBL_POOL_HEALTH_HISTORY": "Pool health history", **OVER_TIME}
)
OPTIMISATION_HISTORY: Final = Layout(
    columns={**WHEN, **MEASURED, "optimized_moves": "whole"},
    words={
        "LBL_POOL_OPT_PERF_HISTORY": "Optimisation history",
        "LBL_OPTIMIZATION_EVENT": "Moves were made",
        **AVERAGES,
    },
)
MOTION_HISTORY: Final = Layout(
    columns={
        "day": "time",
        "hour": "text",
        "id": "whole",
        "vmname": "text",
        "to_hostname": "text",
        "from_hostname": "text",
        "recommendation_id": "whole",
        "reason": "whole",
        "move_time": "time",
    },
    words={
        "LBL_VM_MOTION_HISTORY": "Motion history",
        "LBL_DATE": "Date",
        "LBL_TIME": "Time",
        "LBL_VM_NAME": "VM",
        "LBL_FROM_HOST": "From",
        "LBL_TO_HOST": "To",
        "LBL_REASON": "Reason",
        "LBL_OPTIMIZATION": "By a plan",
        "LBL_TOTAL_VM_MOVES": "Moves",
        **FOOTER,
    },
)
