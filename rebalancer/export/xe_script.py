"""run.sh: the plan as `xe` commands, for a pool where nothing may be installed.

Parameters as `xe` takes them: `vm-migrate uuid= host-uuid= live=true`, `vm-param-get uuid= param-name=`
(xen-api, ocaml/xapi-cli-server/cli_frontend.ml). Before each step it looks whether the VM runs where the plan expects
it, afterwards whether it arrived; else it stops. Every word from the pool is quoted. `xe` takes disks along only with
the password of the pool on its command line (`remote-password=`), which no script should ask for, and reaches one pool
at a time: a way with such a step, or in several pools, is not begun.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rebalancer.plan import Plan, Step
from rebalancer.policy import change_windows
from rebalancer.sanitise import one_line

FUNCTIONS = """\
set -eu

stop() {
  printf 'stopped: %s\\n' "$1" >&2
  exit 5
}

where() {
  xe vm-param-get uuid="$1" param-name=resident-on
}

# step WORDS VM SOURCE TARGET (uuids)
step() {
  printf '%s\\n' "$1"
  state=$(xe vm-param-get uuid="$2" param-name=power-state)
  [ "$state" = running ] || stop "VM $2 is $state, not running"
  here=$(where "$2")
  [ "$here" = "$3" ] || stop "VM $2 is on host $here, not on $3"
  xe vm-migrate uuid="$2" host-uuid="$4" live=true
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    here=$(where "$2")
    [ "$here" = "$4" ] && return 0
    sleep 3
  done
  stop "VM $2 is on host $here, not on $4, although xe reported no error"
}
"""

CHECKS = """\
[ "$(xe pool-list params=uuid --minimal)" = {pool} ] || stop 'this is another pool'

case "${{1:-forward}}" in
  forward)
    [ "$(date +%s)" -le {expires} ] || stop 'the plan has expired: make a new one'
    forward
    ;;
  back) back ;;
  *) stop 'usage: run.sh [forward | back]' ;;
esac
"""

NO_WINDOW = "no change window is open long enough for the next step; ANY_TIME=yes does without windows"
WINDOW_CLOSED = 9
"""The exit code of `apply` there."""


def xe_script(plan: Plan) -> str:
    """A POSIX shell script that carries out *plan*, or with `back` its way back, one step after another."""
    bound = bool(plan.policy.window or plan.policy.blackout)
    forward = [(f"within {round(step.seconds)}; " if bound else "") + _call(step) for step in plan.steps]
    checks = CHECKS.format(pool=shlex.quote(plan.made_from.pool), expires=int(plan.expires_at.timestamp()))
    parts = (
        "#!/bin/sh",
        *_comments(plan),
        FUNCTIONS,
        *([_windows_in_shell(plan)] if bound else []),
        *_function("forward", forward, _refusal(plan, plan.steps)),
        "",
        *_function("back", [_call(step) for step in plan.rollback], _refusal(plan, plan.rollback)),
        "",
        checks,
    )
    return "\n".join(parts)


def _comments(plan: Plan) -> Iterator[str]:
    yield f"# Plan {one_line(plan.digest)}"
    pools = (f"{one_line(name)} ({one_line(uuid)})" for uuid, name in plan.made_from.pool_names.items())
    yield f"# for pool {' + '.join(pools)}."
    yield f"# {one_line(plan.summary)}"
    yield "# Run it where xe reaches the coordinator: `sh run.sh`, or `sh run.sh back` to undo it."
    yield "# It checks less than `rebalancer apply` does: where the VMs are, and what XAPI itself refuses."


def _function(name: str, calls: Sequence[str], refusal: str) -> Iterator[str]:
    """A function that makes *calls* one after another, or that stops with the words of a *refusal*."""
    yield f"{name}() {{"
    yield from [f"  stop {shlex.quote(refusal)}"] if refusal else (f"  {call}" for call in calls)
    if not calls:
        yield "  echo 'nothing to do'"
    yield "}"


def _refusal(plan: Plan, steps: Sequence[Step]) -> str:
    """Why *steps* are not begun: they are in pools that one `xe` does not reach, or take disks along; else empty."""
    if steps and plan.made_from.beside:
        return "this plan is for several pools: carry it out with rebalancer apply"
    carrying = next((step for step in steps if step.disks), None)
    if carrying is None:
        return ""
    return one_line(f"{carrying.id} takes disks of {carrying.vm_name} along: carry this plan out with rebalancer apply")


def _call(step: Step) -> str:
    words = one_line(f"{step.id}: {step.vm_name} from {step.source_name} to {step.target_name}")
    return " ".join(["step", *map(shlex.quote, (words, step.vm, step.source, step.target))])


def _windows_in_shell(plan: Plan) -> str:
    """The function `within SECONDS`, which ends the script where no window leaves so long."""
    spans = "".join(
        f'  [ "$now" -ge {int(opens.timestamp())} ] && [ "$((now + $1))" -le {int(closes.timestamp())} ] && return 0\n'
        for opens, closes in _spans(plan)
    )
    return (
        "# within SECONDS: in UTC seconds, the windows in which the plan may be carried out before it expires\n"
        'within() {\n  [ "${ANY_TIME:-}" = yes ] && return 0\n  now=$(date +%s)\n'
        f"{spans}  printf 'stopped: %s\\n' '{NO_WINDOW}' >&2\n  exit {WINDOW_CLOSED}\n}}\n"
    )


def _spans(plan: Plan) -> Iterator[tuple[datetime, datetime]]:
    windows, opens = change_windows(plan.policy), plan.made_at
    while (opens := windows.opens_at(opens)) <= plan.expires_at:
        closes = windows.closes_at(opens) or plan.expires_at + timedelta(days=1)
        yield opens, closes
        opens = closes
