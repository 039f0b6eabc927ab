"""docs/nightly.md from its first command to its last, as it is pasted.

First everything on pools to practise on, which the page starts itself. Then what an operator pastes, in a folder that
stands for /, with a simulated pool for the real one, and `systemctl` and others as scripts that note how they are
called: a service that is started runs its `ExecStart=`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.policy import Policy
from rebalancer.policy.fleet import fleet_of
from rebalancer.simulator import Simulator, practice_pool
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)
CRON = re.compile(r"^30 22 \* \* \*  ", re.MULTILINE)
EVENING = datetime(2026, 11, 2, 22, 30, tzinfo=UTC)
TOOLS: Mapping[str, str] = {
    "systemctl": """echo "systemctl $*" >> "$HERE/called"
if [ "$1" = start ]; then sh -c "$(sed -n 's/^ExecStart=//p' "$2" | here)"; fi""",
    "journalctl": 'echo "journalctl $*" >> "$HERE/called"',
    "sudo": 'shift 2; exec "$@"',
    "mail": 'echo "mail $*" >> "$HERE/called"',
    "rebalancer": 'exec "$PYTHON" -m rebalancer "$@"',
    "here": r"""exec sed -E -e 's:/opt/rebalancer/bin/::g' -e "s:(^|[ >])(/etc|/var/lib)/:\1$HERE\2/:g" \
  -e 's:nightly (--execute|nightly.toml):& --pool-clock:'""",
}
"""`here` rewrites what names folders of the machine; nights that it starts go by the clock of the pool."""


def blocks(language: str) -> list[str]:
    """Fenced blocks of a language, in order."""
    return [found["text"] for found in FENCED.finditer(PAGE) if found["language"] == language]


def typed(block: str) -> str:
    """What is typed in a block, without the prompts."""
    return re.sub(r"^\$ ", "", block, flags=re.MULTILINE)


def pasted() -> str:
    """The indented blocks in order; of a crontab the commands."""
    found = INDENTED.finditer(FENCED.sub("", PAGE))
    return CRON.sub("", "".join(re.sub(r"^ {4}", "", each[0], flags=re.MULTILINE) for each in found))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a machine with these tools, and with folders that stand for its own."""
    for folder in ("bin", "etc/rebalancer", "etc/prometheus", "etc/systemd/system", "var/lib/rebalancer"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in TOOLS.items():
        tool = tmp_path / "bin" / name
        tool.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        tool.chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "HERE": str(tmp_path), "PYTHON": sys.executable}
    return found | {"XDG_STATE_HOME": str(tmp_path / "planned")}


def paste(script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run *script* in a shell that stops at the first command that fails."""
    return subprocess.run(
        ["bash", "-m", "-e", "-c", script],
        cwd=environment["HERE"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the page sets clocks with curl")
def test_the_pools_to_practise_on(tmp_path: Path, environment: dict[str, str]) -> None:
    """Every command succeeds; the first night carries its plan out, the second looks after both pools."""
    script = "".join(map(typed, blocks("console"))).replace("8080", "18080").replace("sleep 8", "sleep 20")
    run = paste(f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}", environment)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r'rebalancer_nightly_verdict\{.*verdict="done"\} 1\.0', run.stdout), run.stdout
    assert "fleet fleet: 2 pools, 0 failed" in run.stdout
    assert "the run of 2026-11-02 22:30 UTC" in run.stderr
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_policies_of_the_page_can_be_read(tmp_path: Path) -> None:
    """The policy and its section for notifications, and the fleet."""
    policy, fleet, notify = blocks("toml")
    assert Policy.model_validate(tomllib.loads(f"{policy}\n{notify}")).notify.wanted
    (tmp_path / "pools").mkdir()
    for name in ("east.toml", "pools/north.toml"):
        (tmp_path / name).write_text(policy, encoding="utf-8")
    (tmp_path / "fleet.toml").write_text(fleet, encoding="utf-8")
    assert [name for name, _ in fleet_of(tmp_path / "fleet.toml").members] == ["east.toml", "pools/north.toml"]


@pytest.mark.slow
def test_what_an_operator_pastes(tmp_path: Path, environment: dict[str, str]) -> None:
    """Policy, credentials, alerts, units and crontab: a night by each of them, the first of which plans alone."""
    with Simulator(
        practice_pool(hosts=6, vms=60, seed=1),
        tls=True,
        user="rebalancer",
        password="its password",
        speed=100.0,
        now=EVENING.timestamp(),
        net=31,
    ) as simulator:
        policy = blocks("toml")[0].replace("https://xen01.example.org", simulator.url)
        policy = re.sub(r'(?<=^fingerprints = \[")\w+', simulator.certificate_fingerprint, policy, flags=re.MULTILINE)
        (tmp_path / "etc/rebalancer/nightly.toml").write_text(policy, encoding="utf-8")
        rewritten = subprocess.run(
            [tmp_path / "bin" / "here"], input=pasted(), env=environment, capture_output=True, text=True, check=True
        )
        run = paste(rewritten.stdout, environment)
    told = run.stdout + run.stderr
    assert run.returncode == 0, told
    ends = re.findall(r"^pool simulated: (.*)$", run.stdout, re.MULTILINE)
    assert len(ends) == 3, f"by hand, by the unit, by the first line of the crontab: {told}"
    assert "planned, and not to be executed" in ends[0], told
    assert "the plan is carried out" in ends[1], told
    assert "pool simulated: " in (tmp_path / "var/lib/rebalancer/last.log").read_text(encoding="utf-8")
    assert (tmp_path / "called").read_text(encoding="utf-8").splitlines() == [
        "systemctl daemon-reload",
        "systemctl enable --now rebalancer-nightly.timer",
        "systemctl start rebalancer-nightly.service",
        "journalctl -u rebalancer-nightly.service",
    ]
    assert "groups:" in (tmp_path / "etc/prometheus/rebalancer-alerts.yml").read_text(encoding="utf-8")
