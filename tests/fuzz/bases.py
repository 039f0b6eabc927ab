"""Inputs as they should be, small ones of each kind: what mutations begin with."""

from __future__ import annotations

import atexit
import gzip
import json
import os
import re
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from rebalancer.approval.record import Approval, approval_text
from rebalancer.execute import Looked
from rebalancer.execute.journal.entries import Intended, Noticed, Resolved, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.export.planfile import plan_json
from rebalancer.face.read import PoolState
from rebalancer.inventory import Pool
from rebalancer.inventory.records import CLASSES
from rebalancer.plan.document import sealed
from rebalancer.policy import Policy, policy_digest
from rebalancer.simulator import generate_pool
from rebalancer.simulator.wire.xmlform import success
from rebalancer.snapshot import Snapshot, write_snapshot
from tests.conftest import shared_folder
from tests.fuzz.trees import as_xml
from tests.plan.made import demand_of
from tests.planner.busy import PLAN
from tests.pools import make_disk, make_host, make_pool, make_vif, make_vm

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


def folder() -> Path:
    """A folder of this process, in memory where there is a place for that, for what is read by its name."""
    return _folder_of(os.getpid())


@cache
def _folder_of(_process: int) -> Path:
    shared = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    path = Path(tempfile.mkdtemp(prefix="rebalancer-fuzz-", dir=shared if os.access(shared, os.W_OK) else None))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def written(name: str, content: bytes) -> Path:
    """A file with that *content*, for its owner alone."""
    path = folder() / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)
    return path


def snapshots() -> list[bytes]:
    """A pool at one moment, without and with a load profile."""
    path = folder() / "pool.json"
    found = []
    for demand in (None, demand_of(pool(), {"a": 1.0})):
        write_snapshot(
            Snapshot(pool=pool(), demand=demand, taken_at=datetime(2026, 11, 22, tzinfo=UTC), source="x"), path
        )
        found.append(json.dumps(json.loads(path.read_bytes())).encode())
    return found


def policies() -> list[bytes]:
    """One of a few keys, one of every key that there is, and the least."""
    return [POLICY.encode(), _every_key().encode(), b'mode = "repair"']


@cache
def _every_key() -> str:
    """The annotated policy with its examples, without its words."""
    shown = files("rebalancer.policy").joinpath("policy.toml").read_text(encoding="utf-8")
    whole = re.sub(r"^# (?=\[\[\w+\]\]$|[\w.]+ = )", "", shown, flags=re.MULTILINE)
    for usual, other in (("require_approval = false", "require_approval = true"), ('"percentile"', '"days"')):
        whole = whole.replace(usual, other)
    return "\n".join(line for line in whole.splitlines() if line and not line.startswith("#")) + "\n"


def plans() -> list[bytes]:
    """A plan with a hop and load; and one under a policy of every key."""
    policy = Policy.load(written("every-key.toml", _every_key().encode()))
    source = replace(PLAN.made_from, policy=policy, policy_digest=policy_digest(policy))
    both = PLAN, sealed(replace(PLAN, made_from=source))
    return [json.dumps(json.loads(plan_json(each))).encode() for each in both]


def approvals() -> list[bytes]:
    """An approval as it is written."""
    made = Approval(plan="sha256:ab", pool="p", by="jane", reason="change", at=datetime(2026, 11, 22, tzinfo=UTC))
    return [approval_text(made)]


def journals() -> list[bytes]:
    """What a run of two steps writes down."""
    path = folder() / "base.jsonl"
    at = datetime(2026, 11, 22, tzinfo=UTC)
    with Journal(path) as journal:
        journal.append(RunBegan(at=at, plan="sha256:ab", pool="p", differences=("VM a is new",), run="0a1b"))
        for step, state in (("s01", StepState.MOVED), ("s02", StepState.STAYED)):
            intended = Intended(at=at, step=step, vm="a", source="h1", target="h2", wire_seconds=3.0)
            journal.append(replace(intended, marked=True, toolstacks=("h1 1",)))
            journal.append(Sent(at=at, step=step, task="OpaqueRef:1"))
            later = at + timedelta(seconds=9)
            journal.append(
                Looked(at=later, step=step, state=state, power_state="Running", resident_on="h2", error=("A",))
            )
            journal.append(Noticed(at=later, step=step, words="it stays squeezed"))
        journal.append(Intended(at=at, step="s03", vm="b", source="h2", target="h1"))
        journal.append(Resolved(at=at, step="s03", state=StepState.UNSENT, by="jane", reason="looked"))
        journal.append(RunEnded(at=at, words="done"))
    found = path.read_bytes()
    path.unlink()
    return [found]


def updates(suffix: str) -> list[bytes]:
    """Answers of `/rrd_updates`, recorded where they are there, in XML or JSON as *suffix* says."""
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
JSON_UPDATES = (
    b'{"meta": {"start": 0, "step": 3600, "end": 7200, "rows": 1, "columns": 2, "legend": ["AVERAGE:vm:a:cpu0", '
    b'"AVERAGE:host:h1:cpu_avg"]}, "data": [{"t": 7200, "values": [0.5, "NaN"]}]}'
)
_UPDATES: Final = {"xml": _XML_UPDATES, "json": JSON_UPDATES}


def dumps() -> list[bytes]:
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


def answers(path: str) -> list[bytes]:
    """Small answers of each sort, as recorded, or as the simulator gives them."""
    found = [success("string set", ["a", "b"]).encode() if path == "/RPC2" else _JSON_ANSWER]
    for file in sorted((shared_folder() / "xapi-wire").glob("*.json.gz")):
        exchanges = json.loads(gzip.decompress(file.read_bytes()))["exchanges"]
        bodies = [each["response"]["body"].encode() for each in exchanges if each["request"]["path"] == path]
        found += sorted({body for body in bodies if len(body) < 4000}, key=lambda body: (len(body), body))[::5]
    return [body for body in found if body.lstrip()[:1] in {b"<", b"{"} and b"<html" not in body]


_JSON_ANSWER: Final = b'{"jsonrpc": "2.0", "id": 1, "result": {"a": ["b", 1]}}'


def simulated() -> list[bytes]:
    """The least that the simulator takes."""
    return [json.dumps({"records": {"pool": {"OpaqueRef:1": {"uuid": "p"}}}, "load": {"a": [0.5]}}).encode()]
