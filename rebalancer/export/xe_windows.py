"""The change windows of a plan's policy as a check in shell: what run.sh asks before each step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rebalancer.plan import Plan, Step
from rebalancer.policy import change_windows

NO_WINDOW = "no change window is open long enough for the next step; ANY_TIME=yes does without windows"
WINDOW_CLOSED = 9
"""The exit code of `apply` there."""


def windows_in_shell(plan: Plan) -> str:
    """The function `within SECONDS`, which ends the script where no window leaves so long; "" without windows."""
    if not _bound(plan):
        return ""
    spans = "".join(
        f'  [ "$now" -ge {int(opens.timestamp())} ] && [ "$((now + $1))" -le {int(closes.timestamp())} ] && return 0\n'
        for opens, closes in _spans(plan)
    )
    return (
        "# within SECONDS: in UTC seconds, the windows in which the plan may be carried out before it expires\n"
        'within() {\n  [ "${ANY_TIME:-}" = yes ] && return 0\n  now=$(date +%s)\n'
        f"{spans}  printf 'stopped: %s\\n' '{NO_WINDOW}' >&2\n  exit {WINDOW_CLOSED}\n}}\n"
    )


def within_call(plan: Plan, step: Step) -> str:
    """What stands before *step* in the script: the check, and `; `; "" without windows."""
    return f"within {round(step.seconds)}; " if _bound(plan) else ""


def _bound(plan: Plan) -> bool:
    return bool(plan.policy.window or plan.policy.blackout)


def _spans(plan: Plan) -> Iterator[tuple[datetime, datetime]]:
    windows, opens = change_windows(plan.policy), plan.made_at
    while (opens := windows.opens_at(opens)) <= plan.expires_at:
        closes = windows.closes_at(opens) or plan.expires_at + timedelta(days=1)
        yield opens, closes
        opens = closes
