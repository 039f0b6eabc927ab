"""Setting up: ask, look, check, write, and say what comes next."""

from __future__ import annotations

import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import rebalancer as rb
from rebalancer.cli.installing import questions
from rebalancer.cli.installing.files import Draft, assert_new, must_be_given, types, write
from rebalancer.cli.installing.policy_text import WayIn, Wishes, plain_digits, policy_text, saving_text
from rebalancer.cli.installing.units import SAVING, UNITS, Installation, absolute, crontab_line, unit, waking_line
from rebalancer.cli.output import say, show, show_lines
from rebalancer.cli.table import table
from rebalancer.errors import ConnectionSettingsError
from rebalancer.face.admission import Admission, admission, certificate_at
from rebalancer.units import counted

POLICY_FILE: Final = "nightly.toml"
SAVING_FILE: Final = "saving.toml"
CREDENTIALS_FILE: Final = "credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the operator said; see the options of `setup`."""

    url: str
    folder: Path
    units: Path | None
    credentials: Path | None
    ca_file: Path | None
    fingerprints: tuple[str, ...]
    legacy_tls: bool
    wishes: Wishes
    state_dir: Path
    metrics_file: Path | None
    run_as: str
    mail_to: str
    executes: bool
    sleeps: bool = False

    @property
    def policy(self) -> Path:
        """Where the policy is to be."""
        return self.folder / POLICY_FILE

    @property
    def saving(self) -> Path:
        """Where the policy is to be under which hosts sleep."""
        return self.folder / SAVING_FILE

    @property
    def own_credentials(self) -> Path:
        """Where user and password stand."""
        return self.credentials or self.folder / CREDENTIALS_FILE

    @property
    def unit_files(self) -> dict[str, str]:
        """The file of each unit by its kind."""
        return UNITS | SAVING if self.sleeps else UNITS

    def way(self, fingerprints: tuple[str, ...], login: rb.Credentials | None = None) -> rb.Connection:
        """The way into the pool, with so much confirmed."""
        return rb.Connection(
            credentials=login, ca_file=self.ca_file, fingerprints=fingerprints, legacy_tls=self.legacy_tls
        )

    def installation(self, kind: str = "") -> Installation:
        """Where things will be, for units of that *kind*."""
        command = shutil.which(sys.argv[0]) or Path(sys.executable).with_name("rebalancer")
        return Installation(
            program=absolute(Path(command)),
            policy=absolute(self.saving if kind in SAVING else self.policy),
            state_dir=absolute(self.state_dir),
            user=self.run_as,
            metrics_file=absolute(self.metrics_file) if self.metrics_file else None,
            mail_to=self.mail_to,
            executes=self.executes,
            at=self.wishes.sleeps if kind in SAVING else self.wishes.opens,
        )


def arrive(choice: Choice) -> None:
    """Set up the nights of a pool.

    Raises:
        InputError: a file is there already, or cannot be written.
        ConnectionSettingsError: a certificate is not confirmed, nobody logs in, or the user may not do what is needed.
        XapiError: the pool cannot be read.
    """
    there = choice.installation()
    wanted = [choice.policy, *([] if choice.credentials else [choice.folder / CREDENTIALS_FILE])]
    wanted += [choice.saving] if choice.sleeps else []
    wanted += [choice.units / name for name in choice.unit_files.values()] if choice.units else []
    assert_new(wanted)
    login, pins = questions.credentials(choice.credentials), choice.fingerprints
    first = certificate_at(choice.url, choice.way(pins))
    if not first.believed:
        pins = questions.confirmed({choice.url: first.fingerprint}, pins)
    seen = admission(choice.url, choice.way(pins, login))
    pins = questions.confirmed(seen.strangers, pins)
    for host, why in seen.silent.items():
        say(f"the certificate of {host} is not known: {why}; once it answers, add its fingerprint to the policy")
    _assert_may(seen, executes=choice.executes, sleeps=choice.sleeps)
    drafts = list(_drafts(choice, seen, login, pins))
    write(drafts, choice.run_as)
    rb.Policy.load(choice.policy)
    show_lines(*(f"{draft.path}: written" for draft in drafts))
    show_lines("", "What comes next:", *_next(choice, there))


def _assert_may(seen: Admission, *, executes: bool, sleeps: bool) -> None:
    """Show what the user may do, and pass where that is enough."""
    guests = sum(1 for _ in seen.pool.resident_guests())
    size = f"{counted(len(seen.pool.hosts), 'host')}, {counted(guests, 'running VM')}"
    title = f"Pool {seen.pool.name}: {size}. What {seen.user} may do there:"
    found = seen.features()
    rows = [(each.name, each.role, "no" if missing else "yes") for each, missing in found.items()]
    show(table(title, {"feature": "left", "least role": "left", "may": "left"}, rows))
    taken = [each for each in found if each.executes or (sleeps and each.sleeps)]
    lacking = {each: found[each] for each in taken if executes and found[each]}
    if lacking:
        calls = ", ".join(call for missing in lacking.values() for call in missing)
        problem = f"it may not call {calls}, which carrying plans out takes"
        remedy = f"Give it the role {list(lacking)[-1].role}, name another user, or add --plan-only"
        raise ConnectionSettingsError(f"user {seen.user}", problem, remedy)


def _drafts(choice: Choice, seen: Admission, login: rb.Credentials, pins: tuple[str, ...]) -> Iterator[Draft]:
    hosts = {each.fingerprint: host for host, each in seen.certificates.items()}
    way = WayIn(
        pool=seen.pool.name,
        url=choice.url,
        fingerprints={each: hosts.get(plain_digits(each), "shown by no host now") for each in pins},
        ca_file=Path(absolute(choice.ca_file)) if choice.ca_file else None,
        credentials=absolute(choice.credentials) if choice.credentials else CREDENTIALS_FILE,
        legacy_tls=choice.legacy_tls,
    )
    texts = {choice.policy: policy_text(way, choice.wishes)}
    if choice.sleeps:
        texts[choice.saving] = saving_text(way, choice.wishes)
    for path, text in texts.items():
        rb.Policy.model_validate(tomllib.loads(text))
        yield Draft(path=path, text=text)
    if not choice.credentials:
        yield Draft(path=choice.folder / CREDENTIALS_FILE, text=f"{login.user}\n{login.password}\n", private=True)
    if choice.units:
        for kind, name in choice.unit_files.items():
            yield Draft(path=choice.units / name, text=unit(kind, choice.installation(kind)))


def _next(choice: Choice, there: Installation) -> Iterator[str]:
    """What to type, each line after what it is for."""
    program, policy = shlex.quote(there.program), shlex.quote(there.policy)
    yield "# Look at the policy, and whether the pool can keep it:"
    yield f"{program} policy check {policy}"
    if not choice.credentials and must_be_given(choice.run_as):
        yield f"# Let {choice.run_as}, who runs the nights, read the credentials, and nobody else:"
        yield f"chown {shlex.quote(choice.run_as)} {shlex.quote(absolute(choice.folder / CREDENTIALS_FILE))}"
    yield from _folders(choice, there)
    yield "# The first night: it plans, writes the plan down, and moves nothing:"
    yield f"{_as(choice.run_as)}{program} nightly {policy} --state-dir {shlex.quote(there.state_dir)}"
    yield "# Every night, with systemd:"
    yield from _with_systemd(choice, there)
    yield f"# or without, in the crontab of {choice.run_as}, whose hours are this machine's:"
    yield crontab_line(there.words, there.at, datetime.now(UTC))
    if choice.sleeps:
        yield from _sleep_next(choice)


def _sleep_next(choice: Choice) -> Iterator[str]:
    """What to type so that hosts sleep."""
    there = choice.installation("sleep")
    yield "# Once nights go well, see which hosts could sleep, and let them: the first time by hand, in the window,"
    for words in ([each for each in there.sleeping if each != "--execute"], there.sleeping):
        yield f"{_as(choice.run_as)}{shlex.join(words)}"
    yield "# which this undoes:"
    yield f"{_as(choice.run_as)}{shlex.join([*there.waking, '--all'])}"
    yield f"# then every night at {there.at}; those that the next hours need are woken:"
    yield f"systemctl enable --now {SAVING['sleep-timer']} {SAVING['wake-timer']}"
    yield f"# or in the crontab of {choice.run_as}:"
    yield crontab_line(there.sleeping, there.at, datetime.now(UTC))
    yield waking_line(there)


def _folders(choice: Choice, there: Installation) -> Iterator[str]:
    """What has to be there before a night: folders to which whoever runs it may write."""
    metrics = Path(there.metrics_file).parent if there.metrics_file else None
    owner = shlex.quote(choice.run_as)
    if _as(choice.run_as):
        yield f"# Folders to which {choice.run_as} may write:"
        yield f"install --directory --mode 0700 --owner {owner} {shlex.quote(there.state_dir)}"
    if metrics and not metrics.is_dir():
        yield f"install --directory --owner {owner} {shlex.quote(str(metrics))}"


def _as(owner: str) -> str:
    """What goes before a command that is to be run as *owner*; nothing where that is whoever types it."""
    return "" if types(owner) else f"sudo -u {shlex.quote(owner)} "


def _with_systemd(choice: Choice, there: Installation) -> Iterator[str]:
    if choice.units is None:
        metrics = ["--metrics-file", there.metrics_file] if there.metrics_file else []
        options = ["--state-dir", there.state_dir, *metrics, "--run-as", there.user, "--mail-to", there.mail_to]
        options += [*([] if there.executes else ["--plan-only"])]
        for kind, name in choice.unit_files.items():
            own = choice.installation(kind)
            where = ["--program", own.program, "--policy", own.policy, "--at", own.at]
            yield f"{shlex.join([there.program, 'systemd', kind, *where, *options])} > /etc/systemd/system/{name}"
    yield f"systemctl daemon-reload && systemctl enable --now {UNITS['timer']}"
