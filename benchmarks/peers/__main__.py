"""A peer on an instance: `python -m benchmarks.peers PEER INSTANCE [--level 1..5] [--seconds S] [--out FILE]`."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.judge import verdict
from benchmarks.migrations import Migration
from benchmarks.neutral import Json, pools, read_instance
from benchmarks.peers.greedy import greedy
from benchmarks.peers.hill_climb import hill_climb
from benchmarks.peers.meta import meta, meta_python

PEERS = ("greedy", "hill-climb", "proxlb", "meta")


def decided(peer: str, pool: Json, *, level: int, seconds: float) -> tuple[dict[str, str], list[Migration]]:
    """What *peer* does on one pool: the placement that it wants, and its moves."""
    if peer == "proxlb":
        from benchmarks.peers.proxlb import proxlb  # noqa: PLC0415 the only one that needs the extra

        return proxlb(pool, level=level, seconds=seconds)
    if peer == "meta":
        return meta(pool, seconds=seconds)
    moves = greedy(pool) if peer == "greedy" else hill_climb(pool, level)
    return {move.vm: move.target for move in moves}, moves


def answer(peer: str, instance: Json, *, level: int, seconds: float) -> dict[str, Any]:
    """The answer of *peer* in the format of `benchmarks.balance`, without bounds, which it has none of."""
    start, who = time.monotonic(), resource.RUSAGE_CHILDREN if peer == "meta" else resource.RUSAGE_SELF
    alone = pools(instance)
    parts = [decided(peer, pool, level=level, seconds=seconds / len(alone)) for pool in alone]
    wanted = {vm: host for placement, _ in parts for vm, host in placement.items()}
    return {
        "peer": peer,
        "placement": {vm["id"]: vm["host"] for vm in instance["vms"]} | wanted,
        "migrations": [{"vm": move.vm, "from": move.source, "to": move.target} for _, moves in parts for move in moves],
        "wall_s": round(time.monotonic() - start, 2),
        "peak_rss_mb": round(resource.getrusage(who).ru_maxrss * 1024 / 1e6, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Read, run, write; the verdict goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("instance", type=Path, help="a file of format xs-neutral/1, plain or gzip")
    parser.add_argument("--level", type=int, choices=range(1, 6), default=5, help="how eager hill-climb and proxlb are")
    parser.add_argument("--seconds", type=float, default=60.0, help="what proxlb and meta may take")
    parser.add_argument("--out", type=Path, help="where to write the answer; standard output otherwise")
    chosen = parser.parse_args(arguments)
    if chosen.peer == "proxlb" and find_spec("proxlb_solver") is None:
        parser.error("proxlb-solver is not installed: pip install --requirement requirements-bench.lock")
    if chosen.peer == "meta" and meta_python() is None:
        parser.error("REBALANCER_META_PYTHON names no environment with its package: benchmarks/peers/meta.py")
    instance = read_instance(chosen.instance)
    found = answer(chosen.peer, instance, level=chosen.level, seconds=chosen.seconds)
    text = json.dumps(found, indent=1) + "\n"
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    steps = [Migration(vm=step["vm"], source=step["from"], target=step["to"]) for step in found["migrations"]]
    print(verdict(instance, found["placement"], steps), f"{found['wall_s']:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
