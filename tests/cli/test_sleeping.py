"""Hosts that are emptied and switched off, and switched on again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.cli.sleeping import Saving
from rebalancer.demand import LoadProfile
from rebalancer.errors import InputError
from rebalancer.execute import HostNote, HostSwitch, pool_lock
from rebalancer.execute.journal.journal import added_to
from rebalancer.execute.power import record
from rebalancer.history import lengthen
from rebalancer.simulator import Simulator
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.xapi.power.host_power import HostPower
from tests.cli.asleep import ALLOWED, EAGER, WORDS, off, quiet_pool, shown, stages
from tests.cli.in_maintenance import ref_of
from tests.cli.terminal import READS, ROOT, Ended, Terminal
from tests.execute.killing import Killed

ON = (True, True)
LATE_CLOCK = "[demand]\nclock_limit_minutes = 1_000_000\n"
"""Metrics count of a host whose clock is months off, which is the only one once the others sleep."""
LINES = 14
"""What is written of two hosts that are emptied, put to sleep and woken: seven lines each."""


@pytest.fixture
def own() -> Iterator[Simulator]:
    """A quiet pool of its own; a host boots in a moment."""
    with quiet_pool() as simulator:
        yield simulator


@pytest.fixture
def policy(terminal: Terminal) -> Path:
    """One that allows it, and is in a hurry."""
    return terminal.write("p.toml", EAGER)


def sleep(own: Simulator, terminal: Terminal, policy: Path, *more: object) -> Ended:
    """Type `rebalancer sleep --execute`."""
    return terminal.run("sleep", own.url, "--execute", "-p", policy, "--state-dir", "state", *more)


def wake(own: Simulator, terminal: Terminal, policy: Path, *more: object) -> Ended:
    """Type `rebalancer wake`."""
    return terminal.run("wake", own.url, "-p", policy, "--state-dir", "state", *more)


def test_hosts_sleep_and_are_woken(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Emptied, disabled, off; nobody is woken whom the next hours do not need; all are back in service in the end."""
    ended = sleep(own, terminal, policy, "--json")
    assert ended.code == Exit.DONE, ended.err
    asleep = ended.json()["asleep"]
    assert asleep
    assert off(own) == sorted(asleep)
    assert not any(shown(own)[name][1] for name in asleep)
    assert wake(own, terminal, policy).out == "nothing was switched\n"
    assert off(own) == sorted(asleep)
    assert terminal.run("sleep", own.url, "-p", policy, "--json").json()["off"] == sorted(asleep)
    assert f"Off: {', '.join(sorted(asleep))}." in terminal.run("sleep", own.url, "-p", policy).out
    first, *others = asleep
    assert wake(own, terminal, policy, "--host", first).out == f"{first} is awake\n"
    assert off(own) == sorted(others)
    assert wake(own, terminal, policy, "--all").code == Exit.DONE
    assert set(shown(own).values()) == {ON}
    assert set(stages(terminal.folder / "state")[-1:]) == {"awake"}
    again = sleep(own, terminal, policy, "--json")
    assert sorted(again.json()["asleep"]) == sorted(asleep), again.err


def test_hosts_are_woken_before_the_hours_that_need_them(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """A policy that wants one host more finds those awake too few: the timer's command wakes it, and no other."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    before = off(own)
    assert len(before) > 1
    wider = terminal.write("w.toml", EAGER.replace("margin_hosts = 0", "margin_hosts = 1"))
    assert wake(own, terminal, wider).code == Exit.DONE
    assert len(off(own)) == len(before) - 1
    assert wake(own, terminal, wider).out == "nothing was switched\n"


def test_a_host_that_was_woken_rests(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """It is not switched off again for the hours that the policy says."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    assert wake(own, terminal, policy, "--all").code == Exit.DONE
    calm = terminal.write("c.toml", EAGER.replace("rest_hours = 0", "rest_hours = 2"))
    ended = sleep(own, terminal, calm)
    assert (ended.code, off(own)) == (Exit.DONE, [])
    assert "and stays on for 2 h" in ended.out


@pytest.mark.parametrize(
    ("policy_text", "words"),
    [
        (EAGER.replace("margin_hosts = 0", "margin_hosts = 2"), "it is needed at"),
        (EAGER + "[spare]\nhosts = 2\nvms = 'all'\n", "[spare]"),
    ],
)
def test_who_is_needed_stays_on(own: Simulator, terminal: Terminal, policy_text: str, words: str) -> None:
    """By an hour of the next ones, or by a rule: the sentence says which."""
    ended = sleep(own, terminal, terminal.write("n.toml", policy_text))
    assert (ended.code, off(own)) == (Exit.DONE, [])
    assert words in ended.out


def test_a_host_that_cannot_be_switched_on_is_not_switched_off(
    own: Simulator, terminal: Terminal, policy: Path
) -> None:
    """Without a power_on_mode, looked at right before; and one that loses it asleep is named, and stays noted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Saving, "_switched_off", lambda *_: [])
        assert sleep(own, terminal, policy).code == Exit.DONE
    of_all(own, "")
    ended = sleep(own, terminal, policy)
    assert (ended.code, off(own)) == (Exit.DONE, [])
    assert "no power_on_mode" in ended.out
    of_all(own, "wake-on-lan")
    assert sleep(own, terminal, policy).code == Exit.DONE
    lost = off(own)[0]
    own.database.change("host", ref_of(own, lost), power_on_mode="")
    stopped = wake(own, terminal, policy, "--all")
    assert (stopped.code, off(own)) == (Exit.STOPPED, [lost])
    assert f"{lost} has no power_on_mode any more" in stopped.err


def of_all(own: Simulator, mode: str) -> None:
    """Let all hosts have that power_on_mode."""
    for ref, _ in own.database.items("host"):
        own.database.change("host", ref, power_on_mode=mode)


def test_no_vm_is_moved_where_nobody_could_be_woken(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Hosts that cannot be switched on are not emptied for nothing."""
    of_all(own, "")
    before = {ref: vm["resident_on"] for ref, vm in own.database.items("VM")}
    ended = sleep(own, terminal, policy)
    assert (ended.code, ended.out, off(own)) == (Exit.DONE, "nothing was switched\n", [])
    assert "no VM is moved: the plan empties " in ended.err
    assert {ref: vm["resident_on"] for ref, vm in own.database.items("VM")} == before


def test_the_clock_of_the_pool_counts_from_the_plan_to_the_last_host(terminal: Terminal) -> None:
    """Months ago, so that the plan is too old by that of this machine; what to type next goes by it, too."""
    policy = terminal.write("p.toml", EAGER + LATE_CLOCK)
    with quiet_pool((datetime.now(UTC) - timedelta(days=90)).timestamp()) as own:
        ended = sleep(own, terminal, policy, "--pool-clock")
        assert (ended.code, bool(off(own))) == (Exit.DONE, True), ended.err
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HostSwitch, "_shows", lambda *_: False)
            stopped = wake(own, terminal, policy, "--pool-clock", "--all")
        assert f"to resume: rebalancer wake {own.url} --all --pool-clock --policy {policy}" in stopped.err
        assert wake(own, terminal, policy, "--pool-clock", "--all").code == Exit.DONE


def test_a_host_that_others_emptied_stays_on(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Empty as it is, it is not this state folder's; nor is one that somebody disabled, or put VMs on, meanwhile."""
    rows = sorted((host["name_label"], ref) for ref, host in own.database.items("host"))
    members = [(name, ref) for name, ref in rows if ref != own.world.coordinator]
    for vm, found in own.database.all("VM").items():
        if found["resident_on"] in {ref for _, ref in members} and not found["is_control_domain"]:
            own.database.change("VM", vm, resident_on=own.world.coordinator)
    ended = sleep(own, terminal, policy)
    assert (ended.code, off(own)) == (Exit.DONE, [])
    stays = "stays on: it was not emptied by `sleep --execute` from this state folder"
    empty = [f"{name} {stays}" for name, _ in members]
    assert "no VM is moved: no plan empties a host" in ended.err
    assert ended.out.splitlines() == ["nothing was switched", *empty]


def test_nobody_is_switched_without_the_words(
    own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither command sends a call that changes anything; each says which words it takes."""
    calls: list[str] = []
    answer = Dispatcher.call

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        calls.append(method)
        return answer(self, host_ref, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)
    for words in (
        "",
        'power = ["disable"]\n',
        'power = ["shutdown", "power-on"]\n',
        'power = ["disable", "shutdown"]\n',
    ):
        policy = terminal.write("w.toml", ALLOWED.replace(WORDS, words))
        for ended in (sleep(own, terminal, policy), wake(own, terminal, policy, "--all")):
            assert ended.code == Exit.ERROR
            assert "execution.power" in ended.sentence
    assert terminal.run("sleep", own.url, "--execute").code == Exit.ERROR
    assert terminal.run("sleep", own.url, "-p", terminal.write("p.toml", EAGER)).code == Exit.DONE
    assert not [each for each in calls if not READS.fullmatch(each)]
    balancing = terminal.write("b.toml", EAGER.replace("consolidate", "balance"))
    assert 'mode = "consolidate"' in sleep(own, terminal, balancing).sentence


@pytest.mark.parametrize("call", ["shut_down", "switch_on"])
def test_each_call_asks_for_its_own_word(call: str) -> None:
    """Nothing is sent where the policy has all words but that one."""
    sent: list[object] = []
    other = {"shut_down": ["disable", "power-on"], "switch_on": ["disable", "shutdown"]}[call]
    door = HostPower(lambda *words: sent.append(words), lambda _kind, uuid: uuid, lambda *_: {}, other)
    with pytest.raises(InputError, match=r"execution\.power"):
        getattr(door, call)("h1")
    assert not sent


def test_a_guest_that_comes_meanwhile_keeps_its_host_on(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """It was started there after the look and before the host was disabled: nobody is switched off under it."""
    free = next(
        ref for ref, vm in own.database.all("VM").items() if vm["power_state"] == "Halted" and not vm["is_a_template"]
    )
    asleep = sleep(own, terminal, policy, "--json").json()["asleep"]
    assert wake(own, terminal, policy, "--all").code == Exit.DONE
    name = own.database.get("VM", free)["name_label"]
    own.go_wrong(f"vm-started:other={name},to={asleep[0]},method=host.disable")
    ended = sleep(own, terminal, policy)
    assert (ended.code, shown(own)[asleep[0]]) == (Exit.DONE, ON), ended.err
    assert f"{name} came to {asleep[0]} meanwhile: it stays on" in ended.err
    assert off(own) == sorted(asleep[1:])


@pytest.mark.parametrize(
    ("fault", "words"),
    [("boot-fails", "is not back after 5 min"), ("comes-back-unplugged", "without storage that it had")],
)
def test_a_host_that_is_not_back_as_it_was_is_a_doubt(
    own: Simulator, terminal: Terminal, policy: Path, fault: str, words: str
) -> None:
    """Its sentence says what is wrong; the others are awake, and the same command goes on once it is put right."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    name = off(own)[0]
    own.go_wrong(f"{fault}:host={name}")
    stopped = wake(own, terminal, policy, "--all")
    assert (stopped.code, shown(own)[name][0]) == (Exit.STOPPED, fault != "boot-fails")
    assert words in stopped.err
    assert f"{name} " in stopped.err
    assert f"to resume: rebalancer wake {own.url} --all " in stopped.err
    assert "--execute" not in stopped.err
    if fault != "boot-fails":
        for pbd, record in own.database.items("PBD"):
            own.database.change("PBD", pbd, currently_attached=True) if record["host"] == ref_of(own, name) else None
    assert wake(own, terminal, policy).code == Exit.DONE
    assert set(shown(own).values()) == {ON}


@pytest.mark.parametrize(
    "fault", ["comes-back-disabled", "boots-slowly:seconds=2", "no-answer:method=host.power_on,seconds=1"]
)
def test_what_goes_wrong_and_is_no_doubt(own: Simulator, terminal: Terminal, policy: Path, fault: str) -> None:
    """A host that comes back disabled, or late, or to whose call nobody answered, is in service in the end."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    own.go_wrong(fault)
    ended = wake(own, terminal, policy, "--all")
    assert (ended.code, set(shown(own).values())) == (Exit.DONE, {ON}), ended.err


def test_a_call_that_is_refused_leaves_the_host_for_the_next_time(
    own: Simulator, terminal: Terminal, policy: Path
) -> None:
    """XAPI's code is told; the same command goes on with that host."""
    own.go_wrong("refused:method=host.shutdown,code=HOST_IN_EMERGENCY_MODE")
    refused = sleep(own, terminal, policy)
    assert (refused.code, off(own)) == (Exit.ERROR, [])
    assert "HOST_IN_EMERGENCY_MODE" in refused.sentence
    assert sleep(own, terminal, policy).code == Exit.DONE
    assert off(own)


def test_a_host_that_does_not_go_down_stops_it(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """The sentence names it; no other host is switched off after it, and waking brings it back into service."""
    own.world.boot_seconds = 1e9
    stopped = sleep(own, terminal, policy)
    assert (stopped.code, off(own)) == (Exit.STOPPED, [])
    assert "still on after 5 min" in stopped.err
    assert [on for on in shown(own).values() if on != ON] == [(True, False)]
    assert f"to wake them: rebalancer wake {own.url} --all --policy {policy} --state-dir state" in stopped.err


@pytest.mark.slow
@pytest.mark.parametrize("point", range(1, LINES + 1))
def test_what_was_killed_goes_on(own: Simulator, terminal: Terminal, policy: Path, point: int) -> None:
    """At each line of the record, half of which is written then: the same command leads to the same end."""
    with pytest.MonkeyPatch.context() as patch:
        die_at(point, patch)
        with pytest.raises(Killed):
            sleep_and_wake(own, terminal, policy)
    assert sleep(own, terminal, policy).code == Exit.DONE
    assert off(own)
    assert wake(own, terminal, policy, "--all").code == Exit.DONE
    assert set(shown(own).values()) == {ON}


def sleep_and_wake(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Type both commands."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    assert wake(own, terminal, policy, "--all").code == Exit.DONE


def die_at(point: int, patch: pytest.MonkeyPatch) -> None:
    """Let the process die at the *point*-th line of the record, with half of it on the disk."""
    seen = [0]
    line = HostNote.line

    def half(self: HostNote) -> bytes:
        seen[0] += 1
        whole = line(self)
        return whole[: len(whole) // 2] if seen[0] == point else whole

    def added(path: Path, lines: bytes) -> None:
        added_to(path, lines)
        if seen[0] >= point:
            raise Killed

    patch.setattr(HostNote, "line", half)
    patch.setattr(record, "added_to", added)


@pytest.mark.parametrize("kind", ["pool", "host"])
def test_a_tag_that_holds_keeps_hosts_on(own: Simulator, terminal: Terminal, policy: Path, kind: str) -> None:
    """On the pool or on the host, once it was emptied; without it the same command goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Saving, "_switched_off", lambda *_: [])
        assert sleep(own, terminal, policy).code == Exit.DONE
    for ref in own.database.all(kind):
        own.database.change(kind, ref, tags=["rebalancer:hold"])
    held = sleep(own, terminal, policy)
    assert (held.code, off(own)) == (Exit.DONE, []), held.err
    assert "it or the pool carries the tag rebalancer:hold" in held.out
    for ref in own.database.all(kind):
        own.database.change(kind, ref, tags=[])
    assert sleep(own, terminal, policy).code == Exit.DONE
    assert off(own)


def test_a_host_that_somebody_enabled_before_it_went_down_rests(
    own: Simulator, terminal: Terminal, policy: Path
) -> None:
    """Killed once it was disabled, before the call left: whoever enables it decides, and it counts as woken."""
    policy.write_text(policy.read_text(encoding="utf-8").replace("rest_hours = 0", "rest_hours = 4"), encoding="utf-8")

    def die(*_: object) -> NoReturn:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostPower, "shut_down", die)
        with pytest.raises(Killed):
            sleep(own, terminal, policy)
    (name,) = (each for each, on in shown(own).items() if on != ON)
    assert stages(terminal.folder / "state")[-1] == "stopping"
    own.database.change("host", ref_of(own, name), enabled=True)
    ended = sleep(own, terminal, policy)
    assert ended.code == Exit.DONE, ended.err
    assert name not in off(own)
    assert f"{name} stays on: it was woken at" in ended.out


def test_ctrl_c_tells_how_to_go_on(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """While hosts are waited for, on their way down and on their way up; and that goes on."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostSwitch, "_shows", interrupt)
        ended = sleep(own, terminal, policy)
    options = f"--policy {policy} --state-dir state"
    assert (ended.code, ended.sentence) == (Exit.ERROR, "interrupted")
    assert f"to resume: rebalancer sleep {own.url} --execute {options}" in ended.err
    assert sleep(own, terminal, policy).code == Exit.DONE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostSwitch, "_shows", interrupt)
        ended = wake(own, terminal, policy, "--all")
    assert f"to resume: rebalancer wake {own.url} --all {options}" in ended.err
    assert wake(own, terminal, policy, "--all").code == Exit.DONE
    assert set(shown(own).values()) == {ON}


def test_the_page_can_be_walked(own: Simulator, terminal: Terminal) -> None:
    """What docs/sleep.md tells to type works as it stands there, with this pool's URL."""
    page = (ROOT / "docs" / "sleep.md").read_text(encoding="utf-8")
    block = page.partition("walked by tests/cli/test_sleeping.py -->\n```console\n")[2].partition("```")[0]
    terminal.write("saving.toml", block.partition("<<'END'\n")[2].partition("END\n")[0])
    typed = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")][1:]
    left = []
    for line in typed:
        words = line.replace("http://127.0.1.1:8080", own.url).split()
        assert terminal.run(*words[1:]).code == Exit.DONE
        left.append(len(off(own)))
    assert left == [2, 2, 0]


def test_the_pool_of_the_policy_is_woken_without_a_url(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """As the timer types it; without either there is nobody to wake."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    named = terminal.write("n.toml", EAGER + f'[pool]\nurl = "{own.url}"\n')
    assert terminal.run("wake", "-p", named, "--state-dir", "state", "--all").code == Exit.DONE
    assert not off(own)
    assert "pool.url" in terminal.run("wake", "-p", policy).sentence


def test_the_timers_run_what_exists(terminal: Terminal) -> None:
    """The services type both commands with paths that were given; the timers are there, but for `systemd` alone."""
    words = ("--policy", "/srv/p.toml", "--state-dir", "/srv/state")
    for kind, name in (("sleep", "sleep --execute"), ("wake", "wake")):
        service = terminal.run("systemd", kind, *words).out
        assert (
            f"\nExecStart=/opt/rebalancer/bin/rebalancer {name} --state-dir /srv/state --policy /srv/p.toml\n"
            in service
        )
        assert " rebalancer-nightly.service" in next(line for line in service.splitlines() if line.startswith("After="))
    assert "OnCalendar=*-*-* *:00/10\n" in terminal.run("systemd", "wake-timer").out
    assert "OnCalendar=*-*-* 23:30\n" in terminal.run("systemd", "sleep-timer").out
    assert "OnCalendar=*-*-* 01:15 UTC\n" in terminal.run("systemd", "sleep-timer", "--at", "01:15 UTC").out
    assert not {"wake", "sleep"} & set(terminal.run("systemd").out.split())


def test_the_pool_of_the_policy_sleeps_without_a_url(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """As the timer types it, and without --execute; without either there is no pool."""
    named = terminal.write("n.toml", EAGER + f'[pool]\nurl = "{own.url}"\n')
    looked = terminal.run("sleep", "-p", named)
    assert (looked.code, "hosts in use" in looked.out) == (Exit.DONE, True), looked.err
    assert terminal.run("sleep", "--execute", "-p", named, "--state-dir", "state").code == Exit.DONE
    assert off(own)
    assert "pool.url" in terminal.run("sleep", "--execute", "-p", policy).sentence
    assert terminal.run("sleep").code == Exit.ERROR


def test_waking_nobody_needs_no_lock(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """While a night runs, the timer fails only where somebody would have to be woken."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    wider = terminal.write("w.toml", EAGER.replace("margin_hosts = 0", "margin_hosts = 1"))
    before = off(own)
    (name,) = (pool["uuid"] for _, pool in own.database.items("pool"))
    with ThreadPoolExecutor(1) as night, pool_lock(name, terminal.folder / "state"):
        calm = night.submit(wake, own, terminal, policy).result()
        assert (calm.code, calm.out) == (Exit.DONE, "nothing was switched\n"), calm.err
        assert night.submit(wake, own, terminal, wider).result().code == Exit.ERROR
        assert night.submit(wake, own, terminal, policy, "--all").result().code == Exit.ERROR
    assert off(own) == before
    assert wake(own, terminal, wider).code == Exit.DONE
    assert off(own) != before


def test_days_that_only_the_history_knows_count(
    own: Simulator, terminal: Terminal, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that looks back further than XAPI has hours goes by the history: a busier day there wakes a host."""
    assert sleep(own, terminal, policy).code == Exit.DONE
    before = off(own)
    longer = terminal.write("l.toml", EAGER + "[demand]\nwindow_days = 14\n")
    assert wake(own, terminal, longer).out == "nothing was switched\n"

    def busier(_place: object, _pool: object, demand: LoadProfile, *_: object) -> LoadProfile:
        assert demand.series is not None
        return replace(demand, series=replace(demand.series, vm_pcpu=demand.series.vm_pcpu + 10.0))

    monkeypatch.setattr(lengthen, "looked_back", busier)
    ended = wake(own, terminal, longer)
    assert ended.code == Exit.DONE, ended.err
    assert len(off(own)) < len(before), (ended.out, ended.err)
