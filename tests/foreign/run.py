"""Let programs that others wrote try the simulator: python -m tests.foreign.run, after npm ci in this folder."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rebalancer.simulator import Simulator, demo_pool
from tests.foreign import guest_info

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "foreign"


def main() -> int:
    """Run every client over HTTP and HTTPS, and return 0 when all are content."""
    for tls in (False, True):
        with Simulator(demo_pool(), speed=30.0, tls=tls, password=PASSWORD) as simulator:
            node("client.mjs", simulator.url)
            python("exporter.py", simulator.url)
            if not tls:
                ask_ansible(simulator)
        for generation in ("8.2", "24.11"):
            with at_its_own_port(tls=tls, generation=generation) as url:
                if url:
                    node("statistics.mjs", url)
    return 0


@contextmanager
def at_its_own_port(*, tls: bool, generation: str) -> Iterator[str]:
    """A simulator at port 80 or 443, its URL; an empty one, and the reason told, where that may not be served."""
    simulator = Simulator(demo_pool(), port=443 if tls else 80, tls=tls, password=PASSWORD, rrd_generation=generation)
    try:
        simulator.start()
    except OSError as error:
        say(f"Skipped: statistics need port {443 if tls else 80}: {error.strerror}.")
        yield ""
        return
    try:
        yield simulator.url
    finally:
        simulator.stop()


def node(script: str, url: str) -> None:
    """Run a script of Node.js with a URL that holds user and password."""
    scheme, _, rest = url.partition("://")
    subprocess.run(
        ["node", str(guest_info.HERE / script), f"{scheme}://root:{PASSWORD}@{rest}"], timeout=120, check=True
    )


def python(script: str, url: str) -> None:
    """Run a script of Python."""
    subprocess.run([sys.executable, str(guest_info.HERE / script), url, "root", PASSWORD], timeout=120, check=True)


def ask_ansible(simulator: Simulator) -> None:
    """Compare what Ansible says of a VM with its record, where Ansible can be had."""
    if why := guest_info.installed():
        say(f"Skipped: Ansible cannot be installed: {why}")
        return
    vm = next(vm for _, vm in simulator.database.items("VM") if vm["name_label"] == "web-000")
    said = guest_info.guest(simulator.url, PASSWORD, vm["name_label"])
    if (said["uuid"], said["state"]) != (vm["uuid"], "poweredon"):
        raise RuntimeError(f"Ansible says of {vm['name_label']}: {said}")
    say(f"ansible: {said['name']} is {said['state']}")


def say(words: str) -> None:
    """Tell whoever runs this."""
    print(words, flush=True)  # noqa: T201 - a script


if __name__ == "__main__":
    sys.exit(main())
