"""CPU seconds of commands on a simulated pool: `python -m benchmarks.commands [HOSTS VMS]`.

Each command runs in a process of its own on a snapshot of `generate_pool(hosts=HOSTS, vms=VMS, seed=7)`. It is CPU time
that counts: what the clock says depends on who else is busy.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import rebalancer as rb
from rebalancer.simulator import Simulator, generate_pool

SEED = 7


def measured(*arguments: str) -> float:
    """User CPU seconds of a command; it has to end well."""
    command = [sys.executable, "-m", "rebalancer", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {running.returncode}")
    return usage.ru_utime


def main(arguments: list[str] | None = None) -> int:
    """Take a snapshot, run the commands on it, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.add_argument("hosts", nargs="?", type=int, default=64)
    parser.add_argument("vms", nargs="?", type=int, default=1500)
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        pool, plan = str(Path(folder) / "pool.json.gz"), str(Path(folder) / "plan")
        simulated = generate_pool(hosts=chosen.hosts, vms=chosen.vms, seed=SEED)
        keys = rb.Credentials(user="root", password=secrets.token_urlsafe())
        with Simulator(simulated, password=keys.password, login_delay=0.0) as running:
            rb.read(running.url, keys).save(pool)
        for asked in (("plan", pool, "--output", plan), ("verify", plan, pool), ("check", pool), ("show", plan)):
            print(f"{asked[0]:8} {measured(*asked):6.2f} CPU s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
