"""docs/cli.md is complete: every command, option, exit code and variable, and none that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from typer.main import get_command

from rebalancer.cli.commands import SHELVES
from rebalancer.cli.exits import Exit
from rebalancer.cli.main import app
from rebalancer.export import plan_json, write_plan
from rebalancer.plan import digest_of
from tests.cli.exit_codes import MEANINGS
from tests.cli.manual import PAGE, json_keys, section
from tests.cli.recorded import traces_of
from tests.cli.terminal import ROOT, Served, Terminal

SHARED = {
    "--ca-file",
    "--fingerprint",
    "--legacy-tls",
    "--fallback",
    "--credentials",
    "--beside",
    "--beside-credentials",
    "--help",
}
LIMIT = 64
"""Columns of a command's line in `rebalancer --help` on 80 columns."""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what people type, groups left out."""
    everything = getattr(get_command(app), "commands", {})
    for name in (name for shelf in SHELVES.values() for name in shelf):
        inner = getattr(everything[name], "commands", None)
        if inner is None:
            yield name, everything[name]
        else:
            yield from ((f"{name} {below}", command) for below, command in inner.items())


COMMANDS = dict(commands())


def options_of(command: Any) -> set[str]:  # noqa: ANN401 - typer's own
    """The options of a command, in all their spellings."""
    return {name for each in command.params for name in each.opts if name.startswith("-")}


def arguments_of(command: Any) -> list[str]:  # noqa: ANN401 - typer's own
    """The arguments of a command, as they are called in its help."""
    return [each.metavar for each in command.params if not each.opts[0].startswith("-")]


SCENARIOS = 'format = "rebalancer-scenarios/1"\n[scenarios]\n"as it is" = []\n"more" = [{ grow = "*", cpu = 1.2 }]\n'


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    """Its section shows arguments and long options in the synopsis, all spellings in the text, and no other option."""
    text = section(name)
    (synopsis,) = re.findall(r"^    rebalancer (.*)$", text, re.MULTILINE)
    assert synopsis.startswith(name)
    assert re.findall(r"\b[A-Z]{2,}\b", re.sub(r"\[?--[^\]]*\]?", "", synopsis)) == arguments_of(COMMANDS[name])
    own = options_of(COMMANDS[name]) - SHARED
    mentioned = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))
    assert mentioned >= {each for each in own if each not in {"-p", "--policy"}}
    assert mentioned - {"-p", "-o"} <= own | SHARED
    assert {each for each in own if each.startswith("--")} <= set(re.findall(r"--[a-z-]+", synopsis))


def test_the_list_of_commands_is_complete() -> None:
    """The table at the top names all of them, in the order of `rebalancer --help`."""
    assert re.findall(r"^\| \[`([a-z ]+)`\]", PAGE, re.MULTILINE) == list(COMMANDS)


def test_the_way_in_is_documented() -> None:
    """The options of all commands that read a live pool."""
    text = section("Getting in")
    assert all(f"`{each}" in text for each in SHARED - {"--help"})
    assert [name for name in COMMANDS if "--ca-file" in options_of(COMMANDS[name])] == [
        "snapshot",
        "check",
        "explain",
        "plan",
        "evacuate",
        "rolling",
        "sleep",
        "replay",
        "whatif",
        "prices",
        "place",
        "fit",
        "failures",
        "forecast",
        "diff",
        "verify",
        "part",
        "approve",
        "apply",
        "return",
        "wake",
        "resolve",
        "rollback",
        "setup",
        "policy check",
        "wlb init",
        "wlb disconnect",
    ]


def test_every_exit_code_is_documented() -> None:
    """The table is the one of the program, word for word."""
    rows = re.findall(r"^\| (\d) \| (.*) \|$", section("Exit codes"), re.MULTILINE)
    assert rows == [(str(int(code)), MEANINGS[code]) for code in Exit]


def test_every_variable_is_documented() -> None:
    """And exists: the command line reads it or tells it to a program, or rich reads it."""
    named = set(re.findall(r"`([A-Z_]{4,})`", section("Environment")))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rebalancer").rglob("*.py"))
    used = set(re.findall(r'"(REBALANCER_[A-Z_]+|XDG_[A-Z_]+|COLUMNS)"', sources))
    assert used <= named
    assert named - used == {"NO_COLOR"}


def test_json_keys_are_documented(served: Served, terminal: Terminal) -> None:
    """The page gives the keys in their order."""
    write_plan(served.plan, terminal.folder / "plan")
    policy = terminal.write("p.toml", f'mode = "repair"\n[pool]\nurl = "{served.url}"\n')
    vm = served.plan.steps[0].vm_name
    traces = terminal.write("traces.csv", traces_of(served.plan.before, days=8))
    calm = replace(served.plan, steps=())
    terminal.write("calm.json", plan_json(replace(calm, digest=digest_of(calm))))
    typed: dict[str, list[object]] = {
        "check": [served.snapshot],
        "explain": [served.snapshot, vm],
        "evacuate": [served.snapshot, served.plan.hosts[0].name],
        "rolling": [served.snapshot, served.plan.hosts[0].name],
        "sleep": [served.snapshot],
        "replay": [served.snapshot, "--traces", traces, *("--nights", "1", "--seconds", "1", "--no-regret")],
        "whatif": [served.snapshot, terminal.write("s.toml", SCENARIOS), "--seconds", "0.5"],
        "failures": [served.snapshot],
        "prices": [served.snapshot, "--seconds", "0.5"],
        "forecast": [served.snapshot, "--traces", traces],
        "fit": [served.snapshot, "--vcpus", "2", "--memory-gib", "4", "--stay", "--seconds", "0.5"],
        "place": [served.snapshot, "--vcpus", "2", "--memory-gib", "2"],
        "diff": ["plan", served.snapshot],
        "verify": ["plan", served.snapshot],
        "rehearse": ["plan", "--snapshot", served.snapshot, "--runs", "1"],
        "files": ["plan"],
        "approve": ["plan", "--by", "jane", "--reason", "why"],
        "apply": ["calm.json", served.url],
        "status": ["plan"],
        "nightly": [policy],
        "policy check": [policy],
        "policy presets": [],
    }
    for name, words in typed.items():
        told = terminal.run(*name.split(), *words, "--json").json()
        assert json_keys(name) == list(told[0] if isinstance(told, list) else told)
    with_json = {name for name, each in COMMANDS.items() if "--json" in options_of(each)}
    recalling = {"report", "site", *(name for name in COMMANDS if name.startswith("history "))}
    assert with_json - set(typed) - recalling == {
        "part",
        "plan",
        "resolve",
        "return",
        "rollback",
        "show",
        "notify test",
        "wake",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_short(name: str) -> None:
    """The first line of a command's help stands whole in the list of commands on 80 columns."""
    first = (COMMANDS[name].help or "").partition("\n")[0]
    assert first.endswith(".")
    assert len(first) <= LIMIT


def test_help_lists_every_command(terminal: Terminal) -> None:
    """Nothing is cut off."""
    ended = terminal.run("--help", COLUMNS="80")
    assert ended.code == Exit.DONE
    assert "..." not in ended.out.partition("Look:")[2]
    assert re.findall(r"^([A-Z][a-z]+):$", ended.out, re.MULTILINE) == ["Options", *map(str.capitalize, SHELVES)]
    assert all(f"\n  {name.partition(' ')[0]} " in ended.out for name in COMMANDS)


def test_no_command_prints_its_help(terminal: Terminal) -> None:
    """And ends with 1, because nothing was done."""
    ended = terminal.run()
    assert ended.code == Exit.ERROR
    assert "Look:" in ended.out + ended.err
