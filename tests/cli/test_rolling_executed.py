"""All hosts worked on by one command: each emptied, rebooted, taken back, and its VMs brought home."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from threading import Event, Thread
from typing import NoReturn

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.errors import InputError
from rebalancer.face.rolling.course import Course
from rebalancer.simulator import Simulator
from rebalancer.simulator.migration.boots import go_down
from rebalancer.xapi.power.reboots import HostReboots
from tests.cli.all_hosts import BY_OTHERS, BY_XAPI, NEWER, boots, names, placement, reboot
from tests.cli.in_maintenance import POOL, guests, is_enabled, ref_of
from tests.cli.terminal import PASSWORD, ROOT, USER, Terminal
from tests.execute.killing import Killed


@pytest.fixture
def own() -> Iterator[Simulator]:
    """A small pool of its own, whose hosts report a newer version once they have booted; they boot in a moment."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0, update=NEWER) as simulator:
        yield simulator


def versions(simulator: Simulator) -> set[str]:
    """The platform versions in the pool."""
    return {host["software_version"]["platform_version"] for _, host in simulator.database.items("host")}


def test_all_hosts_are_updated_by_xapi_and_all_vms_are_home(own: Simulator, terminal: Terminal) -> None:
    """Each host was rebooted once, runs the new version and is in service; and a second run has nothing to do."""
    policy = terminal.write("u.toml", BY_XAPI)
    before, booted = placement(own), boots(own)
    words = ("rolling", own.url, "--execute", "--update", NEWER, "-p", policy, "--state-dir", "s")
    ended = terminal.run(*words)
    assert ended.code == Exit.DONE, ended.err
    assert placement(own) == before
    assert versions(own) == {NEWER}
    assert all(is_enabled(own, name) for name in names(own))
    assert all(boots(own)[name] != booted[name] for name in names(own))
    (kept,) = (terminal.folder / "s" / "rolling").iterdir()
    lines = [json.loads(line) for line in (kept / "trace.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines].count("went-down") == len(names(own))
    assert lines[-1]["event"] == "ended"
    again = terminal.run(*words)
    assert again.code == Exit.ERROR
    assert "nothing left to do" in again.sentence


def test_people_reboot_the_hosts_where_nobody_else_does(own: Simulator, terminal: Terminal) -> None:
    """Without a terminal to ask at, the command ends once a host is empty, and goes on once that was rebooted."""
    policy = terminal.write("u.toml", BY_OTHERS)
    before = placement(own)
    words = ("rolling", own.url, "--execute", "--update", NEWER, "-p", policy, "--state-dir", "s")
    done: set[str] = set()
    for _ in names(own):
        ended = terminal.run(*words)
        assert ended.code == Exit.LATER, ended.err
        (name,) = (each for each in names(own) if not is_enabled(own, each))
        assert f"{name} is disabled and empty: update it to platform version {NEWER}, and reboot it" in ended.out
        assert guests(own, name) == set()
        assert terminal.run(*words).code == Exit.LATER
        assert name not in done
        done.add(name)
        reboot(own, name)
    assert terminal.run(*words).code == Exit.DONE
    assert (placement(own), done) == (before, set(names(own)))


def test_what_was_begun_for_other_hosts_is_not_gone_on_with(own: Simulator, terminal: Terminal) -> None:
    """Whoever names one host does not mean all; nor does who names more, but for hosts that are updated already."""
    policy = terminal.write("u.toml", BY_OTHERS)
    words = ("--execute", "-p", policy, "--state-dir")
    first, second, third = names(own)
    assert terminal.run("rolling", own.url, *words, "all").code == Exit.LATER
    assert "something else was begun" in terminal.run("rolling", own.url, first, *words, "all").sentence
    (down,) = (each for each in names(own) if not is_enabled(own, each))
    own.database.change("host", ref_of(own, down), enabled=True)
    assert terminal.run("rolling", own.url, first, *words, "one").code == Exit.LATER
    assert "something else was begun" in terminal.run("rolling", own.url, first, second, *words, "one").sentence
    own.database.change("host", ref_of(own, first), enabled=True)
    reboot(own, third)
    update = ("rolling", own.url, first, second, third, *words, "rest", "--update", NEWER)
    for _ in range(2):
        ended = terminal.run(*update)
        assert ended.code == Exit.LATER, ended.err


def test_a_command_of_the_operator_reboots_them(own: Simulator, terminal: Terminal) -> None:
    """It is run once for each host, without a shell, knows its name, uuid and address, and no password."""
    script = terminal.write(
        "r.py",
        "import json, os, sys\n"
        "known = {key: value for key, value in os.environ.items() if key.startswith('REBALANCER_')}\n"
        "open('seen', 'a').write(json.dumps([sys.argv[1:], known]) + chr(10))\n"
        "sys.exit(3)\n",
    )
    command = json.dumps([sys.executable, str(script), "$HOME; reboot"])
    policy = terminal.write("u.toml", f"{BY_OTHERS}[rolling]\ncommand = {command}\n")
    words = ("rolling", own.url, "--execute", "-p", policy, "--state-dir", "s")
    failed = terminal.run(*words)
    assert failed.code == Exit.STOPPED
    assert "rolling.command: it ended with code 3" in failed.err
    (seen,) = (terminal.folder / "seen").read_text().splitlines()
    (host,) = (host for _, host in own.database.items("host") if not host["enabled"])
    told = {"REBALANCER_HOST": host["name_label"], "REBALANCER_HOST_UUID": host["uuid"]}
    told |= {"REBALANCER_HOST_ADDRESS": host["address"], "REBALANCER_UPDATE": ""}
    assert json.loads(seen) == [["$HOME; reboot"], told]


@pytest.mark.parametrize("words", [(), ("disable",), ("reboot",)])
def test_no_reboot_without_the_words(words: tuple[str, ...]) -> None:
    """The door to the call stays closed."""
    with pytest.raises(InputError, match=r"execution\.power"):
        HostReboots(lambda *_: "", lambda _kind, uuid: uuid, words)


def test_hosts_of_pinned_vms_are_planned_where_the_policy_names_them(own: Simulator, terminal: Terminal) -> None:
    """The table lists whom, and for how long; without the words of the policy the host is left out."""
    ref, vm = min(
        (ref, vm)
        for ref, vm in own.database.all("VM").items()
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    )
    own.database.change("VM", ref, blocked_operations={"pool_migrate": "licence", "migrate_send": "licence"})
    name = vm["name_label"]
    named = terminal.write("n.toml", f'{BY_OTHERS}[rolling]\nshut_down = ["{name}"]\n')
    silent = terminal.write("s.toml", BY_OTHERS)
    told = terminal.run("rolling", own.url, "--shut-down-pinned", "-p", named, "--json")
    assert told.code == Exit.DONE, told.err
    assert [each["vm_name"] for stage in told.json()["stages"] for each in stage["shut_down"]] == [name]
    assert "Shut down meanwhile" in terminal.run("rolling", own.url, "--shut-down-pinned", "-p", named).out
    assert terminal.run("rolling", own.url, "--shut-down-pinned", "-p", silent).code == Exit.INCOMPLETE


def test_the_stages_are_approved_together(own: Simulator, terminal: Terminal) -> None:
    """Where the policy demands it nothing is done before; a stage that was changed since is not approved."""
    policy = terminal.write("a.toml", BY_OTHERS + "require_approval = true\n")
    words = ("rolling", own.url, "--execute", "--update", NEWER, "-p", policy, "--state-dir", "s")
    asked = terminal.run(*words)
    assert asked.code == Exit.NOT_APPROVED
    (itinerary,) = (terminal.folder / "s" / "rolling").glob("*/itinerary")
    yes = ("approve", itinerary, "--by", "jane", "--reason", "change 4711")
    told = terminal.run(*yes)
    assert (told.code, "approved by jane: change 4711" in told.out) == (Exit.DONE, True)
    assert terminal.run(*yes).code == Exit.ERROR
    index = itinerary / "rolling.json"
    written = index.read_text()
    index.write_text(written.replace('"deviations": []', '"deviations": [ ]'))
    assert terminal.run(*words).code == Exit.NOT_APPROVED
    index.write_text(written)
    assert all(is_enabled(own, name) for name in names(own))
    assert terminal.run(*words).code == Exit.LATER
    assert not all(is_enabled(own, name) for name in names(own))


@pytest.mark.slow
def test_the_page_can_be_walked(own: Simulator, terminal: Terminal) -> None:
    """What docs/rolling.md tells to type works as it stands there, with this pool's URL and version."""
    page = (ROOT / "docs" / "rolling.md").read_text(encoding="utf-8")
    block = page.partition("walked by tests/cli/test_rolling_executed.py -->\n```console\n")[2].partition("```")[0]
    terminal.write("update.toml", block.partition("<<'END'\n")[2].partition("END\n")[0])
    before = placement(own)
    (typed,) = [line for line in block.splitlines() if line.startswith("$ rebalancer")]
    words = typed.replace("http://127.0.1.1:8080", own.url).replace("3.5.0", NEWER).split()
    ended = terminal.run(*words[2:])
    assert ended.code == Exit.DONE, ended.err
    assert (placement(own), versions(own)) == (before, {NEWER})


def test_a_command_that_works_is_run_once_for_each_host(own: Simulator, terminal: Terminal) -> None:
    """It reboots the host that it is told; all are in service at the end, with their VMs."""
    script = terminal.write(
        "r.py",
        "import os\n"
        "open('seen', 'a').write(os.environ['REBALANCER_HOST'] + chr(10))\n"
        "open(os.environ['REBALANCER_HOST_UUID'], 'w')\n",
    )
    policy = terminal.write("u.toml", f"{BY_OTHERS}[rolling]\ncommand = {json.dumps([sys.executable, str(script)])}\n")
    before = placement(own)
    uuids = {host["uuid"]: host["name_label"] for _, host in own.database.items("host")}

    def work() -> None:
        while uuids and not over.wait(0.05):
            for uuid in [each for each in uuids if (terminal.folder / each).exists()]:
                go_down(own.world, ref_of(own, uuids.pop(uuid)), again=True)

    over = Event()
    worker = Thread(target=work)
    worker.start()
    try:
        ended = terminal.run("rolling", own.url, "--execute", "--update", NEWER, "-p", policy, "--state-dir", "s")
    finally:
        over.set()
        worker.join()
    assert ended.code == Exit.DONE, ended.err
    assert sorted((terminal.folder / "seen").read_text().split()) == sorted(names(own))
    assert placement(own) == before
    assert all(is_enabled(own, name) for name in names(own))


def test_a_command_that_does_not_end_is_ended(own: Simulator, terminal: Terminal) -> None:
    """Its host is named, stays disabled and is not rebooted."""
    command = json.dumps([sys.executable, "-c", "import time; time.sleep(600)"])
    policy = terminal.write("u.toml", f"{BY_OTHERS}[rolling]\ncommand = {command}\ncommand_minutes = 0.005\n")
    booted = boots(own)
    ended = terminal.run("rolling", own.url, "--execute", "-p", policy, "--state-dir", "s")
    assert ended.code == Exit.STOPPED
    (name,) = (each for each in names(own) if not is_enabled(own, each))
    assert "rolling.command: it had not ended after" in ended.err
    assert f"Look at {name}, which may be half-way" in ended.err
    assert boots(own) == booted


def test_a_plan_that_is_stale_once_its_host_is_disabled(
    own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way on is told, and is one command: it takes the host back, then empties it by a plan made anew."""
    policy = terminal.write("u.toml", BY_OTHERS)
    words = ("rolling", own.url, "--execute", "-p", policy, "--state-dir", "s")

    def die(*_: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Course, "_carried_out", die)
        with pytest.raises(Killed):
            terminal.run(*words)
    (name,) = (each for each in names(own) if not is_enabled(own, each))
    own.database.change("VM", min(guests(own, name)), power_state="Halted", resident_on="OpaqueRef:NULL")
    stale = terminal.run(*words)
    assert stale.code == Exit.STALE, stale.err
    (anew,) = (line.partition(": rebalancer ")[2].split() for line in stale.err.splitlines() if ": rebalancer " in line)
    assert f"{name} stays disabled; that takes it back into service, and brings VMs home first: " in stale.err
    assert (anew[0], "--anew" in anew) == ("rolling", True)
    ended = terminal.run(*anew)
    assert (ended.code, f"{name} is back in service" in ended.err) == (Exit.LATER, True), ended.err


def test_ctrl_c_tells_how_to_go_on(own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a host is waited for, too."""
    policy = terminal.write("u.toml", BY_OTHERS)

    def interrupt(_self: Course) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Course, "walk", interrupt)
    ended = terminal.run("rolling", own.url, "--execute", "-p", policy, "--state-dir", "s")
    assert ended.code == Exit.ERROR
    assert f"to resume: rebalancer rolling {own.url} --execute --policy {policy} --state-dir s" in ended.err
    assert ended.sentence == "interrupted"
