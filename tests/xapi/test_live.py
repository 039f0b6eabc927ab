from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from rebalancer.errors import OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.inventory import PowerState
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import LivePool, TaskState, TaskStatus, Trust, connect, live_pool
from rebalancer.xapi.called import Called
from rebalancer.xapi.reading.read import read_records
from tests.xapi.moves import ROOT, possible_move
from tests.xapi.scripted import CLOSE, SILENCE, failure, scripted, success


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running pool of three hosts whose moves take about a second."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1), speed=40) as running:
        yield running


@pytest.fixture
def live(simulator: Simulator) -> Iterator[LivePool]:
    """The same pool, to be changed."""
    with live_pool(simulator.url, ROOT, Trust()) as pool:
        yield pool


def end_of(live: LivePool, task: str) -> TaskState:
    """How a task ended."""
    until = time.monotonic() + 120
    while (state := live.task(task)).status is TaskStatus.PENDING:
        assert time.monotonic() < until
        time.sleep(0.05)
    return state


def test_a_vm_moves(live: LivePool) -> None:
    """A migration gives a task; while it runs the target is scheduled; at its end the VM is there."""
    move = possible_move(live)
    assert live.whereabouts(move.vm).resident_on == move.source
    task = live.migrate(move.vm, move.target)
    assert end_of(live, task) == TaskState(status=TaskStatus.SUCCESS, progress=1.0, error=())
    where = live.whereabouts(move.vm)
    assert (where.resident_on, where.scheduled_to, where.operations) == (move.target, None, ())
    assert where.power_state is PowerState.RUNNING
    live.forget(task)
    assert live.task(task).status is TaskStatus.VANISHED
    live.forget(task)


def test_a_move_is_seen_while_it_runs(simulator: Simulator, live: LivePool) -> None:
    """While a VM moves, its target is scheduled and its operation is visible."""
    simulator.world.speed = 1.0
    move = possible_move(live)
    task = live.migrate(move.vm, move.target)
    until = time.monotonic() + 120
    while not (where := live.whereabouts(move.vm)).operations and time.monotonic() < until:
        time.sleep(0.02)
    assert (where.resident_on, where.scheduled_to, where.operations) == (move.source, move.target, ("pool_migrate",))
    live.cancel(task)
    assert end_of(live, task).status is TaskStatus.CANCELLED
    assert live.whereabouts(move.vm).resident_on == move.source


def test_memory_travels_over_the_network_that_is_named(live: LivePool) -> None:
    """Over the network of the management interfaces the VM arrives; over one without addresses XAPI refuses it."""
    move = possible_move(live)
    pool = live.read()
    used = {pif.network for pif in pool.hosts[move.target].pifs if pif.ip and pif.currently_attached}
    bare = {pif.network for pif in pool.hosts[move.target].pifs if not pif.ip} - used
    ended = end_of(live, live.migrate(move.vm, move.target, min(bare)))
    assert (ended.status, ended.error[0]) == (TaskStatus.FAILURE, "INTERFACE_HAS_NO_IP")
    assert end_of(live, live.migrate(move.vm, move.target, min(used))).status is TaskStatus.SUCCESS


def test_a_refusal_keeps_its_code(simulator: Simulator, live: LivePool) -> None:
    """What XAPI says beforehand is what its task says: code and parameters."""
    move = possible_move(live)
    ref = next(ref for ref, host in simulator.database.all("host").items() if host["uuid"] == move.target)
    simulator.database.change("host", ref, enabled=False)
    with pytest.raises(RefusedByXapi) as raised:
        live.assert_may_migrate(move.vm, move.target)
    assert raised.value.code == "HOST_DISABLED"
    ended = end_of(live, live.migrate(move.vm, move.target))
    assert ended.status is TaskStatus.FAILURE
    assert ended.error[0] == "HOST_DISABLED"


def test_unknown_objects_are_refused(live: LivePool) -> None:
    """A VM or host that the pool does not have is refused, not a traceback."""
    with pytest.raises(RefusedByXapi, match="UUID_INVALID"):
        live.whereabouts("00000000-0000-0000-0000-000000000000")
    with pytest.raises(RefusedByXapi, match="UUID_INVALID"):
        live.migrate("00000000-0000-0000-0000-000000000000", "x")


def test_a_lost_answer_is_an_unknown_outcome(simulator: Simulator, live: LivePool) -> None:
    """When the connection breaks after XAPI took the call, the outcome is unknown, and the VM moves once."""
    move = possible_move(live)
    simulator.faults.add("connection-reset", method="Async.VM.pool_migrate")
    with pytest.raises(OutcomeUnknown, match=r"Async\.VM\.pool_migrate was sent and no answer came"):
        live.migrate(move.vm, move.target)
    assert len(simulator.database.all("task")) == 1


LOGIN = success("OpaqueRef:S")
NAMES = [success("OpaqueRef:V"), success("OpaqueRef:H")]


@pytest.mark.parametrize(
    "end",
    [
        CLOSE,
        SILENCE,
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        success("x").replace(b"Status", b"Estate"),
    ],
)
def test_a_migration_is_sent_once(end: bytes | str) -> None:
    """Whatever comes instead of an answer, the call was sent once, on a connection of its own, and is unknown."""
    with scripted([LOGIN, *NAMES, end, success("OpaqueRef:T")]) as server:
        live = live_pool(server.url, ROOT, Trust(), timeout_seconds=2.0)
        with pytest.raises(OutcomeUnknown):
            live.migrate("vm", "host")
        assert server.asked[1:] == [(1, "VM.get_by_uuid"), (1, "host.get_by_uuid"), (2, "Async.VM.pool_migrate")]


@pytest.mark.parametrize("code", ["SESSION_INVALID", "HOST_IS_SLAVE"])
def test_a_call_that_was_turned_away_is_not_sent_again(code: str) -> None:
    """A call that XAPI turned away unread is told as such, and is not repeated by itself."""
    with scripted([LOGIN, *NAMES, failure(code, "127.0.0.1"), success("OpaqueRef:T")]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(Unreachable, match=f"was turned away with {code}"):
            live.migrate("vm", "host")
        assert server.methods.count("Async.VM.pool_migrate") == 1


def test_nothing_is_sent_to_a_pool_that_is_gone() -> None:
    """If no connection can be made, nothing was sent, and the error says unreachable."""
    with scripted([LOGIN, *NAMES]) as server:
        live = live_pool(server.url, ROOT, Trust())
        live.ref_of("VM", "vm")
        live.ref_of("host", "host")
    with pytest.raises(Unreachable, match="nothing listens there"):
        live.migrate("vm", "host")


def test_cancelling_without_answer_is_unreachable() -> None:
    """A cancel without answer is unreachable, not unknown: to ask again does no harm."""
    with scripted([LOGIN, CLOSE]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(Unreachable, match=r"task\.cancel was sent and no answer came"):
            live.cancel("OpaqueRef:T")


@pytest.mark.parametrize(
    ("status", "expected"),
    [("pending", TaskStatus.PENDING), ("cancelling", TaskStatus.PENDING), ("success", TaskStatus.SUCCESS)],
)
def test_task_status(status: str, expected: TaskStatus) -> None:
    """A task that is being cancelled has not ended."""
    with scripted([LOGIN, success({"uuid": "t", "status": status, "progress": 0.5, "error_info": []})]) as server:
        live = live_pool(server.url, ROOT, Trust())
        assert live.task("OpaqueRef:T").status is expected


def test_a_renewed_session_can_migrate(simulator: Simulator, live: LivePool) -> None:
    """After XAPI has forgotten the session, the next look renews it, and the migration goes out in the new one."""
    move = possible_move(live)
    simulator.faults.add("session-expires", method="VM.get_record")
    assert live.whereabouts(move.vm).resident_on == move.source
    assert end_of(live, live.migrate(move.vm, move.target)).status is TaskStatus.SUCCESS


SECRET = "OpaqueRef:11111111-aaaa-bbbb-cccc-000000000000"
MIRROR = f"Http_client.Http_error(https://10.0.0.2/services/SM?session_id={SECRET}&x=1)"


def test_no_session_is_told_in_an_error() -> None:
    """XAPI puts sessions into the addresses in its errors; no word of ours repeats one."""
    ended = {"uuid": "t", "status": "failure", "progress": 1.0, "error_info": ["INTERNAL_ERROR", MIRROR]}
    with scripted([LOGIN, success(ended), failure("INTERNAL_ERROR", MIRROR)]) as server:
        live = live_pool(server.url, ROOT, Trust())
        error = live.task("OpaqueRef:T").error
        assert error == ("INTERNAL_ERROR", MIRROR.replace(SECRET, "..."))
        with pytest.raises(RefusedByXapi) as refused:
            live.read()
        assert SECRET not in f"{refused.value} {refused.value.params}"


def test_objects_in_errors_have_names(simulator: Simulator, live: LivePool) -> None:
    """XAPI's references become names, in refusals and in errors of tasks; two of one name have their uuids as well."""
    move, pool = possible_move(live), live.read()
    ref, host = next(each for each in simulator.database.all("host").items() if each[1]["uuid"] == move.target)
    simulator.database.change("host", ref, enabled=False)
    with pytest.raises(RefusedByXapi, match=f"host {host['name_label']} is disabled") as raised:
        live.assert_may_migrate(move.vm, move.target)
    assert raised.value.params == (host["name_label"],)
    assert end_of(live, live.migrate(move.vm, move.target)).error == ("HOST_DISABLED", host["name_label"])
    for each in simulator.database.all("host"):
        simulator.database.change("host", each, name_label="xen")
    live.read()
    assert pool.hosts
    with pytest.raises(RefusedByXapi, match=rf"host xen \({move.target[:8]}\) is disabled"):
        live.assert_may_migrate(move.vm, move.target)


def test_what_has_no_name_is_told_by_its_uuid(simulator: Simulator) -> None:
    """A VIF has none; of a reference that nobody has read only the start is told: it may be a session."""
    with connect(simulator.url, ROOT, Trust()) as session:
        records = read_records(session)
    called = Called(records)
    ref, vif = next(iter(records["VIF"].items()))
    assert (
        called.told(f"bad {ref}, {SECRET}?session_id={ref}")
        == f"bad VIF {vif['uuid'][:8]}, {SECRET[:18]}...?session_id=..."
    )
