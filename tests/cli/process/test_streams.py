"""Standard output and standard error that are full, closed or gone change no exit code, and stop no run."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import termios
from pathlib import Path
from typing import Any

import pytest

from rebalancer.cli.exits import Exit
from tests.cli.process.processes import MIGRATE, Ground, ended
from tests.cli.terminal import Served, as_process

FULL = "/dev/full"
CUT = "rebalancer: standard output cannot be written, so what was printed is not whole: "
NO_SPACE = f"{CUT}No space left on device\n"

REDIRECTED = {
    "stdout full": "1>/dev/full",
    "stderr full": "2>/dev/full",
    "both full": "1>/dev/full 2>/dev/full",
    "stdout closed": "1>&-",
    "stderr closed": "2>&-",
    "both closed": "1>&- 2>&-",
    "all closed": "0<&- 1>&- 2>&-",
}


def shell(redirection: str) -> list[str]:
    """A shell that runs what follows with its streams redirected."""
    return ["sh", "-c", f'exec "$@" {redirection}', "sh"]


@pytest.mark.parametrize("redirection", REDIRECTED.values(), ids=REDIRECTED)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["words", "json"])
def test_a_run_ends_as_it_ends(ground: Ground, redirection: str, options: list[str]) -> None:
    """All steps are made, the journal is whole, and the code is 0."""
    with ground.running(*ground.apply, *options, through=shell(redirection)) as process:
        code, out, err = ended(process)
    assert (code, ground.sent, ground.looked()) == (Exit.DONE, len(ground.plan.steps), ["moved"] * ground.sent), err
    assert ground.events()[-1] == "run-ended"
    if "1>" not in redirection:
        assert out.endswith("}\n" if options else "all steps are done\n")
    if "2>" not in redirection:
        closed = options and redirection == "1>&-"
        told = NO_SPACE if FULL in redirection else f"{CUT}Bad file descriptor\n" if closed else ""
        assert (CUT in err, err.endswith(told)) == (bool(told), True)


@pytest.mark.parametrize("redirection", ["1>/dev/full", "1>&-", "2>/dev/full 1>&2"])
def test_a_run_that_stops_still_says_so_by_its_code(ground: Ground, redirection: str) -> None:
    """A VM that halts on its way is code 5, whoever can read it."""
    ground.simulator.faults.add("vm-halts", at=0.5)
    with ground.running(*ground.apply, "--json", through=shell(redirection)) as process:
        code, _, _ = ended(process)
    assert (code, ground.events()[-1]) == (Exit.STOPPED, "run-ended")


def test_readers_that_go_away_stop_nothing(ground: Ground) -> None:
    """Once steps are on their way, both pipes lose their readers: the run is carried out, and its code is 0."""
    gate = ground.hold(MIGRATE)
    with ground.running(*ground.apply, "--json") as process:
        ground.wait_for(process, gate.reached.is_set)
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stderr.close()
        gate.opened.set()
        assert process.wait(timeout=120) == Exit.DONE
    assert ground.looked() == ["moved"] * len(ground.plan.steps)


def test_a_log_that_nobody_reads_stops_nothing(ground: Ground) -> None:
    """The pipe behind standard error is full from the first word on: words are dropped, and steps are made."""
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writes, b"x" * 4096)
    with ground.running(*ground.apply, stderr=writes) as process:
        code, out, _ = ended(process)
    os.close(reads)
    os.close(writes)
    assert (code, ground.looked()) == (Exit.DONE, ["moved"] * len(ground.plan.steps))
    assert out.endswith("all steps are done\n")


def test_a_terminal_that_is_lost_stops_nothing(ground: Ground) -> None:
    """The window is closed in the middle of a run: it goes on, and the journal tells of every step."""
    here, there = pty.openpty()
    gate = ground.hold(MIGRATE)

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    streams: dict[str, Any] = {"stdin": there, "stdout": there, "stderr": there}
    with ground.running(*ground.apply, **streams, start_new_session=True, preexec_fn=take) as process:
        os.close(there)
        ground.wait_for(process, gate.reached.is_set)
        os.close(here)
        gate.opened.set()
        assert process.wait(timeout=120) == Exit.DONE
    assert ground.looked() == ["moved"] * len(ground.plan.steps)
    assert ground.events()[-1] == "run-ended"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["policy", "init"], ["systemd"], ["check", "SNAPSHOT"]])
@pytest.mark.parametrize("redirection", ["1>/dev/full", "1>&-"])
def test_every_command_ends_with_its_code(ground: Ground, served: Served, words: list[str], redirection: str) -> None:
    """A full disk is told, a closed output is what somebody wanted; both leave the code as it is."""
    typed = [served.snapshot if each == "SNAPSHOT" else each for each in words]
    with ground.running(*typed, through=shell(redirection)) as process:
        code, _, err = ended(process)
    assert (code, err) == (Exit.DONE, NO_SPACE if FULL in redirection else "")


def test_a_command_line_that_is_wrong_keeps_its_code(ground: Ground) -> None:
    """Whoever cannot read why, is told by the code."""
    for redirection in ("2>/dev/full", "2>&-", "1>&- 2>&-"):
        with ground.running("apply", through=shell(redirection)) as process:
            assert ended(process)[0] == Exit.ERROR


def test_nothing_is_written_into_the_journal_that_belongs_elsewhere(ground: Ground) -> None:
    """With all streams closed at the start, no file takes their numbers: every line of the journal is an event."""
    gate = ground.hold(MIGRATE)
    with ground.running(*ground.apply, through=shell("0<&- 1>&- 2>&-")) as process:
        ground.wait_for(process, gate.reached.is_set)
        for _ in range(2):
            process.terminate()
        gate.opened.set()
        assert ended(process)[0] == Exit.STOPPED
    lines = ground.journal.read_text(encoding="utf-8").splitlines()
    assert all("event" in json.loads(line) for line in lines)


def test_json_that_is_read_is_whole(served: Served, tmp_path: Path) -> None:
    """Where all is well nothing is said."""
    done = as_process("check", served.snapshot, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert json.loads(done.stdout)
