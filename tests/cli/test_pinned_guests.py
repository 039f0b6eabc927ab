"""VMs that cannot leave their host are shut down right before it reboots, and started on it once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.errors import InputError, Unreachable
from rebalancer.face.rolling.guests import PinnedGuests
from rebalancer.face.rolling.trace import Entry, Event, Trace
from rebalancer.simulator import Simulator
from rebalancer.xapi.power.guest_power import GuestPower
from tests.cli.in_maintenance import guests, is_enabled, ref_of
from tests.cli.terminal import READS, Terminal
from tests.cli.with_pinned import HOST, WORDS, auto_power_on, listen, pin, policy_for, pool_with_pinned, roll
from tests.execute.killing import Killed

SWITCHES = {"Async.VM.clean_shutdown", "Async.host.reboot", "Async.VM.start_on"}


@pytest.fixture
def own() -> Iterator[Simulator]:
    """The pool."""
    with pool_with_pinned() as simulator:
        yield simulator


@pytest.fixture
def pinned(own: Simulator) -> list[str]:
    """The two VMs."""
    return pin(own)


def test_they_go_last_and_come_first(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their order, each on its own host again; priorities and the pool's own starting are as they were."""
    name, policy = HOST, policy_for(own, terminal, pinned, WORDS)
    before, calls = guests(own, name), listen(monkeypatch)
    ended = roll(own, terminal, policy)
    assert ended.code == Exit.DONE, ended.err
    assert "2 VMs were off for " in ended.out
    assert (guests(own, name), is_enabled(own, name), auto_power_on(own)) == (before, True, "true")
    assert [own.database.get("VM", vm)["ha_restart_priority"] for vm in pinned] == ["restart", ""]
    kinds = [(method, ref) for method, ref in calls if method in SWITCHES | {"Async.VM.pool_migrate"}]
    first, second = pinned
    host = next(ref for method, ref in kinds if method == "Async.host.reboot")
    switched = [("Async.VM.clean_shutdown", first), ("Async.VM.clean_shutdown", second), ("Async.host.reboot", host)]
    switched += [("Async.VM.start_on", second), ("Async.VM.start_on", first)]
    assert [each for each in kinds if each[0] in SWITCHES] == switched
    moves = [number for number, (method, _) in enumerate(kinds) if method == "Async.VM.pool_migrate"]
    at = [kinds.index(each) for each in switched]
    assert moves
    assert not [number for number in moves if at[0] < number < at[-1]]


def test_how_long_each_was_off_is_told_beside_the_estimate(
    own: Simulator, terminal: Terminal, pinned: list[str]
) -> None:
    """By the trace: from when it was last asked, over a stop and another command, until it was seen running."""
    policy = policy_for(own, terminal, pinned, WORDS)
    first, second = (own.database.get("VM", vm) for vm in pinned)
    own.go_wrong(f"start-fails:vm={second['name_label']}")
    stopped = roll(own, terminal, policy)
    assert stopped.code == Exit.STOPPED
    assert f"shut down, and not started yet: {second['name_label']} of {HOST} since " in stopped.err
    assert first["name_label"] not in stopped.err.partition("not started yet")[2].partition("UTC")[0]
    ended = roll(own, terminal, policy, "--json")
    assert ended.code == Exit.DONE, ended.err
    told = ended.json()
    assert [(each["vm"], each["host"], each["off_since"]) for each in told["shut_down"]] == [
        (first["uuid"], HOST, None),
        (second["uuid"], HOST, None),
    ]
    (kept,) = (terminal.folder / "s" / "rolling").iterdir()
    lines = [(line.event, line.vm, line.at) for line in Trace.opened(kept / "trace.jsonl").entries if line.vm]
    for each in told["shut_down"]:
        (asked,) = (at for event, vm, at in lines if (event, vm) == (Event.STOPPING, each["vm"]))
        (ran,) = (at for event, vm, at in lines if (event, vm) == (Event.RUNS, each["vm"]))
        assert each["seconds"] == (ran - asked).total_seconds() > 0
        assert each["estimated_seconds"] > 600
    assert told["downtime_seconds"] == sum(each["seconds"] for each in told["shut_down"])
    assert told["estimated_downtime_seconds"] == sum(each["estimated_seconds"] for each in told["shut_down"])


def test_who_is_off_is_told_wherever_it_ends(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the pool cannot be reached any more."""

    def gone(_self: PinnedGuests) -> None:
        raise Unreachable("the pool", "it does not answer", "Look at it")

    monkeypatch.setattr(PinnedGuests, "start", gone)
    ended = roll(own, terminal, policy_for(own, terminal, pinned, WORDS))
    off = ended.err.partition("shut down, and not started yet: ")[2]
    assert (ended.code, off.count(f" of {HOST} since ")) == (Exit.ERROR, 2), ended.err


@pytest.mark.parametrize("words", [WORDS[:2], WORDS[:3], [*WORDS[:2], WORDS[3]]])
def test_nobody_is_shut_down_without_the_words(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Nothing is sent that changes anything; and the door to the calls stays closed."""
    calls = listen(monkeypatch)
    ended = roll(own, terminal, policy_for(own, terminal, pinned, words))
    assert ended.code == Exit.ERROR
    assert "execution.power" in ended.sentence
    assert not [method for method, _ in calls if not READS.fullmatch(method)]
    with pytest.raises(InputError, match=r"execution\.power"):
        GuestPower(lambda *_: "", lambda *_: None, lambda _kind, uuid: uuid, lambda *_: {}, words)


def test_a_guest_that_does_not_react_keeps_its_host_on(own: Simulator, terminal: Terminal, pinned: list[str]) -> None:
    """It is named, and never shut down the hard way; its priority is put back, and the same command asks it again."""
    name, policy = HOST, policy_for(own, terminal, pinned, WORDS)
    label = own.database.get("VM", pinned[0])["name_label"]
    before = guests(own, name)
    own.go_wrong(f"shutdown-ignored:vm={label},seconds=0.2")
    stopped = roll(own, terminal, policy)
    assert (stopped.code, is_enabled(own, name)) == (Exit.STOPPED, False)
    assert f"{label} does not shut down: VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT" in stopped.err
    assert f"{name} is not rebooted, and stays disabled" in stopped.err
    assert own.database.get("VM", pinned[0])["ha_restart_priority"] == "restart"
    assert guests(own, name) == set(pinned)
    ended = roll(own, terminal, policy)
    assert (ended.code, guests(own, name)) == (Exit.DONE, before), ended.err


def test_a_vm_that_does_not_start_is_named(own: Simulator, terminal: Terminal, pinned: list[str]) -> None:
    """The other one runs, what was turned down is put back, and the same command starts it once more."""
    name, policy = HOST, policy_for(own, terminal, pinned, WORDS)
    label = own.database.get("VM", pinned[1])["name_label"]
    before = guests(own, name)
    own.go_wrong(f"start-fails:vm={label}")
    stopped = roll(own, terminal, policy)
    assert stopped.code == Exit.STOPPED
    assert f"{label} does not start on {name}" in stopped.err
    assert guests(own, name) == {pinned[0]}
    assert auto_power_on(own) == "true"
    ended = roll(own, terminal, policy)
    assert (ended.code, guests(own, name)) == (Exit.DONE, before), ended.err


def test_whom_the_policy_does_not_name_any_more_stays_on(own: Simulator, terminal: Terminal, pinned: list[str]) -> None:
    """The lists of the itinerary are proven at their turn, by the policy as it is then and the pool as it is."""
    policy = policy_for(own, terminal, pinned, WORDS)
    label = own.database.get("VM", pinned[0])["name_label"]
    own.go_wrong(f"shutdown-ignored:vm={label},seconds=0.2")
    assert roll(own, terminal, policy).code == Exit.STOPPED
    own.database.change("VM", pinned[1], guest_metrics="OpaqueRef:NULL")
    for named in (pinned[:1], pinned[1:]):
        (other,) = (own.database.get("VM", vm)["name_label"] for vm in pinned if vm not in named)
        stopped = roll(own, terminal, policy_for(own, terminal, named, WORDS))
        assert stopped.code == Exit.STOPPED
        assert f"VM {other}: rolling.shut_down of the policy does not name it" in stopped.err
    assert guests(own, HOST) == set(pinned)


@pytest.mark.slow
@pytest.mark.parametrize("point", range(3, 22))
def test_what_was_killed_goes_on(own: Simulator, terminal: Terminal, pinned: list[str], point: int) -> None:
    """After each line of the trace: the same command leads to the same end, and nobody stays off."""
    name, policy = HOST, policy_for(own, terminal, pinned, WORDS)
    before = guests(own, name)
    append, seen = Trace.append, [0]

    def die(self: Trace, entry: Any) -> None:  # noqa: ANN401 - an entry
        append(self, entry)
        seen[0] += 1
        if seen[0] == point:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trace, "append", die)
        with pytest.raises(Killed):
            roll(own, terminal, policy)
    if seen[0] < 20:
        ended = roll(own, terminal, policy)
        assert ended.code == Exit.DONE, ended.err
    assert (guests(own, name), is_enabled(own, name), auto_power_on(own)) == (before, True, "true")
    assert [own.database.get("VM", vm)["ha_restart_priority"] for vm in pinned] == ["restart", ""]


def test_what_was_turned_down_is_put_back_where_the_rest_is_given_up(
    own: Simulator, terminal: Terminal, pinned: list[str]
) -> None:
    """`--anew` with a VM off: it runs again, and priorities and the pool's own starting are as they were."""
    policy = policy_for(own, terminal, pinned, WORDS)
    first, second = (own.database.get("VM", vm)["name_label"] for vm in pinned)
    own.go_wrong(f"shutdown-ignored:vm={second},seconds=0.2")
    assert roll(own, terminal, policy).code == Exit.STOPPED
    assert (own.database.get("VM", pinned[0])["ha_restart_priority"], auto_power_on(own)) == ("", "")
    given_up = roll(own, terminal, policy, "--anew")
    assert given_up.code == Exit.DONE, given_up.err
    before, given, after = given_up.err.partition("the rest of what was begun is given up")
    assert (f"{first} is started" in before, f"{first} is shut down" in after, bool(given)) == (True, True, True)
    assert (own.database.get("VM", pinned[0])["ha_restart_priority"], auto_power_on(own)) == ("restart", "true")


@pytest.mark.parametrize(("kind", "code"), [("pool", Exit.LATER), ("host", Exit.LATER), ("VM", Exit.STOPPED)])
def test_nobody_is_shut_down_while_a_tag_holds(
    own: Simulator, terminal: Terminal, pinned: list[str], kind: str, code: Exit
) -> None:
    """Once the others have left: a tag on pool, host or VM keeps the VM on, and without it the same command goes on."""
    policy = policy_for(own, terminal, pinned, WORDS)
    before = guests(own, HOST)
    ((pool, _),) = own.database.items("pool")
    tagged = {"pool": pool, "host": ref_of(own, HOST), "VM": pinned[0]}[kind]
    append = Trace.append

    def hold(self: Trace, entry: Entry) -> None:
        append(self, entry)
        if entry.event is Event.EMPTY:
            own.database.change(kind, tagged, tags=["rebalancer:hold"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trace, "append", hold)
        held = roll(own, terminal, policy)
    assert held.code == code, held.err
    assert "carries the tag rebalancer:hold" in held.out + held.err
    assert (guests(own, HOST), auto_power_on(own)) == (set(pinned), "true")
    own.database.change(kind, tagged, tags=[])
    ended = roll(own, terminal, policy)
    assert (ended.code, guests(own, HOST)) == (Exit.DONE, before), ended.err
