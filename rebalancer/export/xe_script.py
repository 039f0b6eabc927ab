"""run.sh: the plan as `xe` commands, for a pool where nothing may be installed.

Parameters as `xe` takes them: `vm-migrate uuid= host-uuid= live=true`, `vm-param-get uuid= param-name=`
(xen-api, ocaml/xapi-cli-server/cli_frontend.ml). Before each step it looks whether the VM runs where the plan expects
it, afterwards whether it arrived; else it stops, and says what to do next. Begun again, it passes over the steps whose
VM is where they lead. Every word from the pool is quoted. `xe` takes disks along only with the password of the pool on
its command line (`remote-password=`), which no script should ask for, and reaches one pool at a time: a way with such a
step, or in several pools, is not begun.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil

from rebalancer.export.xe_functions import FUNCTIONS, MAIN
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, Step
from rebalancer.policy import change_windows
from rebalancer.sanitise import one_line
from rebalancer.units import counted, interval_in_words, size_in_words

NO_WINDOW = "no change window is open long enough for the next step"
LATER = "sh run.sh in the next window makes the rest; ANY_TIME=yes does without windows"
BY_APPLY = "carry this plan out with rebalancer apply"
LEAST_LIMIT = 600
"""Seconds that xe has for a migration at least."""
SLOWER = 3
"""How many times longer than the longest that is expected it may take."""
WINDOW_CLOSED = 9
"""The exit code of `apply` there."""


def xe_script(plan: Plan) -> str:
    """A POSIX shell script that carries out *plan*, or with `back` its way back, one step after another.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> [line for line in rb.export.xe_script(plan).splitlines() if line.startswith("# for pool ")]
        ['# for pool simulated (d329d65c-0b35-41de-a50e-7b34a4aa07b4).']
    """
    bound = bool(plan.policy.window or plan.policy.blackout)
    forward, back = list(_ways(plan.steps)), [*_ways(plan.rollback, of=plan.steps), *_homeward(plan)]
    stay = [_tell(f"stays where it is: {each.name}: {each.words}") for each in plan.no_way_back]
    where = shlex.quote(f"run it on a host of pool {one_line(plan.made_from.called)} ({one_line(plan.made_from.pool)})")
    pool, expires = shlex.quote(plan.made_from.pool), int(plan.expires_at.timestamp())
    parts = (
        "#!/bin/sh",
        *_comments(plan),
        FUNCTIONS,
        *_names(plan),
        "",
        _windows_in_shell(plan) if bound else "within() { :; }\n",
        *_function("forward", forward, _refusal(plan, plan.steps)),
        "",
        *_function("back", [*back, *stay], _refusal(plan, plan.rollback)),
        "",
        MAIN.format(pool=pool, where=where, expires=expires),
    )
    return "\n".join(parts)


def _comments(plan: Plan) -> Iterator[str]:
    yield f"# Plan {one_line(plan.digest)}"
    pools = (f"{one_line(name)} ({one_line(uuid)})" for uuid, name in plan.made_from.pool_names.items())
    yield f"# for pool {' + '.join(pools)}."
    yield f"# {counted(len(plan.steps), 'step')}{_length(plan)}"
    yield "# Run it where xe reaches the coordinator:"
    yield "#   sh run.sh --dry-run   shows what it would do, and moves nothing"
    yield "#   sh run.sh             carries the plan out; begun again, it passes over what is done"
    yield "#   sh run.sh back        takes back what was moved (with --dry-run: shows it)"
    yield "# What it says stands in run.log beside it as well, or in the file that RUN_LOG names."
    yield "# It checks less than `rebalancer apply` does: where the VMs are, and what XAPI itself refuses."


def _length(plan: Plan) -> str:
    """How long the steps take one after another, which is longer than where several run at once."""
    if not plan.steps:
        return "."
    low, likely, high = (
        sum(getattr(step, key) for step in plan.steps) for key in ("seconds_low", "seconds", "seconds_high")
    )
    size = size_in_words(sum(step.copied_bytes for step in plan.steps))
    return f", one after another: {interval_in_words(low, likely, high)}, {size} to copy."


def _names(plan: Plan) -> Iterator[str]:
    """The function `named UUID`: what people call a VM or a host, and its uuid."""
    hosts = {row.uuid: row.name for row in plan.hosts}
    steps = (*plan.steps, *plan.rollback)
    vms = {step.vm: step.vm_name for step in steps}
    ends = {end: name for step in steps for end, name in _ends(step)}
    yield "# named UUID: what a VM or a host is called"
    yield "named() {"
    yield '  case "$1" in'
    for uuid, name in (ends | hosts | vms).items():
        if uuid != name:
            yield f"    {shlex.quote(uuid)}) printf '%s\\n' {shlex.quote(one_line(f'{name} ({uuid})'))} ;;"
    yield "    *) printf '%s\\n' \"$1\" ;;"
    yield "  esac"
    yield "}"


def _ends(step: Step) -> tuple[tuple[Uuid, str], ...]:
    return (step.source, step.source_name), (step.target, step.target_name)


def _function(name: str, calls: Sequence[str], refusal: str) -> Iterator[str]:
    """A function that makes *calls* one after another, or that stops with the words of a *refusal*."""
    done = "all of it is done" if name == "forward" else "what was moved is back"
    lines = [*calls, _tell(done)] if calls else [_tell("nothing to do")]
    yield f"{name}() {{"
    yield from (
        [f"  stop {shlex.quote(refusal)} {shlex.quote(BY_APPLY)}"] if refusal else (f"  {line}" for line in lines)
    )
    yield "}"


def _tell(words: str) -> str:
    return f"tell {shlex.quote(one_line(words))}"


def _refusal(plan: Plan, steps: Sequence[Step]) -> str:
    """Why *steps* are not begun: they are in pools that one `xe` does not reach, or take disks along; else empty."""
    if steps and plan.made_from.beside:
        return "this plan is for several pools, and xe reaches one"
    carrying = next((step for step in steps if step.disks), None)
    if carrying is None:
        return ""
    return one_line(f"{carrying.id} takes disks of {carrying.vm_name} along")


def _ways(steps: Sequence[Step], of: Sequence[Step] = ()) -> Iterator[str]:
    """The call of each of *steps*; where they take back those *of* a plan, from wherever these have brought the VM."""
    for place, step in enumerate(steps):
        done = _beyond(steps, place)
        stops = dict.fromkeys(end for each in of if each.vm == step.vm for end in (each.source, each.target))
        begins = [host for host in {step.source: None} | stops if host not in done]
        call = _call(step, begins, done)
        between = _until_home(steps, place)
        if between:
            all_made = " && ".join(" ".join(["made", *map(shlex.quote, words)]) for words in between)
            call = f"if {all_made}; then passed {shlex.quote(_words(step))}; else {call}; fi"
        yield call


def _beyond(steps: Sequence[Step], place: int) -> list[Uuid]:
    """Where the VM of a step is once it is made: on its target, or on that of a later step."""
    step = steps[place]
    return list(
        dict.fromkeys(each.target for each in steps[place:] if each.vm == step.vm and each.target != step.source)
    )


def _until_home(steps: Sequence[Step], place: int) -> list[tuple[Uuid, ...]]:
    """For a step whose VM returns to its source: the steps between, as VM and hosts, which tell whether it did."""
    step = steps[place]
    home = next((at for at in range(place + 1, len(steps)) if _returns(step, steps[at])), place)
    between = (at for at in range(place + 1, home) if steps[at].vm != step.vm)
    return [(steps[at].vm, *_beyond(steps, at)) for at in between]


def _returns(step: Step, later: Step) -> bool:
    return (later.vm, later.target) == (step.vm, step.source)


def _homeward(plan: Plan) -> Iterator[str]:
    """The calls that bring home who was only parked, and stayed there when the script stopped."""
    back = {step.vm for step in plan.rollback} | {each.uuid for each in plan.no_way_back}
    firsts = {step.vm: step for step in reversed(plan.steps)}
    for last in plan.steps:
        first = firsts[last.vm]
        if last.vm not in back and last.target == first.source:
            stops = dict.fromkeys(
                each.target for each in plan.steps if each.vm == last.vm and each.target != last.target
            )
            yield _call(last, list(stops), [last.target])


def _call(step: Step, begins: Sequence[Uuid], done: Sequence[Uuid]) -> str:
    lasts, limit = ceil(step.seconds), max(LEAST_LIMIT, ceil(SLOWER * step.seconds_high))
    words = (str(lasts), str(limit), _words(step), step.vm, step.target, *begins, "--", *done)
    return " ".join(["step", *map(shlex.quote, words)])


def _words(step: Step) -> str:
    return one_line(f"{step.id}: {step.vm_name} from {step.source_name} to {step.target_name}")


def _windows_in_shell(plan: Plan) -> str:
    """The function `within SECONDS`, which ends the script where no window leaves so long."""
    spans = "".join(
        f'  [ "$now" -ge {int(opens.timestamp())} ] && [ "$((now + $1))" -le {int(closes.timestamp())} ] && return 0\n'
        for opens, closes in _spans(plan)
    )
    return (
        "# within SECONDS: in UTC seconds, the windows in which the plan may be carried out before it expires\n"
        'within() {\n  [ "${ANY_TIME:-}" = yes ] && return 0\n  now=$(date +%s)\n'
        f"{spans}  tell 'stopped: {NO_WINDOW}' >&2\n  tell 'next: {LATER}' >&2\n  exit {WINDOW_CLOSED}\n}}\n"
    )


def _spans(plan: Plan) -> Iterator[tuple[datetime, datetime]]:
    windows, opens = change_windows(plan.policy), plan.made_at
    while (opens := windows.opens_at(opens)) <= plan.expires_at:
        closes = windows.closes_at(opens) or plan.expires_at + timedelta(days=1)
        yield opens, closes
        opens = closes
