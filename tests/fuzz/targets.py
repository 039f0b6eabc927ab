"""What is read from outside, each by the function that commands use, and what comes next where that is cheap."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

import rebalancer as rb
from rebalancer.approval.record import parsed
from rebalancer.demand.rrd import rrd_samples
from rebalancer.demand.tables import read_samples
from rebalancer.demand.updates import parse_updates
from rebalancer.execute import learned_pace, read_journal
from rebalancer.execute.journal.history import histories
from rebalancer.export.planfile import plan_from_json, read_plan
from rebalancer.inventory.dump import is_dump, records_in
from rebalancer.inventory.records import pool_from_records
from rebalancer.nightly.members import known_pool
from rebalancer.plan.document import digest_of_document
from rebalancer.policy import Policy
from rebalancer.simulator import load_pool
from rebalancer.snapshot import snapshot_in
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials
from rebalancer.xapi.translation import reading
from rebalancer.xapi.wire.answers import from_json, from_xml
from tests.fuzz.bases import (
    JSON_UPDATES,
    TABLE,
    answers,
    approvals,
    dumps,
    folder,
    journals,
    plans,
    policies,
    pool,
    simulated,
    snapshots,
    state,
    updates,
    written,
)
from tests.fuzz.trees import Tree, as_json, as_toml, as_xml, of_xml
from tests.plan.made import LATER
from tests.planner.busy import busy_pool

WHERE: Final = "input"
MEMBERS: Final = b'{"uuid": "9b9c", "name": "west", "addresses": ["192.0.2.1", "::1"]}'


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


def _read_source(content: bytes) -> None:
    """As `rebalancer check` does, whatever the file is."""
    rb.check(rb.Model(rb.read(written("source", content))))


def _read_content(content: bytes) -> None:
    if is_dump(content):
        pool_from_records(records_in(content, WHERE))
    else:
        snapshot_in(content, WHERE)


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


def _as_approval(tree: Tree) -> bytes:
    return (json.dumps(tree, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")


def _read_policy(content: bytes) -> None:
    policy = Policy.load(written("policy.toml", content))
    rb.lint(policy)
    if crc32(content) % 8 == 0:
        rb.lint(policy, state())


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


def _loose_json(content: bytes) -> Tree:
    try:
        return json.loads(content)
    except ValueError:
        return json.loads(JSON_UPDATES)


def _read_updates(content: bytes) -> None:
    if crc32(content) % 16 == 0:
        rrd_samples({"h1": content}, pool())
    else:
        parse_updates(content)


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
    known_pool("https://a", folder())


def _read_simulated(content: bytes) -> None:
    load_pool(written("simulated.json", content))


TARGETS: Final = {
    "snapshot": Target(weight=8, bases=snapshots, parse=json.loads, write=as_json, read=_read_content),
    "source": Target(
        weight=4,
        bases=lambda: [*snapshots(), *dumps()],
        parse=lambda text: of_xml(text) if is_dump(text) else json.loads(text),
        write=lambda tree: as_xml(tree) if isinstance(tree, list) else as_json(tree),
        read=_read_source,
    ),
    "plan": Target(weight=8, bases=plans, parse=json.loads, write=as_json, read=_read_plan),
    "approval": Target(
        weight=8, bases=approvals, parse=json.loads, write=_as_approval, read=lambda text: parsed(text, Path())
    ),
    "policy": Target(
        weight=12,
        bases=policies,
        parse=lambda text: json.loads(json.dumps(tomllib.loads(text.decode()), default=str)),
        write=as_toml,
        read=_read_policy,
    ),
    "journal": Target(weight=16, bases=journals, parse=_lines, write=_as_lines, read=_read_journal),
    "rrd-xml": Target(weight=8, bases=lambda: updates("xml"), parse=of_xml, write=as_xml, read=_read_updates),
    "rrd-json": Target(weight=8, bases=lambda: updates("json"), parse=_loose_json, write=as_json, read=_read_updates),
    "dump": Target(weight=6, bases=dumps, parse=of_xml, write=as_xml, read=_read_content),
    "rpc-xml": Target(weight=14, bases=lambda: answers("/RPC2"), parse=of_xml, write=as_xml, read=_read_answer),
    "rpc-json": Target(weight=6, bases=lambda: answers("/jsonrpc"), parse=json.loads, write=as_json, read=_read_answer),
    "table": Target(weight=1, bases=lambda: [TABLE.encode()], parse=_words, write=_as_words, read=_read_table),
    "credentials": Target(
        weight=2, bases=lambda: [b"root\nsecret\n"], parse=_words, write=_as_words, read=_read_credentials
    ),
    "members": Target(weight=2, bases=lambda: [MEMBERS], parse=json.loads, write=as_json, read=_read_members),
    "simulated": Target(weight=2, bases=simulated, parse=json.loads, write=as_json, read=_read_simulated),
}
