"""Names of any kind leave tables tables: each line finds room, and cells stand below their headings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len, set_cell_size

from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.xapi import Credentials, Trust, connect, measure, read_pool
from tests.cli.recorded import traces_of
from tests.cli.terminal import PASSWORD, USER, Terminal

HOSTILE = (
    "n" * 80,
    "Ubuntu Focal Fossa 20.04 " * 16,
    "x" * 400,
    "🚀 rocket 数据库 🚀🚀",
    "👨‍👩‍👧 ❤️ 🏳️‍🌈 " * 12,
    "e\u0301\u0302\u0303" * 60,
    "שלום עולם 123",
    "مرحبا " * 30,
    "\u202eevil\u202c \x1b[31mred\x07\r\n\t",
    "",
    "   ",
    "Ubuntu Focal Fossa 20.04",
    "Ubuntu Focal Fossa 20.04",
    "[bold]x[/bold] :rocket: | `a` $(b)",
    "\ufeff\u200b\u2066\ufffe\U000e0001",
)
WIDTHS = (80, 120, 200)
LEFT = ("VM", "from", "to", "host", "rule", "on", "name", "from SR", "to SR", "is on", "kept awake by")
"""Headings below which cells begin."""
HEADINGS = {
    *LEFT,
    *("step", "memory", "disks", "about", "after", "why", "start", "end", "takes", "CPU peak", "VMs", "at most", "of"),
    *("which", "for example", "fix", "could receive now", "blocked for all by", "what", "after it"),
    *("may move", "disk", "size", "folder", "what it does", "steps", "to copy", "can sleep", "hosts", "ends on"),
    *(
        "VMs after",
        "memory while",
        "memory after",
        "CPU peak after",
        "fewer than in use",
        "home",
        "open",
        "memory",
        "down",
        "ended by",
        "more",
    ),
    *("policy", "overload", "> 75 %", "> 90 %", "> 100 %", "busiest", "moves", "GiB", "moved most often", "regret"),
}
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("check", "{pool}"),
    ("explain", "{pool}", "{vm}"),
    ("plan", "{pool}", "-p", "{policy}"),
    ("show", "{plan}"),
    ("show", "{plan}", "--step", "s01"),
    ("verify", "{plan}", "{pool}"),
    ("diff", "{plan}", "{plan}"),
    ("evacuate", "{pool}", "{host}", "-p", "{policy}"),
    ("rolling", "{pool}", "-p", "{policy}"),
    ("sleep", "{pool}"),
    ("failures", "{pool}"),
    ("prices", "{pool}", "--all", "--seconds", "0.5"),
    ("place", "{pool}", "{vm}", "--count", "2"),
    ("replay", "{pool}", "--traces", "{traces}", "--nights", "1", "--seconds", "1", "-p", "{policy}"),
)


POLICY = """
[limits]
solve_seconds = 4
[storage_motion]
enabled = true
"""


def hostile(pool: Pool) -> Pool:
    """*pool* with every VM, host, SR and network called as nobody should call them."""

    def renamed(rows: Mapping[str, Any], first: int) -> dict[str, Any]:
        names = {uuid: HOSTILE[(first + turn) % len(HOSTILE)] for turn, uuid in enumerate(rows)}
        return {uuid: replace(row, name=names[uuid]) for uuid, row in rows.items()}

    guests = {vm.uuid: vm for vm in pool.guests()}
    return replace(
        pool,
        name=HOSTILE[3],
        vms={**pool.vms, **renamed(guests, 0)},
        hosts=renamed(pool.hosts, 0),
        srs=renamed(pool.srs, 2),
        networks=renamed(pool.networks, 6),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A snapshot of a hostile pool, a policy, and uuids of a VM and a host of it."""
    folder = tmp_path_factory.mktemp("hostile")
    served = generate_pool(hosts=6, vms=36, seed=5, fill=0.5, hot=0.4, local=0.5, pinned=0.4, cpus=16)
    with (
        Simulator(served, user=USER, password=PASSWORD) as simulator,
        connect(simulator.url, Credentials(user=USER, password=PASSWORD), Trust()) as session,
    ):
        pool = read_pool(session)
        demand = measure(session, pool, DemandPolicy())
    pool, now = hostile(pool), datetime.now(UTC)
    write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=now, source="nowhere"), folder / "pool.json.gz")
    (folder / "policy.toml").write_text(POLICY)
    vm = next(vm.uuid for vm in pool.resident_guests())
    traces = traces_of([vm.uuid for vm in pool.resident_guests()], days=8)
    (folder / "traces.csv").write_text(traces)
    return {
        "pool": str(folder / "pool.json.gz"),
        "policy": str(folder / "policy.toml"),
        "traces": str(folder / "traces.csv"),
        "vm": vm,
        "host": next(iter(pool.hosts)),
    }


def test_every_command_prints_tables(terminal: Terminal, files: dict[str, str]) -> None:
    """No line is wider than the output, what stands below a heading begins there, and every name is told apart."""
    plan = terminal.folder / "tonight"
    planned = terminal.run("plan", files["pool"], "-p", files["policy"], "-o", plan)
    assert planned.code == 0, planned.err
    for words in COMMANDS:
        typed = [word.format(**files, plan=plan) for word in words]
        for width in WIDTHS:
            out = terminal.run(*typed, COLUMNS=str(width)).out
            assert out, typed
            assert [line for line in out.splitlines() if cell_len(line) > width] == [], (typed, width)
            assert list(misaligned(out)) == [], (typed, width)
            assert all(each.isprintable() for each in out if each != "\n"), typed


def misaligned(out: str) -> list[str]:
    """Rows of *out* in which something stands across the beginning of a column."""
    found: list[str] = []
    starts: list[int] = []
    for line in out.splitlines():
        words = [(each.start(), each[0]) for each in re.finditer(r"\S+(?: \S+)*", line)]
        if len(words) > 1 and {word for _, word in words} <= HEADINGS:
            starts = [start for start, word in words if word in LEFT and start]
        elif not line.strip():
            starts = []
        elif starts and not line.startswith("  "):
            before = [set_cell_size(line, start) for start in starts if start < cell_len(line)]
            found += [line for each in before if not (each.endswith("  ") and line.startswith(each))]
    return found
