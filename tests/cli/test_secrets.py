"""What commands leave behind holds neither the password nor a reference to a session, whatever goes wrong."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rebalancer.export import write_plan
from rebalancer.inventory import pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.problem import make_problem
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.faults.answers import FORMS
from rebalancer.simulator.server.http import Handler
from rebalancer.whatif.evacuate import evacuate
from tests.cli.terminal import ROOT
from tests.execute.scripted import MADE_AT
from tests.pools import policy_of

PASSWORD = "hush-4f1e-hush"
SHIM = """#!{python}
import os, sys
with open({log!r}, "a") as log:
    log.write(repr((sys.argv, dict(os.environ))) + "\\n")
os.execv({program!r}, sys.argv)
"""
"""A program that notes with which words and in which environment it is started, before it becomes the real one."""
POOL = generate_pool(hosts=4, vms=16, seed=11, fill=0.4, local=0.4, pinned=0.0, hot=0.0, days=1)


@dataclass(kw_only=True)
class Desk:
    """A pool served over TLS, a plan for it, and folders in which everything lands that commands leave behind."""

    simulator: Simulator
    folder: Path
    sessions: set[str]
    said: list[bytes] = field(default_factory=list)

    @property
    def keys(self) -> dict[str, str]:
        """The environment of somebody who puts the password there."""
        return {"REBALANCER_USER": "root", "REBALANCER_PASSWORD": PASSWORD}

    @property
    def pin(self) -> list[str]:
        """The options that trust the pool."""
        return ["--fingerprint", str(self.simulator.certificate_fingerprint)]

    def type(self, *words: object, **environment: str) -> int:
        """Type a command in a process of its own; its exit code."""
        done = subprocess.run(
            self.command(*words), env=self.environment(**environment), capture_output=True, check=False
        )
        self.said += [done.stdout, done.stderr]
        return done.returncode

    def command(self, *words: object) -> list[str]:
        """The command."""
        return [sys.executable, "-m", "rebalancer", *map(str, words)]

    def environment(self, **more: str) -> dict[str, str]:
        """What a process knows besides."""
        places = {name: str(self.folder / "home") for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR")}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "PYTHONPATH": str(ROOT), "REBALANCER_DEBUG": "1", **places, **more}

    def leftovers(self) -> bytes:
        """Everything that is left: what was printed, and all files but that of the password."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "credentials"]
        bodies = [path.read_bytes() for path in files]
        plain = [gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in bodies]
        return b"\n".join((*self.said, *plain, *(str(path).encode() for path in files)))

    def assert_silent(self) -> None:
        """Fail where a secret is left."""
        left = self.leftovers()
        assert self.sessions
        assert PASSWORD.encode() not in left
        for session in self.sessions:
            assert session.encode() not in left
            assert session.removeprefix("OpaqueRef:").encode() not in left


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A host of the pool is to be emptied, VMs with local disks among those that move."""
    for name in ("home", "bin"):
        (tmp_path / name).mkdir()
    with Simulator(POOL, tls=True, password=PASSWORD, speed=100.0, login_delay=0.0) as simulator:
        sessions, add = set[str](), simulator.database.add

        def added(cls: str, record: dict[str, Any], ref: str | None = None) -> str:
            ref = add(cls, record, ref)
            if cls == "session":
                sessions.add(ref)
            return ref

        simulator.database.add = added  # type: ignore[method-assign]
        yield Desk(simulator=simulator, folder=tmp_path, sessions=sessions)


@pytest.fixture
def plan(desk: Desk) -> Path:
    """The folder of the plan; it is never too old."""
    pool = pool_from_records({cls: desk.simulator.database.all(cls) for cls in CLASSES})
    policy = policy_of(storage_motion={"enabled": True}, plan={"expires_hours": 1e5}, intent={"read_tags": False})
    found = evacuate(make_problem(pool, None, policy), [min(pool.hosts)], made_at=MADE_AT)
    assert found.plan
    assert any(step.disks for step in found.plan.steps)
    write_plan(found.plan, desk.folder / "plan")
    return desk.folder / "plan"


@pytest.fixture
def credentials(desk: Desk) -> Path:
    """A file with user and password, for its owner only."""
    path = desk.folder / "credentials"
    path.touch(mode=0o600)
    path.write_text(f"root\n{PASSWORD}\n", encoding="utf-8")
    return path


def test_the_whole_way_leaves_no_secret(desk: Desk, plan: Path, credentials: Path) -> None:
    """Read, check, carry out, plan the way back, carry that out: with the password in a file."""
    url, way = desk.simulator.url, ["--credentials", credentials, *desk.pin]
    assert desk.type("snapshot", url, "--output", desk.folder / "pool.json.gz", *way) == 0
    assert desk.type("check", url, *way) == 0
    assert desk.type("apply", plan, url, *way) == 0
    assert desk.type("rollback", plan, url, "--output", desk.folder / "back", *way) == 0
    assert desk.type("apply", desk.folder / "back", url, "--any-time", "--json", *way) == 0
    desk.assert_silent()


def test_a_process_that_is_killed_shows_and_leaves_no_secret(desk: Desk, plan: Path, credentials: Path) -> None:
    """Its words and its environment are there for all to see while it runs; its files stay."""
    desk.simulator.world.speed = 0.01
    words = desk.command("apply", plan, desk.simulator.url, "--credentials", credentials, *desk.pin)
    with subprocess.Popen(words, env=desk.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while b'"sent"' not in desk.leftovers():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        desk.said += [Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        process.kill()
        desk.said += [bytes(process.communicate()[1])]
    desk.assert_silent()
    desk.simulator.world.speed = 100.0
    assert desk.type("apply", plan, desk.simulator.url, "--credentials", credentials, *desk.pin) == 0
    desk.assert_silent()


def test_no_address_that_is_asked_holds_a_session(
    desk: Desk, credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses stand in logs of servers and proxies, headers do not."""
    paths, parse = list[str](), Handler.parse_request

    def parsed(self: Handler) -> bool:
        told = parse(self)
        paths.append(self.path)
        return told

    monkeypatch.setattr(Handler, "parse_request", parsed)
    url, way = desk.simulator.url, ["--credentials", credentials, *desk.pin]
    assert desk.type("snapshot", url, "--output", desk.folder / "pool.json.gz", *way) == 0
    assert any(path.startswith("/rrd_updates?") for path in paths)
    refs = [session.removeprefix("OpaqueRef:") for session in desk.sessions]
    assert refs
    assert not [path for path in paths if any(ref in path for ref in refs)]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen (Debian: openssh-client)")
def test_other_programs_are_told_no_secret(desk: Desk, plan: Path) -> None:
    """The program that signs and checks approvals gets no password, although it is in the environment."""
    program = str(shutil.which("ssh-keygen"))
    key, log = desk.folder / "key", desk.folder / "children"
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shim = desk.folder / "bin" / "ssh-keygen"
    shim.write_text(SHIM.format(python=sys.executable, log=str(log), program=program), encoding="utf-8")
    shim.chmod(0o755)
    public = key.with_suffix(".pub").read_text(encoding="utf-8")
    (desk.folder / "signers").write_text(f'jane namespaces="rebalancer-approval" {public}', encoding="utf-8")
    policy = '[execution]\nrequire_approval = true\nallowed_signers = "signers"\n'
    (desk.folder / "policy.toml").write_text(policy, encoding="utf-8")
    assert desk.type("approve", plan, "--by", "jane", "--reason", "4711", "--sign", key, **desk.keys) == 0
    given = ["--policy", desk.folder / "policy.toml", *desk.pin]
    assert desk.type("apply", plan, desk.simulator.url, *given, **desk.keys) == 0
    assert log.read_text(encoding="utf-8").count("ssh-keygen") >= 2
    desk.assert_silent()


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_is_none_leaves_no_secret(desk: Desk, plan: Path, form: str) -> None:
    """However the run ends over it."""
    desk.simulator.go_wrong(f"malformed:method=Async.VM.migrate_send,form={form}")
    desk.type("apply", plan, desk.simulator.url, *desk.pin, **desk.keys)
    desk.assert_silent()


@pytest.mark.parametrize(
    "fault",
    [
        "refused:method=Async.VM.migrate_send,code=INTERNAL_ERROR,params={session}",
        "refused:method=VM.assert_can_migrate,code=INTERNAL_ERROR,params=http://h/services/SM?session_id={session}",
        "mirror-fails:times=-1",
        "session-expires:method=VM.get_record,times=3",
        "connection-reset:method=session.login_with_password",
    ],
)
def test_an_error_tells_no_secret(desk: Desk, plan: Path, fault: str) -> None:
    """Not even where the host tells it in its error."""
    _, session = Dispatcher(desk.simulator.world).call(
        desk.simulator.world.coordinator, "session.login_with_password", ["root", PASSWORD]
    )
    desk.simulator.go_wrong(fault.format(session=session))
    desk.type("apply", plan, desk.simulator.url, *desk.pin, **desk.keys)
    desk.assert_silent()
