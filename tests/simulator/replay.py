"""Recorded sessions with XAPI's own server, said again to the simulator with refs of its own pool."""

from __future__ import annotations

import gzip
import json
import re
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from rebalancer.simulator import Simulator

# Answers hold values of every wire type.
Value = Any
NULL = "OpaqueRef:NULL"
PATIENCE_SECONDS = 60.0


def recorded(path: Path, client: str) -> Iterator[dict[str, Any]]:
    """The exchanges of one client in a recording."""
    document = json.loads(gzip.decompress(path.read_bytes()))
    return (exchange for exchange in document["exchanges"] if exchange["client"] == client)


def question(exchange: dict[str, Any]) -> tuple[str, list[Value]]:
    """The method and the parameters of a request, XML or JSON."""
    body = exchange["request"]["body"]
    if exchange["request"]["path"] == "/jsonrpc":
        request = json.loads(body)
        return request["method"], request["params"]
    params, method = xmlrpc.client.loads(body)
    return str(method), list(params)


def answer(path: str, body: str) -> dict[str, Value]:
    """An answer as {"Value": ..} or {"ErrorDescription": [..]}, whatever its envelope."""
    if path != "/jsonrpc":
        envelope: Value = xmlrpc.client.loads(body)[0][0]
        return {key: value for key, value in envelope.items() if key != "Status"}
    envelope = json.loads(body)
    error = envelope.get("error")
    if isinstance(error, dict):
        error = [error["message"], *error["data"]]
    return {"ErrorDescription": error} if error else {"Value": envelope["result"]}


def agree(ours: Value, theirs: Value) -> bool:
    """Whether two values are built alike: same types, same members; a set or map that is empty says nothing."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if any(re.match("OpaqueRef:|DummyRef:", key) for key in {**ours, **theirs}):
            return all(agree(mine, other) for mine in ours.values() for other in theirs.values())
        free = not ours or not theirs or not {"uuid", "ref", "token"} & theirs.keys()
        return (free or ours.keys() == theirs.keys()) and all(agree(ours[k], theirs[k]) for k in ours.keys() & theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return all(agree(mine, other) for mine in ours for other in theirs)
    return type(ours) is type(theirs)


class Replay:
    """A recorded session under way.

    Args:
        simulator: runs.
        names: {recorded ref: our ref} of hosts and VMs; sessions and tasks come as they appear.
    """

    def __init__(self, simulator: Simulator, names: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=simulator.url, timeout=20)
        self.names = {NULL: NULL, "PASSWORD": "secret", **names}
        login = xmlrpc.client.dumps(("root", "secret"), "session.login_with_password")
        self.session = answer("/", self._client.post("/", content=login.encode()).text)["Value"]

    def send(self, exchange: dict[str, Any]) -> httpx.Response:
        """Say a recorded request to the simulator."""
        method, params = question(exchange)
        params = [self._ours(value) for value in params]
        if exchange["request"]["path"] == "/jsonrpc":
            body = json.dumps({**json.loads(exchange["request"]["body"]), "params": params})
        else:
            body = xmlrpc.client.dumps(tuple(params), method)
        kind = {"Content-Type": exchange["response"]["headers"]["content-type"]}
        return self._client.post(exchange["request"]["path"], content=body.encode(), headers=kind)

    def compare(self, exchange: dict[str, Any]) -> list[str]:
        """Say a request until the answer shows the recorded state; return what is different then."""
        path, deadline = exchange["request"]["path"], time.monotonic() + PATIENCE_SECONDS
        method, _ = question(exchange)
        theirs = answer(path, exchange["response"]["body"])
        while True:
            response = self.send(exchange)
            ours = answer(path, response.text)
            wrong = self._differences(method, ours, theirs)
            if not wrong or not re.search(r"\.get_", method) or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        if method.startswith(("Async.", "session.login")):
            self.names[theirs.get("Value", "")] = ours.get("Value", "")
        if response.headers["content-type"] != exchange["response"]["headers"]["content-type"]:
            wrong.append("content-type")
        if path == "/jsonrpc" and json.loads(response.text).keys() != json.loads(exchange["response"]["body"]).keys():
            wrong.append("envelope")
        return wrong

    def _ours(self, value: Value) -> Value:
        if isinstance(value, str):
            if value.startswith("OpaqueRef:SESSION") and value not in self.names:
                return self.session
            return self.names.get(value, value)
        return value

    def _differences(self, method: str, ours: dict[str, Value], theirs: dict[str, Value]) -> list[str]:
        if ours.keys() != theirs.keys():
            return [f"{ours} instead of {theirs}"]
        if "ErrorDescription" in theirs:
            mine, other = ours["ErrorDescription"], theirs["ErrorDescription"]
            wrong = [] if (mine[0], len(mine)) == (other[0], len(other)) else [f"{mine} instead of {other}"]
            return wrong + [f"{a} for {b}" for a, b in zip(mine, other, strict=False) if self.names.get(b, a) != a]
        mine, other = ours["Value"], theirs["Value"]
        wrong = [] if agree(mine, other) else ["shape"]
        seen, wanted = marks(method, mine), [self.named(mark) for mark in marks(method, other)]
        return wrong if seen == wanted else [*wrong, f"{seen} instead of {wanted}"]

    def named(self, value: Value) -> Value:
        """A mark of the recording in our names."""
        return self.names.get(value, value) if isinstance(value, str) else value


def marks(method: str, value: Value) -> list[Value]:
    """What has to be the same in both answers besides their shape, of what a move changes."""
    if method in RECORD_MARKS:
        return RECORD_MARKS[method](value)
    if method.endswith(".get_all_records"):
        return [sorted(operation for record in value.values() for operation in record["current_operations"].values())]
    if method.endswith(".get_current_operations"):
        return [sorted(value.values())]
    if method.endswith(".get_allowed_operations"):
        return [sorted(value)]
    return [value] if value == "" or method in {"task.get_status", "VM.get_resident_on"} else []


def _task_marks(task: dict[str, Value]) -> list[Value]:
    marks = [task[key] for key in ("name_label", "status", "type", "result", "allowed_operations", "subtask_of")]
    under_way = task["status"] == "pending"
    done = [str(task["finished"]).startswith("1970"), task["error_info"][:1], len(task["error_info"])]
    return [*marks, *done, sorted(task["current_operations"].values()), under_way or task["progress"]]


def _vm_marks(vm: dict[str, Value]) -> list[Value]:
    under_way = sorted(vm["current_operations"].values())
    places = [vm["power_state"], vm["resident_on"], vm["scheduled_to_be_resident_on"]]
    return [under_way, *places, sorted(vm["allowed_operations"]) if under_way else []]


def _host_marks(host: dict[str, Value]) -> list[Value]:
    return [sorted(host["current_operations"].values()), "evacuate" in host["allowed_operations"]]


RECORD_MARKS = {"task.get_record": _task_marks, "VM.get_record": _vm_marks, "host.get_record": _host_marks}
