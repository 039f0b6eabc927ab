"""A plan's run.sh in a folder, with an `xe` that plays the pool and can be put out of order."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rebalancer.export import xe_script
from rebalancer.plan import Plan, sealed
from tests.plan.made import goal_of, plan_of, swap

HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\ntouch pwned\n",
    "a\rtouch pwned",
    "\\'; touch pwned #",
    "*",
    "-rf",
    "a\u202etouch pwned",
    "a | b & touch pwned",
]


XE = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$LOG"
arguments=$*
value() { for each in $arguments; do case "$each" in "$1"=*) echo "${each#*=}" ;; esac; done; }
arrive() { value host-uuid > "$POOL/$(value uuid).resident-on"; }
case "$1" in
  pool-list) cat "$POOL/uuid" ;;
  vm-param-get) cat "$POOL/$(value uuid).$(value param-name)" ;;
  vm-migrate)
    fault=
    [ "$(cat "$POOL/fault.step" 2>/dev/null)" != "$(grep -c ^vm-migrate "$LOG")" ] || fault=$(cat "$POOL/fault")
    case "$fault" in
      refuses) echo 'The server failed to handle your request' >&2; exit 1 ;;
      halts) echo halted > "$POOL/$(value uuid).power-state"; echo 'The VM is halted' >&2; exit 1 ;;
      hangs) echo pool_migrate > "$POOL/$(value uuid).current-operations"; touch "$POOL/hung" ;;
      deaf) ;;
      loses) arrive; echo 'You lost the connection' >&2; exit 1 ;;
      *) arrive ;;
    esac ;;
esac
"""
TIMEOUT = """\
#!/bin/sh
shift
"$@" || exit
[ ! -e "$POOL/hung" ] || { rm "$POOL/hung"; exit 124; }
"""
"""Without a clock: `xe` tells when it hangs."""

GOAL = {"big": "h2", "small": "h1"}
START = {"big": "h1", "small": "h2"}


def swap_plan() -> Plan:
    """Three steps, valid now by the shell's clock: big and small change their hosts, and small is parked on h3."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    return sealed(replace(plan, expires_at=datetime.now(UTC) + timedelta(hours=1)))


def parked() -> Plan:
    """Small is parked while big leaves, and comes home again: its first step begins where its last one ends."""
    plan = swap_plan()
    out, away, home = plan.steps
    home = replace(home, target=out.source, target_name=out.source_name)
    return sealed(replace(plan, steps=(out, away, home), rollback=plan.rollback[1:2]))


def named(plan: Plan, name: str) -> Plan:
    """The plan with *name* wherever the pool names anything."""
    steps = tuple(replace(step, vm_name=name, source_name=name, target_name=name, why=name) for step in plan.steps)
    hosts = tuple(replace(row, name=name) for row in plan.hosts)
    made_from = replace(plan.made_from, pool_name=name)
    return sealed(
        replace(plan, steps=steps, hosts=hosts, made_from=made_from, summary=name, warnings=(name,), rollback=())
    )


class Shell:
    """A folder with a plan's script and an `xe` that plays the pool of `swap`."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        (folder / "run.sh").write_text(xe_script(plan))
        (folder / "bin").mkdir()
        for name, script in {"xe": XE, "timeout": TIMEOUT, "sleep": "#!/bin/sh\n"}.items():
            (folder / "bin" / name).write_text(script)
            (folder / "bin" / name).chmod(0o755)
        (folder / "uuid").write_text("pool\n")
        self.place({"big": "h1", "small": "h2"})

    def place(self, placement: Mapping[str, str]) -> None:
        """Let VMs run somewhere, with nothing under way."""
        for vm, host in placement.items():
            (self.folder / f"{vm}.resident-on").write_text(f"{host}\n")
            (self.folder / f"{vm}.power-state").write_text("running\n")
            (self.folder / f"{vm}.current-operations").write_text("")

    @property
    def placement(self) -> dict[str, str]:
        """Where the VMs are."""
        return {vm: (self.folder / f"{vm}.resident-on").read_text().strip() for vm in ("big", "small")}

    def fail(self, kind: str, at: int) -> None:
        """Let the migration of that number go wrong, counted from the first that `xe` ever heard of."""
        (self.folder / "fault").write_text(kind)
        (self.folder / "fault.step").write_text(str(at))

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, "LOG": str(self.folder / "heard"), "POOL": str(self.folder), **variables}
        return subprocess.run(
            ["sh", "run.sh", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def migrations(self) -> list[str]:
        """The migrations that were asked for, as xe heard them."""
        heard = self.folder / "heard"
        lines = heard.read_text().splitlines() if heard.exists() else []
        return [line for line in lines if line.startswith("vm-migrate")]
