"""What each exit code means, as docs/cli.md says it."""

from __future__ import annotations

from rebalancer.cli.exits import Exit

MEANINGS = {
    Exit.DONE: "done, or nothing to do",
    Exit.ERROR: "an error: bad input, no connection, another run holds the lock",
    Exit.HAS_STEPS: "the plan has steps, or `diff` found a difference (only with `--detailed-exitcode`)",
    Exit.INFEASIBLE: (
        "no placement satisfies the hard rules, no legal order leads to it, or the plan moves more VMs than "
        "`limits.sanity_share` lets pass"
    ),
    Exit.STALE: "the pool is no longer what the plan was made for, or the plan is not legal, or not as it was written",
    Exit.STOPPED: "stopped half-way: people have to look",
    Exit.METRICS_REFUSED: "the metrics are not good enough to plan on",
    Exit.INCOMPLETE: (
        "the plan is a legal part of a better one, or `limits` cut it (only with `--detailed-exitcode`); `rolling`: "
        "hosts that cannot be emptied are not planned"
    ),
    Exit.NOT_APPROVED: "the plan lacks a valid approval",
    Exit.LATER: (
        "`apply`: steps are left for later: no change window is open, or none long enough, their VMs are blocked or "
        "busy, or failed to move, the pool is on hold or changed meanwhile, or a host is busier than predicted"
    ),
}
