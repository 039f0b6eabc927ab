"""`rolling --execute` where stages are planned anew at their turn, or each is approved by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from tests.cli.all_hosts import BY_OTHERS, BY_XAPI, names, placement, reboot
from tests.cli.in_maintenance import POOL, guests, is_enabled, ref_of
from tests.cli.terminal import PASSWORD, USER, Ended, Terminal

ANEW = "[rolling]\nplan_anew = true\n"
EACH = '[rolling]\napprove = "stage"\n'


@pytest.fixture
def own() -> Iterator[Simulator]:
    """A small pool of its own, whose hosts boot in a moment."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as simulator:
        yield simulator


def roll(own: Simulator, terminal: Terminal, policy: Path, *more: str) -> Ended:
    """Type the command."""
    return terminal.run("rolling", own.url, "--execute", "-p", policy, "--state-dir", "s", *more)


def first_host_done(own: Simulator, terminal: Terminal, policy: Path) -> str:
    """The first host was emptied, and somebody has rebooted it; its name."""
    assert roll(own, terminal, policy).code == Exit.LATER
    (name,) = (each for each in names(own) if not is_enabled(own, each))
    reboot(own, name)
    return name


def move(own: Simulator, vm: str, name: str) -> None:
    """A VM is on a host all at once."""
    database, target = own.database, ref_of(own, name)
    with database.lock:
        before = database.get("VM", vm)["resident_on"]
        left = [each for each in database.get("host", before)["resident_VMs"] if each != vm]
        database.change("VM", vm, resident_on=target)
        database.change("host", before, resident_VMs=left)
        database.change("host", target, resident_VMs=[*database.get("host", target)["resident_VMs"], vm])


def test_stages_are_planned_anew_where_the_policy_says_so(own: Simulator, terminal: Terminal) -> None:
    """Without the word the command ends with code 4 and names it; with it, the same goes on.

    Whoever was moved by hand ends there, or at home: as the plans that are still legal have it.
    """
    silent, policy = terminal.write("s.toml", BY_OTHERS), terminal.write("a.toml", BY_OTHERS + ANEW)
    before = placement(own)
    first = first_host_done(own, terminal, silent)
    homes = {vm: name for name, vms in before.items() for vm in vms}
    own_ones = {vm: name for vm, name in homes.items() if name != first and vm in guests(own, name)}
    vm = min(own_ones)
    target = next(name for name in names(own) if name not in {first, homes[vm]})
    move(own, vm, target)
    stale = roll(own, terminal, silent)
    assert stale.code == Exit.STALE, stale.err
    assert "rolling.plan_anew = true" in stale.err
    for _ in range(len(names(own)) - 1):
        ended = roll(own, terminal, policy)
        assert ended.code == Exit.LATER, ended.err
        (name,) = (each for each in names(own) if not is_enabled(own, each))
        assert guests(own, name) == set()
        reboot(own, name)
    ended = roll(own, terminal, policy, "--json")
    assert ended.code == Exit.DONE, ended.err
    told = ended.json()
    assert (told["stages_left"], told["astray"]) == (0, [])
    assert told["planned_anew"]
    ends = {each: name for name, vms in placement(own).items() for each in vms}
    assert ends.pop(vm) in {target, homes.pop(vm)}
    assert ends == homes


def test_a_stage_planned_anew_needs_an_approval_of_its_own(own: Simulator, terminal: Terminal) -> None:
    """Code 8, with what to type; then the same command goes on."""
    policy = terminal.write("a.toml", BY_OTHERS + "require_approval = true\n" + ANEW)
    assert roll(own, terminal, policy).code == Exit.NOT_APPROVED
    (itinerary,) = (terminal.folder / "s" / "rolling").glob("*/itinerary")
    approve(terminal, itinerary)
    first = first_host_done(own, terminal, policy)
    one, other = (name for name in names(own) if name != first)
    move(own, min(guests(own, one)), other)
    asked = roll(own, terminal, policy)
    assert asked.code == Exit.NOT_APPROVED, asked.err
    folder = terminal.folder / asked.err.partition("to approve it: rebalancer approve ")[2].split()[0]
    assert (folder.parent.name, folder.is_dir()) == ("anew", True)
    enabled = [is_enabled(own, name) for name in names(own)]
    assert roll(own, terminal, policy).code == Exit.NOT_APPROVED
    assert [is_enabled(own, name) for name in names(own)] == enabled
    approve(terminal, folder)
    went_on = roll(own, terminal, policy)
    assert went_on.code in {Exit.LATER, Exit.NOT_APPROVED}, went_on.err
    assert folder.name not in went_on.err


def approve(terminal: Terminal, folder: Path) -> None:
    """Somebody approves what stands there."""
    told = terminal.run("approve", folder, "--by", "jane", "--reason", "change 4711")
    assert told.code == Exit.DONE, told.err


def test_each_stage_waits_for_its_own_approval(own: Simulator, terminal: Terminal) -> None:
    """Where the policy says so, code 8 before each, and no host is touched by one that was not approved."""
    policy = terminal.write("e.toml", BY_XAPI + EACH)
    before = placement(own)
    ended, approved = roll(own, terminal, policy), list[str]()
    while ended.code == Exit.NOT_APPROVED:
        assert all(is_enabled(own, name) for name in names(own))
        folder = Path(ended.err.partition("to approve it: rebalancer approve ")[2].split()[0])
        approved.append(folder.name)
        approve(terminal, folder)
        ended = roll(own, terminal, policy)
    assert ended.code == Exit.DONE, ended.err
    assert placement(own) == before
    (itinerary,) = (terminal.folder / "s" / "rolling").glob("*/itinerary")
    assert approved == sorted(each.name for each in itinerary.iterdir() if each.is_dir())


def test_at_a_terminal_each_stage_is_asked_for(
    own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A yes is enough where no written approval is demanded; a no ends it with code 8, and asks again the next time."""
    policy = terminal.write("e.toml", BY_XAPI + EACH)
    asked: list[str] = []
    answers = iter([True, False])

    def confirm(words: str, **_: object) -> bool:
        asked.append(words)
        return next(answers, True)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    refused = roll(own, terminal, policy)
    assert refused.code == Exit.NOT_APPROVED, refused.err
    assert [words.partition(":")[0][:2] for words in asked] == ["01", "02"]
    assert roll(own, terminal, policy).code == Exit.DONE
    numbers = [words.partition(":")[0][:2] for words in asked]
    (kept,) = (terminal.folder / "s" / "rolling").glob("*/itinerary")
    assert numbers == sorted(["02", *(each.name[:2] for each in kept.iterdir() if each.is_dir())])


def test_a_yes_at_the_terminal_is_none_where_a_written_one_is_demanded(
    own: Simulator, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked; the stage waits for the file."""
    policy = terminal.write("e.toml", BY_XAPI + "require_approval = true\n" + EACH)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: pytest.fail("asked"))
    assert roll(own, terminal, policy).code == Exit.NOT_APPROVED
    (itinerary,) = (terminal.folder / "s" / "rolling").glob("*/itinerary")
    approve(terminal, itinerary)
    ended = roll(own, terminal, policy)
    assert ended.code == Exit.NOT_APPROVED
    assert "01-empty-" in ended.err
