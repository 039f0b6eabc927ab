"""From an installed package to the first night."""

from __future__ import annotations

import re
import shlex
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import XenAPI

from rebalancer.cli.exits import Exit
from rebalancer.cli.installing import questions
from rebalancer.cli.installing.units import SAVING, UNITS
from rebalancer.face.sleeping import assert_may_sleep, assert_may_wake
from rebalancer.policy import Policy
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, ROOT, USER, Ended, Terminal

ENOUGH = 3.0
"""Exposure that `systemd-analyze security` may find."""


@pytest.fixture(scope="module")
def secured() -> Iterator[Simulator]:
    """A pool with a self-signed certificate, and a user who may read only."""
    with Simulator(POOL, user=USER, password=PASSWORD, tls=True, login_delay=0.0) as simulator:
        yield simulator


@pytest.fixture
def asked(terminal: Terminal) -> Terminal:
    """A terminal that knows user and password."""
    terminal.monkeypatch.setenv("REBALANCER_USER", USER)
    terminal.monkeypatch.setenv("REBALANCER_PASSWORD", PASSWORD)
    return terminal


def set_up(terminal: Terminal, pool: Simulator, *words: object, pinned: bool = True) -> Ended:
    """Set up in the folders etc and state."""
    pin = ["--fingerprint", pool.certificate_fingerprint] if pinned else []
    return terminal.run("setup", pool.url, "--folder", "etc", "--state-dir", "state", *pin, *words)


def test_it_leads_to_the_first_night(asked: Terminal, secured: Simulator) -> None:
    """The policy is well-formed, the password private, and the night that is told next plans and moves nothing."""
    ended = set_up(asked, secured, "--maximum-moves", "3", "--timezone", "Europe/Berlin", "--window", "23:00-04:30")
    assert ended.code == Exit.DONE, ended.err
    policy = Policy.load(asked.folder / "etc" / "nightly.toml")
    assert (policy.pool.url, policy.pool.fingerprints) == (secured.url, (secured.certificate_fingerprint,))
    assert (policy.limits.maximum_moves, f"{policy.window[0].start:%H:%M}", policy.timezone) == (
        3,
        "23:00",
        "Europe/Berlin",
    )
    kept = asked.folder / "etc" / "credentials"
    assert (kept.read_text(encoding="utf-8"), stat.S_IMODE(kept.stat().st_mode)) == (f"{USER}\n{PASSWORD}\n", 0o600)
    night = next(line for line in ended.out.splitlines() if " nightly " in line and not line.startswith("0 "))
    assert "--execute" not in night
    typed = asked.run(
        *night.removeprefix("sudo -u rebalancer ").split()[1:], REBALANCER_USER=None, REBALANCER_PASSWORD=None
    )
    assert (typed.code, "planned" in typed.out or "nothing to do" in typed.out) == (Exit.DONE, True), typed.err
    assert PASSWORD not in ended.out + ended.err


def test_nothing_is_written_over(asked: Terminal, secured: Simulator) -> None:
    """A second time, and where any file is there, nothing is asked and nothing changes."""
    (asked.folder / "units").mkdir()
    asked.write("units/rebalancer-nightly.timer", "mine")
    refused = set_up(asked, secured, "--units", "units")
    assert (refused.code, refused.sentence) == (
        Exit.ERROR,
        "units/rebalancer-nightly.timer: it exists, and is left as it is. Move it away, or name another folder.",
    )
    assert not (asked.folder / "etc").exists()


def test_a_certificate_has_to_be_confirmed(asked: Terminal, secured: Simulator) -> None:
    """Without a terminal the error says what is shown and what to add; nothing is sent, nothing written."""
    refused = set_up(asked, secured, pinned=False)
    assert refused.code == Exit.ERROR
    assert f"add --fingerprint {secured.certificate_fingerprint}" in refused.sentence
    assert "openssl x509" in refused.err
    assert not (asked.folder / "etc").exists()


@pytest.mark.parametrize(("answer", "code"), [(True, Exit.DONE), (False, Exit.ERROR)])
def test_on_a_terminal_it_asks(asked: Terminal, secured: Simulator, answer: bool, code: Exit) -> None:
    """What is confirmed is pinned, and a no ends it with nothing written."""
    asked.monkeypatch.setattr(questions, "has_answers", lambda: True)
    asked.monkeypatch.setattr("typer.confirm", lambda *_, **__: answer)
    ended = set_up(asked, secured, pinned=False)
    assert ended.code == code
    assert (asked.folder / "etc" / "nightly.toml").exists() is answer
    if answer:
        pinned = Policy.load(asked.folder / "etc" / "nightly.toml").pool.fingerprints
        assert pinned == (secured.certificate_fingerprint,)


def test_user_and_password_are_asked_for(asked: Terminal, secured: Simulator) -> None:
    """Where the environment says neither."""
    answers = {"User": USER, "Password": PASSWORD}
    asked.monkeypatch.setattr(questions, "has_answers", lambda: True)
    asked.monkeypatch.setattr("typer.prompt", lambda words, **_: answers[words])
    asked.monkeypatch.delenv("REBALANCER_USER")
    asked.monkeypatch.delenv("REBALANCER_PASSWORD")
    assert set_up(asked, secured).code == Exit.DONE
    assert (asked.folder / "etc" / "credentials").read_text(encoding="utf-8") == f"{USER}\n{PASSWORD}\n"


@pytest.fixture(scope="module")
def reader(secured: Simulator) -> str:
    """A subject with the role read-only."""
    session = XenAPI.Session(secured.url, ignore_ssl=True)
    session.xenapi.login_with_password(USER, PASSWORD)
    subject = session.xenapi.subject.create({"subject_identifier": "S-1", "other_config": {"subject-name": "reader"}})
    session.xenapi.subject.add_to_roles(subject, session.xenapi.role.get_by_name_label("read-only")[0])
    return "reader"


def test_a_user_who_may_not_migrate_is_told(asked: Terminal, secured: Simulator, reader: str) -> None:
    """The calls and the role that they take; with --plan-only it is enough, and the nights do not execute."""
    asked.monkeypatch.setenv("REBALANCER_USER", reader)
    refused = set_up(asked, secured)
    assert refused.code == Exit.ERROR
    assert "VM.pool_migrate" in refused.sentence
    assert "Give it the role vm-power-admin" in refused.sentence
    assert re.search(r"^a step +vm-power-admin +no$", refused.out, re.MULTILINE)
    assert not (asked.folder / "etc").exists()
    planned = set_up(asked, secured, "--plan-only", "--units", "units")
    assert planned.code == Exit.DONE
    assert "--execute" not in planned.out + (asked.folder / "units" / "rebalancer-nightly.service").read_text()


def test_a_file_with_credentials_is_named_not_copied(asked: Terminal, secured: Simulator) -> None:
    """The policy says where it is."""
    mine = asked.write("mine", f"{USER}\n{PASSWORD}\n")
    mine.chmod(0o600)
    assert set_up(asked, secured, "--credentials", "mine").code == Exit.DONE
    assert not (asked.folder / "etc" / "credentials").exists()
    assert Policy.load(asked.folder / "etc" / "nightly.toml").pool.credentials_file == str(mine)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--window", "evening", "it is no window. Write it like 22:00-05:00."),
        ("--window", "25:00-05:00", "it is no window. Write it like 22:00-05:00."),
        ("--timezone", "Mars/Olympus", "there is no such time zone. Name one like Europe/Berlin."),
    ],
)
def test_hours_that_are_none_are_refused(asked: Terminal, option: str, value: str, words: str) -> None:
    """In words, and before anybody is asked: nothing listens at this address."""
    refused = asked.run("setup", "http://127.0.0.1:1", "--folder", "etc", option, value)
    assert (refused.code, refused.sentence) == (Exit.ERROR, f"{option} {value}: {words}")


@pytest.fixture
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_utc")
def test_nights_begin_when_the_window_opens(asked: Terminal, secured: Simulator) -> None:
    """By the timer, in the zone of the policy, and by the crontab, in that of this machine."""
    words = ["--window", "01:15-05:00", "--timezone", "Asia/Kolkata"]
    ended = set_up(asked, secured, *words, "--units", "units")
    timer = (asked.folder / "units" / "rebalancer-nightly.timer").read_text(encoding="utf-8")
    assert "OnCalendar=*-*-* 01:15 Asia/Kolkata\n" in timer
    assert "\n45 19 * * *  " in ended.out
    again = asked.run(
        "setup", secured.url, "--folder", "more", "--fingerprint", secured.certificate_fingerprint, *words
    )
    told = next(line for line in again.out.splitlines() if " systemd timer " in line)
    assert asked.run(*shlex.split(told.partition(" > ")[0])[1:]).out == f"# rebalancer-nightly.timer\n{timer}"


@pytest.mark.parametrize("at", ["evening", "24:00", "22:30 Mars", "22:30\nUnit=x"])
def test_a_night_begins_at_some_time(terminal: Terminal, at: str) -> None:
    """Or no unit is printed."""
    refused = terminal.run("systemd", "timer", "--at", at)
    assert (refused.code, refused.out) == (Exit.ERROR, "")
    assert "22:30 Europe/Berlin" in refused.sentence or "no such time zone" in refused.sentence


def test_units_know_where_things_are(asked: Terminal, secured: Simulator) -> None:
    """Paths, user and metrics folder stand in the units and in the crontab line."""
    more = ["--units", "units", "--metrics-file", "m/r.prom", "--run-as", "ops", "--mail-to", "ops@example.org"]
    ended = set_up(asked, secured, *more)
    service = (asked.folder / "units" / "rebalancer-nightly.service").read_text(encoding="utf-8")
    command = re.search(r"^ExecStart=\S+ (.*)$", service, re.MULTILINE)
    folder = asked.folder
    assert command
    assert (
        command[1]
        == f"nightly --execute --state-dir {folder}/state --metrics-file {folder}/m/r.prom {folder}/etc/nightly.toml"
    )
    assert f"ReadWritePaths={folder}/state {folder}/m\n" in service
    assert "User=ops\n" in service
    assert "StateDirectory" not in service
    assert command[1] in next(line for line in ended.out.splitlines() if line.startswith("0 22"))
    failed = (asked.folder / "units" / "rebalancer-failed@.service").read_text(encoding="utf-8")
    assert "on %H\" ops@example.org'" in failed
    lines = ended.out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("# The first night"))
    assert lines[first + 1].startswith("sudo -u ops ")
    assert lines[first - 2 : first] == [
        f"install --directory --mode 0700 --owner ops {folder}/state",
        f"install --directory --owner ops {folder}/m",
    ]


def test_shipped_units_are_what_the_usual_options_give(terminal: Terminal) -> None:
    """They are valid as they stand, and the metrics folder of the docs may be written to."""
    for kind, name in (UNITS | SAVING).items():
        shipped = (ROOT / "rebalancer" / "nightly" / name).read_text(encoding="utf-8")
        assert terminal.run("systemd", kind).out == f"# {name}\n{shipped}"
    service = terminal.run("systemd", "service").out
    (allowed,) = re.findall(r"^ReadWritePaths=(.*)$", service, re.MULTILINE)
    (named,) = set(re.findall(r"--metrics-file (/\S+)/\w+\.prom", (ROOT / "docs" / "nightly.md").read_text()))
    assert named in allowed.replace("-/", "/").split()
    assert "OnFailure=rebalancer-failed@%n.service\n" in service


RATED = {
    "service": ("service",),
    "service elsewhere": ("service", "--state-dir", "/srv/rebalancer", "--policy", "/srv/nightly.toml"),
    "sleep": ("sleep",),
    "sleep elsewhere": ("sleep", "--state-dir", "/srv/rebalancer", "--policy", "/srv/saving.toml"),
    "wake": ("wake",),
    "failed": ("failed",),
    "failed, by mail to others": ("failed", "--mail-to", "ops@example.org"),
}


@pytest.mark.parametrize("words", RATED.values(), ids=RATED)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze comes with systemd")
def test_little_is_exposed(terminal: Terminal, tmp_path: Path, words: tuple[str, ...]) -> None:
    """`systemd-analyze security` finds less than 3 of 10, and `verify` finds nothing but the missing program."""
    unit = tmp_path / (UNITS | SAVING)[words[0]]
    unit.write_text(terminal.run("systemd", *words).out, encoding="utf-8")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for rebalancer-\S+\.service: ([\d.]+)", rated.stdout)
    assert found, rated.stdout + rated.stderr
    assert float(found[1]) < ENOUGH
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert not re.search("Unknown|Invalid|Failed to parse", verified.stderr), verified.stderr


@pytest.mark.parametrize("kind", ["timer", "sleep-timer", "wake-timer"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze comes with systemd")
def test_timers_can_be_read(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    """`systemd-analyze verify` knows every word, and `calendar` the time; each timer has the service that it starts."""
    for each in (kind, kind.removesuffix("-timer") if kind != "timer" else "service"):
        (tmp_path / (UNITS | SAVING)[each]).write_text(terminal.run("systemd", each).out, encoding="utf-8")
    timer = tmp_path / (UNITS | SAVING)[kind]
    assert timer.with_suffix(".service").is_file()
    verified = subprocess.run(["systemd-analyze", "verify", str(timer)], capture_output=True, text=True, check=False)
    assert not re.search("Unknown|Invalid|Failed to parse", verified.stderr), verified.stderr
    (when,) = re.findall(r"^OnCalendar=(.*)$", timer.read_text(encoding="utf-8"), re.MULTILINE)
    assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode == 0


def test_paths_with_signs_of_systemd_are_escaped(terminal: Terminal) -> None:
    """A percent sign and a blank are read back as they are; homes stay readable where things are in one."""
    folder = Path("/home") / "jane"
    words = ["--policy", folder / "50% of it" / "n.toml", "--state-dir", "/srv/s"]
    told = terminal.run("systemd", "service", *words).out
    assert f'"{folder}/50%% of it/n.toml"\n' in told
    assert "ProtectHome=read-only\n" in told


def test_hosts_that_sleep_are_set_up(asked: Terminal, secured: Simulator) -> None:
    """A policy with the words that it takes, and units that go by it; what is printed writes the same units."""
    written = set_up(asked, secured, "--sleep", "--units", "units")
    assert written.code == Exit.DONE, written.err
    saving = Policy.load(asked.folder / "etc" / "saving.toml")
    assert_may_sleep(saving)
    assert_may_wake(saving)
    assert (saving.pool, saving.spare.hosts) == (Policy.load(asked.folder / "etc" / "nightly.toml").pool, 1)
    for kind, name in (("sleep", "sleep --execute"), ("wake", "wake")):
        service = (asked.folder / "units" / SAVING[kind]).read_text(encoding="utf-8")
        command = re.search(rf"^ExecStart=\S+ {name} (.+)$", service, re.MULTILINE)
        assert command is not None
        assert command[1] == f"--state-dir {asked.folder}/state --policy {asked.folder}/etc/saving.toml"
        assert f"\nReadWritePaths={asked.folder}/state\n" in service
        assert "Directory=rebalancer" not in service
    assert "enable --now rebalancer-sleep.timer rebalancer-wake.timer" in written.out
    nightly = (asked.folder / "units" / UNITS["service"]).read_text(encoding="utf-8")
    assert f"{asked.folder}/etc/nightly.toml" in nightly
    printed = asked.run(
        "setup",
        secured.url,
        "--folder",
        "more",
        "--state-dir",
        "state",
        "--fingerprint",
        secured.certificate_fingerprint,
        "--sleep",
    )
    for kind in SAVING:
        told = next(line for line in printed.out.splitlines() if f" systemd {kind} " in line)
        words, _, path = told.partition(" > ")
        unit = asked.run(*shlex.split(words)[1:]).out
        there = (asked.folder / "units" / SAVING[kind]).read_text(encoding="utf-8")
        elsewhere = there.replace(f"{asked.folder}/etc", f"{asked.folder}/more")
        assert unit == f"# {SAVING[kind]}\n{elsewhere}"
        assert path == f"/etc/systemd/system/{SAVING[kind]}"


@pytest.mark.usefixtures("_utc")
@pytest.mark.parametrize(
    ("words", "at"),
    [
        (["--window", "22:00-05:00"], "23:00"),
        (["--window", "23:30-05:00"], "00:30"),
        (["--window", "22:00-22:50"], "22:25"),
        (["--window", "22:00-22:00"], "23:00"),
        (["--window", "22:00-05:00", "--sleep-at", "01:10"], "01:10"),
    ],
)
def test_hosts_go_to_sleep_in_the_window(asked: Terminal, secured: Simulator, words: list[str], at: str) -> None:
    """An hour after the night begins, halfway through short windows, or when the operator says; by cron, too."""
    ended = set_up(asked, secured, "--sleep", "--units", "units", "--timezone", "Asia/Kolkata", *words)
    assert ended.code == Exit.DONE, ended.err
    timer = (asked.folder / "units" / SAVING["sleep-timer"]).read_text(encoding="utf-8")
    assert f"OnCalendar=*-*-* {at} Asia/Kolkata\n" in timer
    hours, minutes = (int(part) for part in at.split(":"))
    there = (hours * 60 + minutes - 330) % 1440
    lines = ended.out.splitlines()
    (sleeps,) = (line for line in lines if line.startswith(f"{there % 60} {there // 60} * * *") and " sleep " in line)
    assert sleeps.endswith(f" sleep --execute --state-dir {asked.folder}/state --policy {asked.folder}/etc/saving.toml")
    (wakes,) = (line for line in lines if line.startswith("*/10 * * * *  "))
    assert wakes.endswith(f" wake --state-dir {asked.folder}/state --policy {asked.folder}/etc/saving.toml")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--sleep", "--sleep-at", "06:00"],
            "--sleep-at 06:00: VMs leave their hosts in the window only, 22:00-05:00.",
        ),
        (["--sleep", "--sleep-at", "05:00"], "in the window only"),
        (["--sleep", "--sleep-at", "late"], "--sleep-at late: it is no time of day. Write it like 23:00."),
        (["--sleep-at", "23:00"], "no host is put to sleep without --sleep"),
    ],
)
def test_hours_in_which_no_host_can_be_emptied_are_refused(asked: Terminal, words: list[str], told: str) -> None:
    """Before anybody is asked: nothing listens at this address."""
    refused = asked.run("setup", "http://127.0.0.1:1", "--folder", "etc", *words)
    assert (refused.code, told in " ".join(refused.err.split())) == (Exit.ERROR, True), refused.err


def test_what_setting_up_tells_of_sleep_can_be_typed(asked: Terminal, secured: Simulator) -> None:
    """The timers' commands get in without further words: nobody sleeps who could be woken, and hosts are looked at."""
    ended = set_up(asked, secured, "--sleep")
    alone = {"REBALANCER_USER": None, "REBALANCER_PASSWORD": None}
    lines = [line.removeprefix("sudo -u rebalancer ") for line in ended.out.splitlines()]
    (looks, _, undoes) = (shlex.split(line)[1:] for line in lines if re.match(r"/\S+ (sleep|wake) ", line))
    looked = asked.run(*looks, "--no-metrics", **alone)
    assert (looked.code, "in use" in looked.out) == (Exit.DONE, True), looked.err
    for words in (undoes, undoes[:-1]):
        woken = asked.run(*words, **alone)
        assert (woken.code, woken.out) == (Exit.DONE, "nothing was switched\n"), woken.err


def test_who_has_hosts_sleep_may_switch_them(asked: Terminal, secured: Simulator) -> None:
    """A user who may only move VMs is refused, with the role that it takes; without --sleep it is enough."""
    session = XenAPI.Session(secured.url, ignore_ssl=True)
    session.xenapi.login_with_password(USER, PASSWORD)
    subject = session.xenapi.subject.create({"subject_identifier": "S-2", "other_config": {"subject-name": "mover"}})
    session.xenapi.subject.add_to_roles(subject, session.xenapi.role.get_by_name_label("vm-power-admin")[0])
    asked.monkeypatch.setenv("REBALANCER_USER", "mover")
    refused = set_up(asked, secured, "--sleep")
    assert refused.code == Exit.ERROR
    assert "host.shutdown" in refused.sentence
    assert "Give it the role pool-operator" in refused.sentence
    assert not (asked.folder / "etc").exists()
    assert set_up(asked, secured).code == Exit.DONE


def test_hosts_that_sleep_are_no_plan_alone(asked: Terminal, secured: Simulator) -> None:
    """Whoever may only plan switches nobody."""
    assert "--plan-only" in set_up(asked, secured, "--sleep", "--plan-only").err
