"""Maintenance mode: one host out of service, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.errors import InputError
from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.claim.pool_claim import LOCK
from rebalancer.execute.journal.folders import lock_path
from rebalancer.simulator import Simulator
from rebalancer.xapi.live import LivePool
from rebalancer.xapi.power.hard_shutdown import HardShutdowns
from rebalancer.xapi.power.service import HostService
from tests.cli.in_maintenance import ALLOWED, POOL, guests, is_enabled, member, ref_of
from tests.cli.terminal import PASSWORD, ROOT, USER, Terminal


@pytest.fixture
def own() -> Iterator[Simulator]:
    """A small pool of its own; a host boots in a moment."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as simulator:
        yield simulator


@pytest.fixture
def policy(terminal: Terminal) -> Path:
    """One that allows it."""
    return terminal.write("m.toml", ALLOWED)


def test_a_host_goes_out_of_service_and_comes_back(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Disabled and empty, rebooted by whom it is for, then enabled, and its VMs are home; then nothing is kept."""
    name = member(own)
    before = guests(own, name)
    ended = terminal.run("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    assert (ended.code, is_enabled(own, name), guests(own, name)) == (Exit.DONE, False, set()), ended.err
    back = f"rebalancer return {own.url} {name} --policy {policy} --state-dir state"
    assert ended.out == f"{name} is disabled and empty. Once it is worked on: {back}\n"
    again = terminal.run("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    assert (again.code, is_enabled(own, name)) == (Exit.DONE, False)
    home = terminal.run("return", own.url, name, "-p", policy, "--state-dir", "state", "--json")
    assert (home.code, is_enabled(own, name), guests(own, name)) == (Exit.DONE, True, before)
    assert (home.json()["host"], home.json()["left"], home.json()["run"]["left"]) == (name, [], [])
    none = terminal.run("return", own.url, name, "-p", policy, "--state-dir", "state")
    assert none.code == Exit.ERROR
    assert "knows of no maintenance of this host" in none.sentence


def test_nothing_is_disabled_without_the_words_of_the_policy(own: Simulator, terminal: Terminal) -> None:
    """Neither command gets as far as the pool; and both say which words it takes."""
    name = member(own)
    without = terminal.write("w.toml", 'name = "w"\n')
    for words in (("evacuate", own.url, name, "--execute"), ("return", own.url, name)):
        ended = terminal.run(*words, "-p", without, "--state-dir", "state")
        assert ended.code == Exit.ERROR
        assert 'power = ["disable"]' in ended.sentence
    assert is_enabled(own, name)
    assert terminal.run("evacuate", own.url, name, "--execute").code != Exit.DONE
    assert is_enabled(own, name)


def test_no_session_has_a_call_that_switches_anything() -> None:
    """Each call stands in one module, whose door opens to the words only; what starts or stops VMs stands nowhere."""
    package = ROOT / "rebalancer"
    named: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0]
        if room not in {"simulator", "rehearse"}:
            for call in re.findall(r'"(?:Async\.)?((?:host|VM|pool)\.[a-z_]+)"', path.read_text(encoding="utf-8")):
                named.setdefault(call, set()).add(path.name)
    assert named["host.disable"] == named["host.enable"] == {"service.py", "roles.py"}
    assert named.pop("host.reboot") == {"reboots.py", "roles.py"}
    assert named.pop("host.shutdown") == named.pop("host.power_on") == {"host_power.py", "roles.py"}
    pair = named.pop("VM.clean_shutdown"), named.pop("VM.start_on")
    assert pair == ({"guest_power.py", "roles.py"},) * 2
    assert named.pop("VM.hard_shutdown") == {"hard_shutdown.py", "roles.py"}
    switches = re.compile(
        r"host\.(reboot|shutdown|power_on|evacuate)|VM\.(\w*shutdown|\w*reboot|start\w*|suspend|resume)"
    )
    assert not [call for call in named if switches.fullmatch(call)]
    assert not [name for name in dir(LivePool) if name in {"disable", "enable", "reboot", "shutdown", "start"}]
    for words in ((), ("reboot",)):
        with pytest.raises(InputError, match=r"execution\.power"):
            HostService(lambda *_: None, lambda _kind, uuid: uuid, words)


def test_no_session_switches_a_vm_off_without_word_and_name() -> None:
    """The door stays closed without all words, and where nobody is named; and it lets nobody through who is not."""
    sent: list[tuple[object, ...]] = []

    def send(*call: object) -> str:
        sent.append(call)
        return "task"

    def door(words: list[str], named: list[str]) -> HardShutdowns:
        return HardShutdowns(send, lambda _, uuid: f"ref {uuid}", lambda *_: {"name_label": "web"}, words, named)

    words = ["shutdown-vm", "start-vm", "hard-shutdown-vm"]
    for missing in words:
        with pytest.raises(InputError, match=r"execution\.power"):
            door([each for each in words if each != missing], ["web"])
    with pytest.raises(InputError, match=r"rolling\.hard_shut_down"):
        door(words, [])
    for named in (["db"], ["tag:web"], ["uuid-2"]):
        with pytest.raises(InputError, match="does not name web"):
            door(words, named).switch_off("uuid-1")
    assert sent == []
    for named in (["web"], ["uuid-1"]):
        door(words, named).switch_off("uuid-1")
    assert sent == [("Async.VM.hard_shutdown", "ref uuid-1")] * 2


def test_who_cannot_leave_keeps_the_host_in_service(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """The table tells who it is; the host stays enabled, and nothing is kept."""
    name = member(own)
    held = min(guests(own, name))
    own.database.change("VM", held, blocked_operations={"pool_migrate": "licence"})
    ended = terminal.run("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    assert (ended.code, is_enabled(own, name)) == (Exit.INFEASIBLE, True)
    assert "op-not-blocked" in ended.out
    assert not (terminal.folder / "state" / "maintenance").exists()


def test_what_stopped_half_way_goes_on(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """A VM that shuts down inside its migration stops the run: the host stays disabled, and the command resumes."""
    name = member(own)
    before = guests(own, name)
    own.go_wrong("stream-breaks-late")
    words = ("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    stopped = terminal.run(*words)
    assert (stopped.code, is_enabled(own, name)) == (Exit.STOPPED, False)
    typed = f"{own.url} {name}", f"--policy {policy} --state-dir state"
    assert f"to resume: rebalancer evacuate {typed[0]} --execute {typed[1]}" in stopped.err
    assert f"to bring home whom it moved: rebalancer return {' '.join(typed)}" in stopped.err
    assert not re.search("rebalancer (apply|rollback)", stopped.err)
    (halted,) = (vm for vm in before if own.database.get("VM", vm)["power_state"] == "Halted")
    back = terminal.run("return", own.url, name, "-p", policy, "--state-dir", "state")
    assert (back.code, is_enabled(own, name)) == (Exit.DONE, True)
    assert guests(own, name) == before - {halted}


def test_the_way_home_is_planned_anew_where_it_cannot_go_on(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """A VM that halts on its way home stops `return` once; the next one leads whoever runs home, and is the last."""
    name = member(own)
    before = guests(own, name)
    assert len(before) > 1
    out = terminal.run("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    assert out.code == Exit.DONE, out.err
    own.go_wrong("stream-breaks-late")
    words = ("return", own.url, name, "-p", policy, "--state-dir", "state")
    stopped = terminal.run(*words)
    assert stopped.code == Exit.STOPPED
    assert "plans the way home anew" in stopped.err
    assert f"to resume: rebalancer return {own.url} {name} --policy {policy} --state-dir state" in stopped.err
    (halted,) = (vm for vm in before if own.database.get("VM", vm)["power_state"] == "Halted")
    back = terminal.run(*words)
    assert (back.code, is_enabled(own, name), guests(own, name)) == (Exit.DONE, True, before - {halted}), back.err
    assert "knows of no maintenance" in terminal.run(*words).sentence


def test_a_host_that_people_took_back_themselves_can_go_again(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """What is kept of it is over once `return` was typed, as the error says; VMs that are home already stay there."""
    name = member(own)
    before = guests(own, name)
    out = ("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "state")
    assert terminal.run(*out).code == Exit.DONE
    own.database.change("host", ref_of(own, name), enabled=True)
    for vm in before:
        own.database.change("VM", vm, resident_on=ref_of(own, name))
    stale = terminal.run(*out)
    assert stale.code == Exit.STALE
    back = f"rebalancer return {own.url} {name} --policy {policy} --state-dir state"
    assert f"to bring home whom it moved, and then to begin anew: {back}" in stale.err
    assert terminal.run(*back.split()[1:]).code == Exit.DONE
    assert (is_enabled(own, name), guests(own, name)) == (True, before)
    again = terminal.run(*out)
    assert (again.code, is_enabled(own, name), guests(own, name)) == (Exit.DONE, False, set()), again.err


def test_no_host_is_touched_while_another_run_writes_to_the_pool(
    own: Simulator, terminal: Terminal, policy: Path
) -> None:
    """Be it a run of this state folder, or one of another machine, which the lock in the pool names."""
    name = member(own)
    ((ref, pool),) = own.database.items("pool")
    folder = ("-p", policy, "--state-dir", "state")
    out, back = ("evacuate", own.url, name, "--execute", *folder), ("return", own.url, name, *folder)
    held = lock_path(pool["uuid"], terminal.folder / "state")
    held.parent.mkdir(mode=0o700, parents=True)
    with held.open("w") as file:
        flock(file, LOCK_EX)
        assert terminal.run(*out).code == Exit.ERROR
    elsewhere = Holder(run="r1", host="elsewhere", user="jane", since=datetime.now(UTC).isoformat()).text
    own.database.change("pool", ref, gui_config={LOCK: elsewhere})
    locked = terminal.run(*out)
    assert (locked.code, is_enabled(own, name)) == (Exit.ERROR, True)
    assert "of jane on elsewhere" in locked.sentence
    own.database.change("pool", ref, gui_config={})
    assert terminal.run(*out).code == Exit.DONE
    own.database.change("pool", ref, gui_config={LOCK: elsewhere})
    assert (terminal.run(*back).code, is_enabled(own, name)) == (Exit.ERROR, False)


def test_only_a_live_pool_has_hosts_to_take_out(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """A snapshot is refused before anything is planned or kept."""
    assert terminal.run("snapshot", own.url, "--output", "pool.json.gz", "--no-metrics").code == Exit.DONE
    words = ("evacuate", "pool.json.gz", member(own), "--execute", "-p", policy, "--state-dir", "state")
    ended = terminal.run(*words)
    assert ended.code == Exit.ERROR
    assert "the URL of a pool" in ended.err
    assert not (terminal.folder / "state").exists()


def test_a_host_that_is_not_back_as_it_was_is_not_enabled(own: Simulator, terminal: Terminal, policy: Path) -> None:
    """Not live, or without storage that it had: the sentence says which, and nobody moves."""
    name = member(own)
    host = ref_of(own, name)
    assert terminal.run("evacuate", own.url, name, "--execute", "-p", policy, "--state-dir", "s").code == Exit.DONE
    metrics = own.database.get("host", host)["metrics"]
    own.database.change("host_metrics", metrics, live=False)
    dead = terminal.run("return", own.url, name, "-p", policy, "--state-dir", "s")
    assert (dead.code, is_enabled(own, name)) == (Exit.ERROR, False)
    assert "it is not back" in dead.sentence
    own.database.change("host_metrics", metrics, live=True)
    own.go_wrong(f"pbd-unplugged:host={name},method=session.login_with_password")
    bare = terminal.run("return", own.url, name, "-p", policy, "--state-dir", "s")
    assert (bare.code, is_enabled(own, name), guests(own, name)) == (Exit.ERROR, False, set())
    assert "is not plugged" in bare.sentence


def test_the_page_can_be_walked(own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/rolling.md tells to type works as it stands there, with this pool's URL and host; people reboot."""
    monkeypatch.setenv("XDG_STATE_HOME", str(terminal.folder / "xdg"))
    page = (ROOT / "docs" / "rolling.md").read_text(encoding="utf-8")
    block = page.partition("walked by tests/cli/test_taking_out.py -->\n```console\n")[2].partition("```")[0]
    terminal.write("maintenance.toml", block.partition("<<'END'\n")[2].partition("END\n")[0])
    name = member(own)
    before = guests(own, name)
    typed = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")][1:]
    assert len(typed) == 3
    for line in typed:
        if line.startswith("xe host-reboot"):
            assert (is_enabled(own, name), guests(own, name)) == (False, set())
            continue
        words = line.replace("http://127.0.1.1:8080", own.url).replace("alder", name).split()
        assert terminal.run(*words[1:]).code == Exit.DONE
    assert (is_enabled(own, name), guests(own, name)) == (True, before)


def test_an_approval_is_asked_for_before_the_host_is_touched(own: Simulator, terminal: Terminal) -> None:
    """Of the plan that empties it, and of the one that leads home; the same command goes on once it is given."""
    name = member(own)
    policy = terminal.write("a.toml", ALLOWED + "require_approval = true\n")
    (uuid,) = (host["uuid"] for _, host in own.database.items("host") if host["name_label"] == name)
    (pool,) = (each["uuid"] for _, each in own.database.items("pool"))
    for command, plan, enabled in (("evacuate", "empty", True), ("return", "return", False)):
        words = [command, own.url, name, "-p", policy, "--state-dir", "s"]
        words += ["--execute"] if command == "evacuate" else []
        asked = terminal.run(*words)
        assert (asked.code, is_enabled(own, name)) == (Exit.NOT_APPROVED, enabled)
        folder = f"s/maintenance/{pool}/{uuid}/{plan}"
        assert terminal.run("approve", folder, "--by", "jane", "--reason", "why").code == Exit.DONE
        assert terminal.run(*words).code == Exit.DONE
    assert is_enabled(own, name)
