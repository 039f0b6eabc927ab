"""Let npm's xen-api try the simulator: python tests/foreign/run.py, after npm ci --prefix tests/foreign."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rebalancer.simulator import Simulator, demo_pool

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the client over HTTP and HTTPS; return 0 when it is content with both."""
    for tls in (False, True):
        with Simulator(demo_pool(), speed=30.0, tls=tls, password="foreign") as simulator:
            scheme, _, rest = simulator.url.partition("://")
            url = f"{scheme}://root:foreign@{rest}"
            done = subprocess.run(["node", str(HERE / "client.mjs"), url], timeout=60, check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
