"""What is read from outside, each by the function that commands use, and what comes next where that is cheap."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import rebalancer as rb
from rebalancer.approval.record import Approval, approval_text, parsed
from rebalancer.demand.rrd import rrd_samples
from rebalancer.demand.tables import read_samples
from rebalancer.demand.updates import parse_updates
from rebalancer.execute import Looked, learned_pace, read_journal
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.journal import Intended, Journal, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.outcome import StepState
from rebalancer.export.planfile import plan_from_json, plan_json, read_plan
from rebalancer.face.read import PoolState
from rebalancer.inventory import Pool
from rebalancer.inventory.dump import is_dump, records_in
from rebalancer.inventory.records import CLASSES, pool_from_records
from rebalancer.nightly.members import known_members
from rebalancer.plan.document import digest_of_document
from rebalancer.policy import Policy
from rebalancer.simulator import generate_pool, load_pool
from rebalancer.simulator.wire.xmlform import success
from rebalancer.snapshot import Snapshot, snapshot_in, write_snapshot
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials
from rebalancer.xapi.translation import reading
from rebalancer.xapi.wire import from_json, from_xml
from tests.conftest import shared_folder
from tests.fuzz.trees import Tree, as_json, as_toml, as_xml, of_xml
from tests.plan.made import LATER, demand_of
from tests.planner.busy import PLAN, busy_pool
from tests.pools import make_disk, make_host, make_pool, make_vif, make_vm

WHERE: Final = "input"
MUCH: Final = 2500
"""Characters of a field of a database that inputs do without."""
POLICY: Final = """
name = "n"
mode = "balance"
empty = ["h2"]
[objective]
threshold = 0.8
clean_up = ["peak"]
[limits]
maximum_moves = 3
solve_seconds = 1.5
[demand]
slots = 24
timezone = "Europe/Berlin"
[pool]
url = "https://a.example"
fallback_urls = ["https://b.example"]
[[apart]]
name = "dbs"
vms = ["a", "tag:db"]
[[run_on]]
name = "licence"
vms = ["a"]
hosts = ["h1"]
[[spread]]
name = "racks"
vms = ["a", "b"]
domain = "rack"
[[window]]
days = ["mon"]
start = 22:30:00
end = "05:00"
[storage_motion]
enabled = true
[other_pools]
enabled = true
networks = { lan = "lan" }
[execution]
require_approval = true
allowed_signers = "signers"
"""
TABLE: Final = """vm_uuid,host_uuid,time,pcpu
a,,2026-11-16T09:00:00Z,0.5
b,,2026-11-16T09:00:00+01:00,1.25
,h1,2026-11-16 10:00,
a,,2026-11-16T10:00:00Z,2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One kind of input.

    Args:
        weight: how many of a hundred cases or so are for it.
        bases: what is put wrong, each as bytes.
        parse: a base as a tree.
        write: a tree as bytes.
        read: the way of the input into the program.
    """

    weight: int
    bases: Callable[[], list[bytes]]
    parse: Callable[[bytes], Tree]
    write: Callable[[Tree], bytes]
    read: Callable[[bytes], object]
    pairs: list[tuple[bytes, Tree]] = field(default_factory=list)

    def ready(self) -> list[tuple[bytes, Tree]]:
        """Each base as bytes and as a tree, which nobody changes."""
        if not self.pairs:
            self.pairs.extend((base, self.parse(base)) for base in self.bases())
        return self.pairs


@cache
def pool() -> Pool:
    """Two hosts with a VM each, one of them with a disk and an interface."""
    guest = make_vm("a", on="h1", vbds=(make_disk("a"),), vifs=(make_vif("a"),), tags=("db",))
    return make_pool(
        hosts=[make_host("h1", tags=("rack:A",)), make_host("h2", tags=("rack:B",))],
        vms=[guest, make_vm("b", on="h2", tags=("db",))],
    )


@cache
def state() -> PoolState:
    """That pool, as it was read."""
    return PoolState(pool=pool(), demand=None, taken_at=datetime(2026, 11, 22, tzinfo=UTC), source="x")


@cache
def folder() -> Path:
    """A folder in memory, where there is one, for what is read by its name; for each process one."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    return Path(tempfile.mkdtemp(prefix="rebalancer-fuzz-", dir=shared if os.access(shared, os.W_OK) else None))


def written(name: str, content: bytes) -> Path:
    """A file with that *content*, for its owner alone."""
    path = folder() / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)
    return path


def _snapshots() -> list[bytes]:
    path = folder() / "pool.json"
    found = []
    for demand in (None, demand_of(pool(), {"a": 1.0})):
        write_snapshot(
            Snapshot(pool=pool(), demand=demand, taken_at=datetime(2026, 11, 22, tzinfo=UTC), source="x"), path
        )
        found.append(json.dumps(json.loads(path.read_bytes())).encode())
    return found


def _read_source(content: bytes) -> None:
    """As `rebalancer check` does, whatever the file is."""
    state = rb.read(written("source", content))
    if crc32(content) % 8 == 0:
        rb.check(rb.Model(state))


def _read_content(content: bytes) -> None:
    if is_dump(content):
        pool_from_records(records_in(content, WHERE))
    else:
        snapshot_in(content, WHERE)


def _plans() -> list[bytes]:
    return [json.dumps(json.loads(plan_json(PLAN))).encode()]


def _read_plan(content: bytes) -> None:
    """With the digest that it would have, had somebody who edited it made one."""
    try:
        document = dict(json.loads(content))
        sealed = json.dumps(document | {"digest": digest_of_document(document)})
    except (ValueError, TypeError, RecursionError):
        read_plan(written("plan.json", content))
        return
    plan = plan_from_json(sealed, WHERE)
    if crc32(content) % 8 == 0:
        verify_plan(plan, busy_pool(), None, now=LATER)


def _approvals() -> list[bytes]:
    made = Approval(plan="sha256:ab", pool="p", by="jane", reason="change", at=datetime(2026, 11, 22, tzinfo=UTC))
    return [approval_text(made)]


def _as_approval(tree: Tree) -> bytes:
    return (json.dumps(tree, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")


def _read_policy(content: bytes) -> None:
    policy = Policy.load(written("policy.toml", content))
    rb.lint(policy)
    if crc32(content) % 8 == 0:
        rb.lint(policy, state())


def _journals() -> list[bytes]:
    path = folder() / "base.jsonl"
    at = datetime(2026, 11, 22, tzinfo=UTC)
    with Journal(path) as journal:
        journal.append(RunBegan(at=at, plan="sha256:ab", pool="p", differences=("VM a is new",)))
        for step, state in (("s01", StepState.MOVED), ("s02", StepState.STAYED)):
            journal.append(Intended(at=at, step=step, vm="a", source="h1", target="h2", wire_seconds=3.0))
            journal.append(Sent(at=at, step=step, task="OpaqueRef:1"))
            later = at + timedelta(seconds=9)
            journal.append(
                Looked(at=later, step=step, state=state, power_state="Running", resident_on="h2", error=("A",))
            )
        journal.append(RunEnded(at=at, words="done"))
    found = path.read_bytes()
    path.unlink()
    return [found]


def _lines(content: bytes) -> Tree:
    return [json.loads(line) for line in content.splitlines()]


def _as_lines(tree: Tree) -> bytes:
    lines = tree if isinstance(tree, list) else [tree]
    return b"".join(as_json(line) + b"\n" for line in lines)


def _read_journal(content: bytes) -> None:
    path = written("journals.jsonl", content)
    histories(path, read_journal(path))
    if crc32(content) % 16 == 0:
        (folder() / "journals").mkdir(exist_ok=True)
        written("journals/one.jsonl", content)
        learned_pace("p", folder())


def _updates(suffix: str) -> list[bytes]:
    recorded = shared_folder() / "rrd"
    found = [path.read_bytes() for path in sorted(recorded.glob(f"*updates*.{suffix}"))]
    return [_shortened(each) for each in found] or [_UPDATES[suffix]]


def _shortened(content: bytes) -> bytes:
    """An answer with its first two rows."""
    if content.lstrip().startswith(b"<"):
        first = content.replace(b"\\n", b"\n").split(b"<row>")
        return b"<row>".join(first[:3]) + (b"</data></xport>" if len(first) > 3 else b"")
    return content


_XML_UPDATES = (
    b"<xport><meta><start>0</start><step>3600</step><end>7200</end><rows>1</rows><columns>2</columns><legend>"
    b"<entry>AVERAGE:vm:a:cpu0</entry><entry>AVERAGE:host:h1:cpu_avg</entry></legend></meta>"
    b"<data><row><t>7200</t><v>0.5</v><v>NaN</v></row></data></xport>"
)
_JSON_UPDATES = (
    b'{"meta": {"start": 0, "step": 3600, "end": 7200, "rows": 1, "columns": 2, "legend": ["AVERAGE:vm:a:cpu0", '
    b'"AVERAGE:host:h1:cpu_avg"]}, "data": [{"t": 7200, "values": [0.5, "NaN"]}]}'
)
_UPDATES: Final = {"xml": _XML_UPDATES, "json": _JSON_UPDATES}


def _loose_json(content: bytes) -> Tree:
    try:
        return json.loads(content)
    except ValueError:
        return json.loads(_JSON_UPDATES)


def _read_updates(content: bytes) -> None:
    if crc32(content) % 16 == 0:
        rrd_samples({"h1": content}, pool())
    else:
        parse_updates(content)


def _dumps() -> list[bytes]:
    """The database of a host with a VM: a row or two of each class that is read."""
    records = generate_pool(hosts=1, vms=1, seed=1).records
    tables = [
        ["table", {"name": kind}, "", [["row", {"ref": ref} | _attributes(rows[ref]), "", []] for ref in _few(rows)]]
        for kind, rows in records.items()
        if kind in CLASSES
    ]
    return [as_xml(["database", {}, "", [["manifest", {}, "", []], *tables]])]


def _few(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The machines that run, or else the first row."""
    return [ref for ref, row in rows.items() if row.get("power_state") == "Running"] or list(rows)[:1]


def _attributes(record: dict[str, Any]) -> dict[str, str]:
    said = {name.replace("_", "__"): _expression(each) for name, each in record.items()}
    return {name: each for name, each in said.items() if len(each) < MUCH}


def _expression(value: object) -> str:
    match value:
        case dict():
            return "(" + " ".join(f"('{key}' '{each}')" for key, each in value.items()) + ")"
        case list():
            return "(" + " ".join(f"'{each}'" for each in value) + ")"
        case bool():
            return str(value).lower()
    return str(value)


def _answers(path: str) -> list[bytes]:
    """Small answers of each sort, as recorded, or as the simulator gives them."""
    found = [success("string set", ["a", "b"]).encode() if path == "/RPC2" else _JSON_ANSWER]
    for file in sorted((shared_folder() / "xapi-wire").glob("*.json.gz")):
        exchanges = json.loads(gzip.decompress(file.read_bytes()))["exchanges"]
        bodies = [each["response"]["body"].encode() for each in exchanges if each["request"]["path"] == path]
        found += sorted({body for body in bodies if len(body) < 4000}, key=lambda body: (len(body), body))[::5]
    return [body for body in found if body.lstrip()[:1] in {b"<", b"{"} and b"<html" not in body]


_JSON_ANSWER: Final = b'{"jsonrpc": "2.0", "id": 1, "result": {"a": ["b", 1]}}'


def _read_answer(content: bytes) -> None:
    with reading("https://a.example"):
        from_json(content) if content.lstrip().startswith(b"{") else from_xml(content)


def _words(content: bytes) -> Tree:
    return [line.split(",") for line in content.decode().splitlines()]


def _as_words(tree: Tree) -> bytes:
    lines = tree if isinstance(tree, list) else [tree]
    rows = [",".join(map(str, line)) if isinstance(line, list) else str(line) for line in lines]
    return "\n".join(rows).encode(errors="replace")


def _read_table(content: bytes) -> None:
    read_samples(written("table.csv", content), pool())


def _read_credentials(content: bytes) -> None:
    Credentials.from_file(written("credentials", content))


def _read_members(content: bytes) -> None:
    (folder() / "members").mkdir(exist_ok=True)
    written("members/100680ad546ce6a5.json", content)
    known_members("https://a", folder())


def _simulated() -> list[bytes]:
    return [json.dumps({"records": {"pool": {"OpaqueRef:1": {"uuid": "p"}}}, "load": {"a": [0.5]}}).encode()]


def _read_simulated(content: bytes) -> None:
    load_pool(written("simulated.json", content))


TARGETS: Final = {
    "snapshot": Target(weight=8, bases=_snapshots, parse=json.loads, write=as_json, read=_read_content),
    "source": Target(
        weight=4,
        bases=lambda: [*_snapshots(), *_dumps()],
        parse=lambda text: of_xml(text) if is_dump(text) else json.loads(text),
        write=lambda tree: as_xml(tree) if isinstance(tree, list) else as_json(tree),
        read=_read_source,
    ),
    "plan": Target(weight=8, bases=_plans, parse=json.loads, write=as_json, read=_read_plan),
    "approval": Target(
        weight=8, bases=_approvals, parse=json.loads, write=_as_approval, read=lambda text: parsed(text, Path())
    ),
    "policy": Target(
        weight=12,
        bases=lambda: [POLICY.encode(), b'mode = "repair"'],
        parse=lambda text: json.loads(json.dumps(tomllib.loads(text.decode()), default=str)),
        write=as_toml,
        read=_read_policy,
    ),
    "journal": Target(weight=16, bases=_journals, parse=_lines, write=_as_lines, read=_read_journal),
    "rrd-xml": Target(weight=8, bases=lambda: _updates("xml"), parse=of_xml, write=as_xml, read=_read_updates),
    "rrd-json": Target(weight=8, bases=lambda: _updates("json"), parse=_loose_json, write=as_json, read=_read_updates),
    "dump": Target(weight=6, bases=_dumps, parse=of_xml, write=as_xml, read=_read_content),
    "rpc-xml": Target(weight=14, bases=lambda: _answers("/RPC2"), parse=of_xml, write=as_xml, read=_read_answer),
    "rpc-json": Target(
        weight=6, bases=lambda: _answers("/jsonrpc"), parse=json.loads, write=as_json, read=_read_answer
    ),
    "table": Target(weight=1, bases=lambda: [TABLE.encode()], parse=_words, write=_as_words, read=_read_table),
    "credentials": Target(
        weight=2, bases=lambda: [b"root\nsecret\n"], parse=_words, write=_as_words, read=_read_credentials
    ),
    "members": Target(
        weight=2, bases=lambda: [b'["192.0.2.1", "::1"]'], parse=json.loads, write=as_json, read=_read_members
    ),
    "simulated": Target(weight=2, bases=_simulated, parse=json.loads, write=as_json, read=_read_simulated),
}
