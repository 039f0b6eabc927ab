"""Tables break no name, JSON is JSON, and nothing that the pool says is taken for more than text."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import RenderableType

from rebalancer import __version__
from rebalancer.cli.carrying import tell_stop
from rebalancer.cli.output import print_json, show
from rebalancer.cli.table import table
from rebalancer.cli.views.plans import plan_tables
from rebalancer.execute import Timeouts, Wish, stop_on_signals
from rebalancer.plan import LeftAlone
from tests.cli.terminal import Served, Terminal
from tests.planner.busy import PLAN

COLUMNS = {"n": "right", "rule": "left", "why": "text", "fix": "text"}
ROW = (1, "no-pci-passthrough", "PCI devices of its host are passed through to it", "detach them and reboot the VM")
EVIL = ("[red]x[/red]", "[/]", "a\nb", "a\rb", "\x1b[2J\x1b]0;title\x07", "\x9b31m", "\u202eabc", ":warning:", "a\tb")


def printed(capsys: pytest.CaptureFixture[str], *things: RenderableType) -> str:
    """What `show` prints."""
    capsys.readouterr()
    show(*things)
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says how wide the output is."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_row_is_a_line_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    """Piped, a row is never broken, however long, and no line ends in blanks."""
    show(table("Title", COLUMNS, [ROW, (22, "x", "y " * 200, "")]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0] == "Title"
    assert all(line == line.rstrip() for line in lines)
    assert lines[2].startswith(" 1  no-pci-passthrough  PCI devices")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_text_goes_below_its_row_where_there_is_no_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """No line is wider than the output, no name is broken, and every word is there."""
    monkeypatch.setenv("COLUMNS", str(width))
    show(table("Title", COLUMNS, [ROW]))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "no-pci-passthrough\n" in out
    assert "    why: PCI devices" in out
    assert set(" ".join(map(str, ROW)).split()) <= set(out.split())


def test_the_last_text_stands_beside_its_row_where_it_can_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is broken between words, below its heading."""
    monkeypatch.setenv("COLUMNS", "60")
    show(table("", {"rule": "left", "why": "text"}, [("enough-memory", "word " * 20)]))
    head, *rest = capsys.readouterr().out.splitlines()
    assert head == "rule           why"
    assert len(rest) > 1
    assert all(line.startswith(" " * 15 + "word") for line in rest[1:])


def test_figures_are_never_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A last column that is no running text stays whole where the table is too wide."""
    monkeypatch.setenv("COLUMNS", "40")
    show(table("", {"host": "left", "memory": "left", "of": "right"}, [("a" * 20, "b" * 18, "71.3 GiB")]))
    assert len(capsys.readouterr().out.splitlines()) <= 4


def test_wide_characters_keep_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """A character of two cells counts twice."""
    show(table("", {"VM": "left", "host": "left"}, [("数据库", "h1"), ("mail", "h2")]))
    assert capsys.readouterr().out.splitlines()[1:] == ["数据库  h1", "mail    h2"]


@pytest.mark.parametrize("name", EVIL, ids=range(len(EVIL)))
def test_a_name_is_only_a_name(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Markup, emoji codes, line breaks and control characters are printed, never obeyed."""
    for out in (printed(capsys, name), printed(capsys, table("", {"VM": "left"}, [(name,)]))):
        last = out.rstrip("\n").rpartition("\n")[2]
        assert last.isprintable()
        assert last == "".join(
            each if each.isprintable() else " " if each.isspace() else f"\\u{ord(each):04x}" for each in name
        )


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """One document that comes back as it was, without a character that any terminal obeys."""
    value = {"names": [*EVIL, "größe", "\ud800"], "n": 1.5, "nothing": None}
    print_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert all(each.isprintable() or each == "\n" for each in out)
    assert out.isascii()


@pytest.fixture
def evil(served: Served, terminal: Terminal) -> Path:
    """A snapshot in which every VM and every host has an evil name."""
    document = json.loads(gzip.decompress(served.snapshot.read_bytes()))
    for kind in ("vms", "hosts"):
        for number, each in enumerate(document["pool"][kind].values()):
            each["name"] = f"{EVIL[number % len(EVIL)]}{number}"
    return terminal.write("evil.json", json.dumps(document))


def harmless(text: str) -> bool:
    """Whether a terminal shows *text* and does nothing else."""
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("width", ["80", None], ids=["narrow", "piped"])
def test_no_command_obeys_a_name(served: Served, evil: Path, terminal: Terminal, width: str | None) -> None:
    """Tables and logs of every command show evil names and nothing is obeyed, markup stays as it was."""
    name = json.loads(evil.read_text(encoding="utf-8"))["pool"]["vms"][served.plan.steps[0].vm]["name"]
    typed = [["check", evil], ["explain", evil, name], ["plan", evil, "-o", "plan"], ["show", "plan"]]
    typed += [["verify", "plan", evil], ["explain", evil, "\x1b[31mnobody"]]
    ended = [terminal.run(*words, COLUMNS=width) for words in typed]
    assert [each.code for each in ended] == [0, 0, 0, 0, 0, 1]
    assert all(harmless(each.out) and harmless(each.err) for each in ended)
    assert "[red]x[/red]" in "".join(each.out for each in ended)


def test_output_that_nobody_reads(served: Served, tmp_path: Path) -> None:
    """`rebalancer check | head -1` ends as if all had been read, and without a word."""
    words = [sys.executable, "-m", "rebalancer", "check", str(served.snapshot)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        told = process.stderr.read()
    assert (process.returncode, told) == (0, b"")


def test_ctrl_c_ends_in_a_word(served: Served, tmp_path: Path) -> None:
    """An interrupted command says so, and ends with 1."""
    words = [sys.executable, "-m", "rebalancer", "simulate", "demo", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("coordinator http://127.0.1.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0
    script = (
        "import os, signal, sys, rebalancer.snapshot as s; from rebalancer.cli import main;"
        "s.snapshot_in = lambda *_: os.kill(os.getpid(), signal.SIGINT);"
        f"sys.argv = ['rebalancer', 'check', {str(served.snapshot)!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr.strip()) == (1, "rebalancer: interrupted")


AT_THE_START = """
import builtins, os, signal, sys
load = builtins.__import__
def interrupted(name, *rest):
    if name == "typer":
        os.kill(os.getpid(), signal.SIGINT)
    return load(name, *rest)
builtins.__import__ = interrupted
"""
AT_THE_END = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.SIGINT)
"""
WHILE_THREADS_END = """
import os, signal, threading, time
def late():
    threading.main_thread().join()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
threading.Thread(target=late).start()
"""


@pytest.mark.parametrize(
    ("when", "code", "said"),
    [
        (AT_THE_START, 1, "rebalancer: interrupted\n"),
        (WHILE_THREADS_END, 0, ""),
        (AT_THE_END, 0, ""),
    ],
)
def test_ctrl_c_around_a_command(when: str, code: int, said: str) -> None:
    """While it loads it is interrupted; while the interpreter winds down it ends with the code that it had."""
    script = f"{when}\nimport sys; sys.argv = ['rebalancer', '--help']\nfrom rebalancer.__main__ import start; start()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_run_that_is_asked_to_stop_says_how_it_will_end(capfd: pytest.CaptureFixture[str]) -> None:
    """At once, in the handler: what is waited for, what a second Ctrl-C would do, and how long that takes."""
    with stop_on_signals(tell=tell_stop) as stop:
        stop.heed()
        stop.under_way = lambda: ("s03", "s05")
        signal.raise_signal(signal.SIGINT)
        first = capfd.readouterr().err
        signal.raise_signal(signal.SIGTERM)
        second = capfd.readouterr().err
    assert stop.wish is Wish.CANCEL
    assert "nothing more is started, and what runs is finished (s03, s05). Ask again to cancel that" in first
    assert second.startswith("\ncancelling what runs: ")
    assert f"{Timeouts().quiet:.0f} s" in first
    assert f"{Timeouts().quiet:.0f} s" in second


def test_a_run_with_nothing_under_way_says_that_it_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever asks need not wait to hear it."""
    with stop_on_signals(tell=tell_stop) as stop:
        stop.heed()
        signal.raise_signal(signal.SIGINT)
    assert "nothing is under way, so the run ends" in capfd.readouterr().err


def test_a_terminal_is_as_wide_as_it_is(served: Served, tmp_path: Path) -> None:
    """On a terminal of 70 columns no line is longer, headings stand out, and nothing else is coloured."""
    here, there = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    set_size(there, 70)
    words = [sys.executable, "-m", "rebalancer", "check", str(served.snapshot)]
    with subprocess.Popen(words, stdout=there, stdin=there, cwd=tmp_path, env=environment | {"TERM": "xterm"}):
        os.close(there)
        shown = b"".join(iter(lambda: read(here), b"")).decode()
    os.close(here)
    assert set(re.findall("\x1b\\[[0-9;]*m", shown)) == {"\x1b[1m", "\x1b[0m"}
    lines = re.sub("\x1b\\[[0-9;]*m", "", shown).splitlines()
    assert 40 < max(map(len, lines)) <= 70


def set_size(terminal: int, columns: int) -> None:
    """Make a pseudo-terminal so wide."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def read(terminal: int) -> bytes:
    """What a pseudo-terminal shows; nothing once its other end is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_an_error_for_programs(served: Served, terminal: Terminal) -> None:
    """With --json an error is one JSON document on standard output, and the sentence on standard error all the same."""
    ended = terminal.run("explain", served.snapshot, "nobody", "--json")
    told = json.loads(ended.out)
    assert (told["error"], told["exit_code"], ended.code) == ("InputError", 1, 1)
    assert told["message"] in ended.err
    assert "nobody" in told["message"]


def test_the_version_is_told(terminal: Terminal) -> None:
    """As one line that programs can read."""
    ended = terminal.run("--version")
    assert (ended.code, ended.out) == (0, f"rebalancer {__version__}\n")


def test_what_is_said_below_the_timetable_stays_indented(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remark that needs a second line begins it where the first begins."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, *plan_tables(PLAN)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  It takes about "))
    assert not lines[first].endswith("%.")
    assert lines[first + 1].startswith("  ")


def test_vms_that_are_left_alone_for_the_same_reason_share_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Below their own host, in their order, the first few by name."""
    say = {"kind": "vm", "rule": "does-not-pay", "words": "may go to 4 hosts"}
    hosts = [LeftAlone(kind="host", uuid=name, name=name, rule="over-threshold", words="hot") for name in "ab"]
    vms = [LeftAlone(uuid=f"v{number}", name=f"v{number}", **say) for number in range(6)]
    pinned = LeftAlone(kind="vm", uuid="p", name="p", rule="never-move", words="pinned")
    plan = replace(PLAN, left_alone=(hosts[0], *vms[:5], pinned, hosts[1], vms[5]))
    told = printed(capsys, *plan_tables(plan))
    table = told[told.index("Left alone") :].splitlines()[2:7]
    assert [line.split("  ")[0] for line in table] == ["host", "5 VMs", "1 VM", "host", "1 VM"]
    assert "v0, v1, v2, v3 and 1 more" in told
