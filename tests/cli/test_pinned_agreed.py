"""Whoever is at the terminal sees who would be shut down, and is asked before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from rebalancer.whatif.rolling_folder import index_digest
from tests.cli.in_maintenance import guests, is_enabled
from tests.cli.terminal import READS, ROOT, Terminal
from tests.cli.with_pinned import HOST, WORDS, listen, pin, policy_for, pool_with_pinned, roll


@pytest.fixture
def own() -> Iterator[Simulator]:
    """The pool."""
    with pool_with_pinned() as simulator:
        yield simulator


@pytest.fixture
def pinned(own: Simulator) -> list[str]:
    """The two VMs."""
    return pin(own)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> list[str]:
    """Somebody is there who gives these answers; the questions."""
    left, asked = list(answers), list[str]()

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return left.pop(0)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    return asked


def test_whoever_is_at_the_terminal_says_yes_once(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a list with all that matters; after a stop the same command goes on unasked."""
    policy = policy_for(own, terminal, pinned, WORDS)
    own.database.change("VM", pinned[1], start_delay="90")
    first, second = (own.database.get("VM", vm)["name_label"] for vm in pinned)
    own.go_wrong(f"shutdown-ignored:vm={first},seconds=0.2")
    asked = at_a_terminal(monkeypatch, True)
    stopped = roll(own, terminal, policy)
    assert stopped.code == Exit.STOPPED
    assert f"{HOST}: {first}, order 2, start_delay 0 s, HA restart, off for about " in stopped.err
    assert f"{HOST}: {second}, order 1, start_delay 90 s, no HA, off for about " in stopped.err
    assert len(asked) == 1
    own.database.change("VM", pinned[1], start_delay="0")
    assert roll(own, terminal, policy).code == Exit.DONE
    assert len(asked) == 1


def test_a_no_leaves_everything_as_it_is(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent that changes anything, and what was planned is given up, so that the next one asks anew."""
    policy = policy_for(own, terminal, pinned, WORDS)
    asked, calls = at_a_terminal(monkeypatch, False, False), listen(monkeypatch)
    for times in (1, 2):
        ended = roll(own, terminal, policy)
        assert (ended.code, len(asked)) == (Exit.NOT_APPROVED, times)
        assert "nothing was touched" in ended.err
    assert not [method for method, _ in calls if not READS.fullmatch(method)]
    assert is_enabled(own, HOST)


def test_a_yes_to_another_list_does_not_count(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the list is no longer the one that somebody said yes to, he is asked again, and nothing more is done."""
    policy = policy_for(own, terminal, pinned, WORDS)
    first = own.database.get("VM", pinned[0])["name_label"]
    own.go_wrong(f"shutdown-ignored:vm={first},seconds=0.2")
    asked = at_a_terminal(monkeypatch, True, False)
    assert roll(own, terminal, policy).code == Exit.STOPPED
    (index,) = terminal.folder.glob("s/rolling/*/itinerary/rolling.json")
    told = json.loads(index.read_text().replace('"order": 1', '"order": 3'))
    index.write_text(json.dumps(told | {"digest": index_digest(told)}))
    calls = listen(monkeypatch)
    ended = roll(own, terminal, policy)
    assert (ended.code, len(asked)) == (Exit.NOT_APPROVED, 2)
    assert "nothing more is done" in ended.err
    assert not [method for method, _ in calls if not READS.fullmatch(method)]
    assert guests(own, HOST) == set(pinned)


def test_who_would_be_switched_off_is_said_before(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the one that the policy names for that, and not of the other."""
    first, second = (own.database.get("VM", vm)["name_label"] for vm in pinned)
    policy = policy_for(own, terminal, pinned, [*WORDS, "hard-shutdown-vm"])
    policy.write_text(f'{policy.read_text()}hard_shut_down = ["{second}"]\n')
    at_a_terminal(monkeypatch, False)
    lines = roll(own, terminal, policy).err.splitlines()
    told = {name: next(line for line in lines if f"{HOST}: {name}," in line) for name in (first, second)}
    deaf = "switched off if its guest does not react"
    assert [deaf in told[name] for name in (first, second)] == [False, True]


@pytest.mark.parametrize("stands_for_it", ["--yes", "approval"])
def test_nobody_is_asked_where_that_was_said_before(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch, stands_for_it: str
) -> None:
    """By `--yes`, or by an approval of all stages with their lists."""
    policy = policy_for(own, terminal, pinned, WORDS)
    asked, before, more = at_a_terminal(monkeypatch), guests(own, HOST), ["--yes"]
    if stands_for_it == "approval":
        text = policy.read_text().replace("[execution]\n", "[execution]\nrequire_approval = true\n")
        policy, more = terminal.write("p.toml", text), []
        assert roll(own, terminal, policy).code == Exit.NOT_APPROVED
        (kept,) = terminal.folder.glob("s/rolling/*/itinerary")
        approved = terminal.run("approve", kept, "--by", "jane", "--reason", "tonight")
        labels = [own.database.get("VM", vm)["name_label"] for vm in pinned]
        assert approved.code == Exit.DONE
        assert all(f"  {HOST}: {label}, order " in approved.out for label in labels)
    ended = roll(own, terminal, policy, *more)
    assert (ended.code, asked, guests(own, HOST)) == (Exit.DONE, [], before), ended.err


def test_the_page_can_be_walked(
    own: Simulator, terminal: Terminal, pinned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/rolling.md tells to type works as it stands there, and asks what stands there, word for word."""
    monkeypatch.setenv("XDG_STATE_HOME", str(terminal.folder / "xdg"))
    for vm, name, order in zip(pinned, ("licence-1", "licence-2"), ("1", "2"), strict=True):
        own.database.change("VM", vm, name_label=name, order=order)
    page = (ROOT / "docs" / "rolling.md").read_text(encoding="utf-8").replace("alder", HOST)
    walk = page.partition(f"walked by tests/cli/{Path(__file__).name} -->\n```console\n")[2]
    block, question = walk.partition("```")[0], walk.partition("```text\n")[2].partition("\n```")[0]
    terminal.write("pinned.toml", block.partition("<<'END'\n")[2].partition("END\n")[0])
    look, do = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ rebalancer")]
    asked, before = at_a_terminal(monkeypatch, True), guests(own, HOST)
    assert terminal.run(*look.replace("http://127.0.1.1:8080", own.url).split()[1:]).code == Exit.DONE
    assert "## Shut down meanwhile" in (terminal.folder / "look" / "rolling.md").read_text(encoding="utf-8")
    shown = terminal.run("show", "look")
    assert shown.code == Exit.DONE, shown.err
    assert "licence-2  2      -            -        13 min" in shown.out
    ended = terminal.run(*do.replace("http://127.0.1.1:8080", own.url).split()[1:])
    assert (ended.code, guests(own, HOST), len(asked)) == (Exit.DONE, before, 1), ended.err
    *lines, last = question.splitlines()
    assert "\n".join(lines) in ended.err
    assert asked == [last]
    assert "2 VMs were off for " in ended.out
