from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rebalancer.simulator import SimulatedPool, Simulator
from tests.simulator.replay import Replay, agree, answer, question, recorded

# Answers hold values of every wire type.
Value = Any
HOSTS = (
    "OpaqueRef:3c1133fb-144a-5724-9e2e-f896c152a18c",
    "OpaqueRef:a5a953ec-8407-5be8-9796-af46a64ada3b",
    "OpaqueRef:472e6eb9-34d9-51cb-80b2-67c7905eb16a",
)
CLIENTS = {"json-rpc": "json"}


@pytest.fixture
def slow(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool, running; a move takes about a second."""
    with Simulator(small_pool, speed=8.0, password="secret", login_delay=0.0) as running:
        yield running


def moved_vms(exchanges: list[dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """{recorded VM: (where it was, where it is to go, the code it is refused with)} of a recording's moves."""
    sources: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for exchange in exchanges:
        method, params = question(exchange)
        said = answer(exchange["request"]["path"], exchange["response"]["body"])
        if method == "VM.get_record" and "Value" in said:
            sources.setdefault(params[1], str(said["Value"]["resident_on"]))
        if method.endswith("VM.pool_migrate"):
            found.setdefault(params[1], (params[2], said.get("ErrorDescription", [""])[0]))
    return {vm: (sources.get(vm, ""), target, code) for vm, (target, code) in found.items()}


def cast(simulator: Simulator, exchanges: list[dict[str, Any]]) -> dict[str, str]:
    """Our hosts and guests in the places of the recorded ones, each guest made such that it is refused alike."""
    names = dict(zip(HOSTS, (ref for ref, _ in simulator.database.items("host")), strict=True))
    guests = [
        (ref, vm["resident_on"])
        for ref, vm in simulator.database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    ]
    for vm, (source, target, code) in moved_vms(exchanges).items():
        at_home = names.get(source, "")
        ours = next(g for g in guests if (g[1] == at_home if at_home else g[1] != names.get(target)))
        guests.remove(ours)
        names[vm] = ours[0]
        if code in FLAWS:
            FLAWS[code](simulator, ours[0])
    for exchange in exchanges:
        method, params = question(exchange)
        if re.search(r"VM\.(get_|assert_can)", method) and len(params[1:]) and len(params[1]) == len(HOSTS[0]):
            names.setdefault(params[1], guests[-1][0])
    return names


def lose_tools(simulator: Simulator, vm: str) -> None:
    """Nothing tells of drivers in the guest."""
    metrics = simulator.database.get("VM", vm)["guest_metrics"]
    simulator.database.change("VM_guest_metrics", metrics, PV_drivers_version={}, other={})


def keep_disk_at_home(simulator: Simulator, vm: str) -> None:
    """The guest's first disk is on the local storage of its host."""
    database, guest = simulator.database, simulator.database.get("VM", vm)
    local = next(
        pbd["SR"]
        for _, pbd in database.items("PBD")
        if pbd["host"] == guest["resident_on"] and database.get("SR", pbd["SR"])["type"] == "ext"
    )
    database.change("VDI", database.get("VBD", guest["VBDs"][0])["VDI"], SR=local)


def outgrow(simulator: Simulator, vm: str) -> None:
    """The guest needs more memory than any host has."""
    simulator.database.change("VM", vm, memory_dynamic_min=str(1 << 50), memory_dynamic_max=str(1 << 50))


FLAWS: dict[str, Callable[[Simulator, str], None]] = {
    "OPERATION_BLOCKED": lambda s, vm: s.database.change("VM", vm, blocked_operations={"pool_migrate": "no"}),
    "HOST_NOT_ENOUGH_FREE_MEMORY": outgrow,
    "VM_LACKS_FEATURE": lose_tools,
    "VM_REQUIRES_SR": keep_disk_at_home,
    "VM_BAD_POWER_STATE": lambda s, vm: s.database.change("VM", vm, power_state="Halted"),
}


@pytest.mark.parametrize(
    "name", ["refused", "move-watched", "move-cancelled", "move-fails-late", "two-moves", "vm-busy", "json-rpc"]
)
def test_a_recorded_session_gets_the_same_answers(
    name: str, slow: Simulator, shared_data: Callable[[str], Path]
) -> None:
    """Said again, a recorded session meets the same states in the same order, in values of the same types."""
    path = shared_data(f"xapi-wire/{name}.json.gz")
    exchanges = [e for e in recorded(path, CLIENTS.get(name, "first")) if question(e)[0] != "event.from"]
    names = cast(slow, exchanges)
    if name == "move-fails-late":
        slow.faults.add("move-fails", at=0.9, times=2)
    replay = Replay(slow, names)
    wrong = []
    for exchange in exchanges:
        wrong += [(*question(exchange), words) for words in replay.compare(exchange)]
    assert wrong == []
    assert len(exchanges) >= 10


def sights(events: list[dict[str, Value]], task: str) -> set[tuple[str, ...]]:
    """What events tell of a move: class, operation, and the task's status or the operations under way."""
    seen: set[tuple[str, ...]] = set()
    for event in events:
        record = event.get("snapshot", {})
        if event["class"] == "task":
            if event["ref"] == task:
                seen.add(("task", event["operation"], record.get("status", "")))
        else:
            seen.add((event["class"], event["operation"], *sorted(record["current_operations"].values())))
    return seen


def test_a_watcher_sees_what_was_recorded(slow: Simulator, shared_data: Callable[[str], Path]) -> None:
    """Watching a move by event.from, one sees the same kinds of events as in the recording, built alike."""
    watching = [
        (question(e)[1], answer("/", e["response"]["body"]))
        for e in recorded(shared_data("xapi-wire/move-watched.json.gz"), "watcher")
        if question(e)[0] == "event.from"
    ]
    theirs = [event for _, said in watching for event in said["Value"]["events"]]
    (their_task,) = {e["ref"] for e in theirs if e["class"] == "task" and e["operation"] == "add"}
    api: Value = xmlrpc.client.ServerProxy(slow.url)
    session = api.session.login_with_password("root", "secret")["Value"]
    token = getattr(api.event, "from")(session, ["vm", "host", "task"], "", 1.0)["Value"]["token"]
    vm, guest = next(
        (r, v) for r, v in slow.database.items("VM") if v["is_control_domain"] is False and v["domid"] != "-1"
    )
    target = next(ref for ref, _ in slow.database.items("host") if ref != guest["resident_on"])
    task = ""
    ours: list[dict[str, Value]] = []
    while ("task", "mod", "success") not in sights(ours, task):
        if not task:
            task = api.Async.VM.pool_migrate(session, vm, target, {"live": "true"})["Value"]
        batch = getattr(api.event, "from")(session, ["vm", "host", "task"], token, 1.5)["Value"]
        token, ours = batch["token"], [*ours, *batch["events"]]
        assert all(built_alike(batch, said["Value"]) for _, said in watching)
    assert sights(ours, task) == sights(theirs, their_task)


def built_alike(batch: Value, other: Value) -> bool:
    """Whether two answers to event.from are made up alike, and so is every event of the same class and operation."""
    heads = all(agree(batch[name], other[name]) for name in ("token", "valid_ref_counts"))
    pairs = [(mine, theirs) for mine in batch["events"] for theirs in other["events"]]
    same = [(m, t) for m, t in pairs if (m["class"], m["operation"]) == (t["class"], t["operation"])]
    return batch.keys() == other.keys() and heads and all(agree(mine, theirs) for mine, theirs in same)
