"""run.sh, plan.md and moves.csv: true to the plan, and no name from the pool is more than a name."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.export import moves_csv, plan_markdown, xe_script
from rebalancer.export.markdown_table import markdown_text
from rebalancer.plan import Plan, sealed
from tests.plan.made import goal_of, plan_of, swap
from tests.pools import policy_of, problem_of

HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\ntouch pwned\n",
    "a\rtouch pwned",
    "\\'; touch pwned #",
    "*",
    "-rf",
    "a\u202etouch pwned",
    "a | b & touch pwned",
]

XE = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$LOG"
arguments=$*
value() { for each in $arguments; do case "$each" in "$1"=*) echo "${each#*=}" ;; esac; done; }
case "$1" in
  pool-list) cat "$POOL/uuid" ;;
  vm-param-get) cat "$POOL/$(value uuid).$(value param-name)" ;;
  vm-migrate) [ -e "$POOL/deaf" ] || value host-uuid > "$POOL/$(value uuid).resident-on" ;;
esac
"""


def swap_plan() -> Plan:
    """Three steps, valid now by the shell's clock."""
    problem = swap()
    plan = plan_of(problem, goal_of(problem, big="h2", small="h1"))
    return sealed(replace(plan, expires_at=datetime.now(UTC) + timedelta(hours=1)))


def named(plan: Plan, name: str) -> Plan:
    """The plan with *name* wherever the pool names anything."""
    steps = tuple(replace(step, vm_name=name, source_name=name, target_name=name, why=name) for step in plan.steps)
    hosts = tuple(replace(row, name=name) for row in plan.hosts)
    made_from = replace(plan.made_from, pool_name=name)
    return sealed(
        replace(plan, steps=steps, hosts=hosts, made_from=made_from, summary=name, warnings=(name,), rollback=())
    )


class Shell:
    """A folder with a plan's script and an `xe` that plays the pool of `swap`."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        (folder / "run.sh").write_text(xe_script(plan))
        (folder / "bin").mkdir()
        (folder / "bin" / "xe").write_text(XE)
        (folder / "bin" / "xe").chmod(0o755)
        (folder / "uuid").write_text("pool\n")
        self.place({"big": "h1", "small": "h2"})

    def place(self, placement: Mapping[str, str]) -> None:
        """Let VMs run somewhere."""
        for vm, host in placement.items():
            (self.folder / f"{vm}.resident-on").write_text(host + "\n")
            (self.folder / f"{vm}.power-state").write_text("running\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        sleepless = self.folder / "bin" / "sleep"
        sleepless.write_text("#!/bin/sh\n")
        sleepless.chmod(0o755)
        environment = {"PATH": path, "LOG": str(self.folder / "log"), "POOL": str(self.folder)}
        return subprocess.run(
            ["sh", "run.sh", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def migrations(self) -> list[str]:
        """The migrations that were asked for, as xe heard them."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith("vm-migrate")]


def test_the_script_carries_out_every_step_in_order(tmp_path: Path) -> None:
    """With the parameters that xe documents, each VM by uuid, live."""
    shell = Shell(tmp_path, swap_plan())
    ran = shell.run()
    assert ran.returncode == 0, ran.stderr
    assert shell.migrations() == [
        "vm-migrate uuid=small host-uuid=h3 live=true",
        "vm-migrate uuid=big host-uuid=h2 live=true",
        "vm-migrate uuid=small host-uuid=h1 live=true",
    ]
    assert ran.stdout.splitlines()[0] == "s01: small from h2 to h3"


def within(*, opens: float, closes: float, key: str = "window") -> Plan:
    """The three steps, made now under a policy with a window, or a blackout, that many minutes from now."""
    now = datetime.now(UTC)
    times = {name: f"{now + timedelta(minutes=at):%H:%M}" for name, at in (("start", opens), ("end", closes))}
    problem = swap()
    bound = problem_of(problem.pool, policy=policy_of(**{key: [times]}))
    plan = plan_of(bound, goal_of(bound, big="h2", small="h1"))
    return sealed(replace(plan, made_at=now, expires_at=now + timedelta(hours=24)))


@pytest.mark.parametrize(
    ("opens", "closes", "key"), [(120, 180, "window"), (-120, -60, "window"), (-60, 1, "window"), (-60, 60, "blackout")]
)
def test_the_script_keeps_the_windows(tmp_path: Path, opens: float, closes: float, key: str) -> None:
    """Before, after, too late in one, and in a blackout: nothing is sent, with the exit code of `apply`."""
    shell = Shell(tmp_path, within(opens=opens, closes=closes, key=key))
    ran = shell.run()
    assert (ran.returncode, shell.migrations()) == (9, [])
    assert ran.stderr.startswith("stopped: no change window is open long enough")


@pytest.mark.parametrize(("opens", "closes", "key"), [(-60, 60, "window"), (120, 180, "blackout")])
def test_the_script_runs_inside_a_window(tmp_path: Path, opens: float, closes: float, key: str) -> None:
    """All of it, where there is time; the way back is bound by none."""
    shell = Shell(tmp_path, within(opens=opens, closes=closes, key=key))
    assert (shell.run().returncode, len(shell.migrations())) == (0, 3)


def test_the_script_goes_back(tmp_path: Path) -> None:
    """`run.sh back` restores the placement, also after the plan has expired."""
    late = sealed(replace(swap_plan(), expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    shell = Shell(tmp_path, late)
    shell.place({"big": "h2", "small": "h1"})
    assert shell.run("back").returncode == 0
    assert (tmp_path / "big.resident-on").read_text() == "h1\n"
    assert (tmp_path / "small.resident-on").read_text() == "h2\n"


def test_the_script_stops_where_a_vm_is_not_where_the_plan_has_it(tmp_path: Path) -> None:
    """Nothing is moved from a state that nobody has looked at."""
    shell = Shell(tmp_path, swap_plan())
    shell.place({"big": "h3"})
    ran = shell.run()
    assert ran.returncode == 5
    assert "VM big is on host h3, not on h1" in ran.stderr
    assert len(shell.migrations()) == 1


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("uuid", "another", "this is another pool"),
        ("small.power-state", "suspended", "VM small is suspended, not running"),
        ("deaf", "", "VM small is on host h2, not on h3, although xe reported no error"),
    ],
)
def test_the_script_stops_before_harm(tmp_path: Path, file: str, content: str, words: str) -> None:
    """Another pool, a VM that does not run, a migration that did not happen: one sentence, code 5."""
    shell = Shell(tmp_path, swap_plan())
    (tmp_path / file).write_text(content + "\n")
    ran = shell.run()
    assert (ran.returncode, ran.stderr) == (5, f"stopped: {words}\n")
    assert len(shell.migrations()) <= 1


def test_an_expired_script_does_nothing(tmp_path: Path) -> None:
    """The clock of the machine decides."""
    shell = Shell(tmp_path, sealed(replace(swap_plan(), expires_at=datetime(2020, 1, 1, tzinfo=UTC))))
    ran = shell.run()
    assert (ran.returncode, shell.migrations()) == (5, [])
    assert "expired" in ran.stderr


def test_an_empty_plan_is_a_script_that_does_nothing(tmp_path: Path) -> None:
    """No steps, no migrations, no error."""
    problem = swap()
    plan = plan_of(problem, problem.initial)
    shell = Shell(tmp_path, sealed(replace(plan, expires_at=datetime.now(UTC) + timedelta(hours=1))))
    ran = shell.run()
    assert (ran.returncode, ran.stdout, shell.migrations()) == (0, "nothing to do\n", [])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_runs_nothing(tmp_path: Path, name: str) -> None:
    """In comments, messages and arguments a name is text: the script does what it should and no more."""
    shell = Shell(tmp_path, named(swap_plan(), name))
    ran = shell.run()
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "pwned").exists()
    assert len(shell.migrations()) == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_uuid_runs_nothing(tmp_path: Path, name: str) -> None:
    """An edited plan is refused before; all the same, a uuid is an argument and nothing else."""
    plan = swap_plan()
    steps = tuple(replace(step, vm=name, source=name, target=name) for step in plan.steps)
    made_from = replace(plan.made_from, pool=name)
    shell = Shell(tmp_path, sealed(replace(plan, steps=steps, made_from=made_from)))
    shell.run()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is absent; sh runs the script in the other tests")
@pytest.mark.parametrize("name", ["plain", *HOSTILE])
def test_other_shells_read_the_script(name: str) -> None:
    """bash parses what sh runs."""
    subprocess.run(["bash", "-n"], input=xe_script(named(swap_plan(), name)), text=True, check=True)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])  # noqa: RUF001
def test_no_cell_of_the_csv_is_a_formula(name: str) -> None:
    """A spreadsheet shows the name instead of computing it."""
    rows = list(csv.DictReader(io.StringIO(moves_csv(named(swap_plan(), name)), newline="")))
    assert [row["vm"][0] for row in rows] == ["'"] * 3
    assert all("\n" not in cell and "\r" not in cell for row in rows for cell in row.values())


def test_the_csv_has_a_row_for_every_step() -> None:
    """Ids, uuids, sizes and relations as the plan has them."""
    plan = swap_plan()
    rows = list(csv.DictReader(io.StringIO(moves_csv(plan), newline="")))
    assert [row["step"] for row in rows] == [step.id for step in plan.steps]
    assert [row["after"] for row in rows] == ["", "s01", "s02"]
    assert [row["gib"] for row in rows] == ["10.000", "12.000", "10.000"]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "a | b | c",
        "line\n# heading",
        "<img src=x onerror=alert(1)>",
        "`code` **bold** _it_ ~~gone~~",
        "see http://example.org or www.example.org",
        "&lt;b&gt; $x$ @everybody #1",
        "\u202egnp.exe",
    ],
)
def test_a_hostile_name_is_no_markup(name: str) -> None:
    """Every table keeps its columns, and no character of a name is left to mean something."""
    page = plan_markdown(named(swap_plan(), name))
    shown = markdown_text(name)
    assert shown in page
    assert not [each for each in "<[`*_|~&$@#" if each in shown.replace(f"\\{each}", "")]
    assert "://" not in shown
    for line in page.splitlines():
        if line.startswith("| s0"):
            assert line.replace("\\|", "").count("|") == 10


def test_the_page_tells_a_reviewer_everything() -> None:
    """Summary first, then objectives, steps with reasons, hosts, what was left alone, the way back and the commands."""
    page = plan_markdown(swap_plan())
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Plan for pool test pool",
        "## Steps",
        "## Timetable",
        "## Hosts, before and after",
        "## Warnings",
        "## The way back",
        "## To check it and to carry it out",
    ]
    assert page.splitlines()[2].startswith("3 steps, 1 of them to park a VM")
    assert "| s01 (hop) | small | h2 | h3 | 10.0 GiB |" in page
    assert "    rebalancer apply PLAN URL" in page


def test_times_in_the_page_are_utc() -> None:
    """Whatever zone the plan was made in."""
    zone = datetime.fromisoformat("2026-11-01T04:00:00+02:00")
    assert "| made | 2026-11-01 02:00 UTC |" in plan_markdown(replace(swap_plan(), made_at=zone))


def test_the_script_names_no_reference_and_no_password() -> None:
    """Only uuids and names; nothing secret can be in it, because nothing secret is in a plan."""
    text = xe_script(swap_plan()) + json.dumps(moves_csv(swap_plan()))
    assert "OpaqueRef" not in text
    assert "password" not in text
