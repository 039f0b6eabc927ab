"""The HTTP side of metrics: /rrd_updates, /host_rrd and /vm_rrd of one host (rrdd_http_handler.ml, rrdd_proxy.ml)."""

from __future__ import annotations

import base64
import binascii
import random
import zlib
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from rebalancer.simulator.rrd import archives, catalogue, render, sources
from rebalancer.simulator.rrd.contention import Rows
from rebalancer.simulator.rrd.render import Generation
from rebalancer.simulator.state import sessions, tasks
from rebalancer.simulator.state.database import Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire.response import Response

FUNCTIONS = ("AVERAGE", "MIN", "MAX")
FINEST = archives.ARCHIVES[0]
# Data sources that xcp-rrdd has only since XCP-ng 8.2.
NEWER_SOURCES = ("cpu_usage", "hostload")

Query = Mapping[str, list[str]]


class RrdEndpoints:
    """Answers GET requests of all hosts of a pool, as this generation of xcp-rrdd does."""

    def __init__(self, world: World, generation: Generation) -> None:
        self._world, self._generation = world, generation
        self._shuffle = random.Random(zlib.crc32(world.uuid("host", world.coordinator).encode()))

    def answer(self, host: str, path: str, headers: Message) -> Response:
        """Answer a GET request that arrived at a host."""
        parts = urlsplit(path)
        query = parse_qs(parts.query, keep_blank_values=True)
        if parts.path == "/":
            return _page(403, "Forbidden")
        if parts.path not in {"/rrd_updates", "/host_rrd", "/vm_rrd"}:
            return _page(404, "Not found")
        if not self._may_read(query, headers):
            self._end_task(query, "failure", "SESSION_AUTHENTICATION_FAILED")
            return _page(401, "Unauthorised", {"WWW-Authenticate": 'Basic realm="xapi"'})
        self._end_task(query, "success")
        if trouble := self._trouble(host):
            return trouble
        if parts.path == "/rrd_updates":
            return self._updates(host, query, as_json=self._wants_json(query, headers))
        return self._whole(host, None) if parts.path == "/host_rrd" else self._vm_rrd(host, path, query)

    def _may_read(self, query: Query, headers: Message) -> bool:
        try:
            if named := _cookie(headers).get("session_id") or query.get("session_id"):
                sessions.assert_open(self._world, named[0])
                return True
            scheme, _, code = headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(code).decode().partition(":")
            sessions.identity(self._world, user, password)
        except (ApiFailure, binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic"

    def _end_task(self, query: Query, status: str, *error: str) -> None:
        """A request that names a task ends it: xapi has handed the connection over by then, whatever is answered."""
        for task in query.get("task_id", []):
            tasks.finish(self._world, task, status, error=error)

    def _trouble(self, host: str) -> Response | None:
        faults, uuid = self._world.faults, self._world.uuid("host", host)
        if slow := faults.take("rrd-slow", host=uuid):
            self._world.wait(slow.number("seconds", 1.0))
        if faults.take("rrd-error", host=uuid):
            return _page(500, "Internal error")
        return None

    def _updates(self, host: str, query: Query, *, as_json: bool) -> Response:
        skew = int(self._world.skew(host))
        now = self._world.clock() + skew
        try:
            start = float(query["start"][0])
            interval = float(query.get("interval", ["5"])[0])
        except (KeyError, ValueError):
            return _page(400, "Bad request: start")
        start = now + start if start < 0.0 else start
        archive = archives.best(interval, start, now)
        ends = archives.wanted_ends(archive, start, now)
        # A host stamps rows by its own clock; what they tell happened at the true time.
        owners = self._owners(host, query, archive, ends - skew)
        if not owners:
            return _page(500, "No_RRA_Available")
        legend, table = self._columns(host, owners, query, archive)
        first = -(-int(start) // archive.step) * archive.step
        export = render.Export(start=first, step=archive.step, ends=ends, legend=legend, table=table)
        if as_json:
            return Response(status=200, kind="application/json", text=render.json(export, self._generation))
        return Response(status=200, kind="text/xml", text=render.xml(export, self._generation))

    def _owners(
        self, host: str, query: Query, archive: archives.Archive, ends: NDArray[np.int64]
    ) -> list[sources.Owner]:
        only = query.get("vm_uuid")
        vms: list[Record | None] = [None] if query.get("host", ["false"])[0] == "true" else []
        vms += [vm for vm in sources.vms_on(self._world, host) if only is None or vm["uuid"] in only]
        rows = Rows(world=self._world, archive=archive, ends=ends)
        return [self._owner(rows, host, vm) for vm in vms]

    def _owner(self, rows: Rows, host: str, vm: Record | None) -> sources.Owner:
        """Measure what is recorded of a VM, or of the host itself."""
        owner = sources.owner_of(rows, host, vm)
        for name in NEWER_SOURCES if self._generation is Generation.OLD else ():
            owner.columns.pop(name, None)
        return replace(owner, columns=catalogue.recorded(self._world, owner))

    def _columns(
        self, host: str, owners: list[sources.Owner], query: Query, archive: archives.Archive
    ) -> tuple[list[str], sources.Array]:
        """The legend and the table [row, column], in no order to rely on: xcp-rrdd hashes its sources."""
        asked = query.get("cf", [None])[0]
        columns = [
            (f"{function}:{owner.kind}:{owner.uuid}:{name}", sources.consolidated(values, function))
            for owner in owners
            for function in _functions(owner.kind, archive)
            if asked in {None, function}
            for name, values in owner.columns.items()
        ]
        self._shuffle.shuffle(columns)
        rows = len(next(iter(owners[0].columns.values())))
        table = np.column_stack([values for _, values in columns]) if columns else np.empty((rows, 0))
        if self._world.faults.take("rrd-unknown", host=self._world.uuid("host", host)):
            table = np.full_like(table, np.nan)
        return [name for name, _ in columns], table

    def _wants_json(self, query: Query, headers: Message) -> bool:
        """The Accept header is read since xapi 23.17."""
        accept = headers.get("Accept")
        if self._generation is Generation.OLD or accept is None:
            return "json" in query
        takes_json = any(kind in accept for kind in ("application/json", "*/*", "application/*"))
        return takes_json and "text/xml" not in accept

    def _vm_rrd(self, host: str, path: str, query: Query) -> Response:
        database = self._world.database
        if "uuid" not in query:
            return _page(400, "Bad request: uuid")
        try:
            vm = database.get("VM", database.by_uuid("VM", query.get("uuid", [""])[0]))
        except ApiFailure:
            return _page(404, "No such VM")
        if vm["resident_on"] == host:
            return self._whole(host, vm)
        if database.find("host", vm["resident_on"]) is None:
            return _page(404, "The VM does not run")
        there = {"Location": self._world.url(vm["resident_on"]) + path}
        return Response(status=302, kind="text/html", text="", headers=there)

    def _whole(self, host: str, vm: Record | None) -> Response:
        skew, stored, names = int(self._world.skew(host)), [], []
        now = self._world.clock() + skew
        for archive in archives.ARCHIVES:
            rows = Rows(world=self._world, archive=archive, ends=archive.ends(now) - skew)
            owner = self._owner(rows, host, vm)
            names = list(owner.columns)
            for function in _functions(owner.kind, archive):
                table = np.column_stack([sources.consolidated(v, function) for v in owner.columns.values()])
                stored.append(render.StoredArchive(function=function, step=archive.step, table=table))
        return Response(status=200, kind="text/xml", text=render.whole(names, stored, int(now), self._generation))


def _cookie(headers: Message) -> Query:
    """What a Cookie says: pairs between semicolons, or between ampersands, as some clients of XAPI write them."""
    written = headers.get("Cookie", "")
    return parse_qs(written.replace("; ", ";").replace(";", "&"), keep_blank_values=True)


def _page(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    text = f"<html><body>{words}</body></html>"
    return Response(status=status, kind="text/html", text=text, headers=headers or {})


def _functions(kind: str, archive: archives.Archive) -> tuple[str, ...]:
    """VMs keep means only; hosts keep extremes too, but not in their finest archive."""
    return FUNCTIONS if kind == "host" and archive != FINEST else FUNCTIONS[:1]
