"""The docs are read by tests: what they link to is there, what they tell people to type works.

A fenced block of the README marked `console` holds commands after `$ `; a block marked `python` is a script. They run
in order, in one fresh folder, with the environment that earlier blocks exported, the package's own commands first
on PATH and no standard input. Below a comment `<!-- not run: REASON -->` the next block is left out.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from rebalancer.export import FILES
from rebalancer.objectives import OBJECTIVES
from rebalancer.rules.catalogue import LIVE
from tests.cli.exit_codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK_SECONDS = 180

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n\n?)?^```(?P<language>\w+)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^()\s]+)\)|!\[[^\]]*\]\((?P<image>[^()\s]+)\)")
HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)

REGISTRY = re.compile(r"https?://[^\s\"'<>]*(?:pypi|pythonhosted|npmjs|debian)[^\s\"'<>]*", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of the README that people are meant to type."""

    line: int
    language: str
    body: str
    not_run: str | None

    @property
    def commands(self) -> list[str]:
        """What stands after `$ ` in a console block, lines that end in a backslash joined with the next."""
        joined = self.body.replace("\\\n", " ")
        return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


def blocks(text: str) -> list[Block]:
    """The console and Python blocks of a page, in order."""
    return [
        Block(
            line=text.count("\n", 0, found.start("body")),
            language=found["language"],
            body=found["body"],
            not_run=found["reason"],
        )
        for found in BLOCK.finditer(text)
        if found["language"] in {"console", "python"}
    ]


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody who types the README from top to bottom in one fresh folder."""

    folder: Path
    environment: Path
    groups: list[int] = field(default_factory=list)

    def run(self, block: Block) -> tuple[int, str]:
        """The exit status and the output of a block; what it starts in the background lives on until `leave`."""
        script = self._script(block)
        output = self.folder.parent / f"line-{block.line}.txt"
        with output.open("w+", encoding="utf-8") as sink:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=self._variables(),
                start_new_session=True,
            )
            self.groups.append(process.pid)
            status = process.wait(timeout=BLOCK_SECONDS)
        return status, output.read_text(encoding="utf-8", errors="replace")

    def leave(self) -> None:
        """End what still runs in the background."""
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _script(self, block: Block) -> str:
        kept = shlex.quote(str(self.environment))
        if block.language == "python":
            commands = [f"python - <<'END OF BLOCK'\n{block.body}END OF BLOCK"]
        else:
            commands = block.commands
        return "\n".join([f"[ ! -e {kept} ] || . {kept}", "set -e", *commands, f"export -p > {kept}"])

    def _variables(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "HOME": str(self.folder.parent), "COLUMNS": "120"}


def readme_blocks() -> list[Block]:
    """The blocks of the README, none where there is no README."""
    return blocks(README.read_text(encoding="utf-8")) if README.exists() else []


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One person for the whole README."""
    home = tmp_path_factory.mktemp("home")
    (home / "work").mkdir()
    person = Reader(folder=home / "work", environment=home / "environment.sh")
    yield person
    person.leave()


@pytest.mark.readme
@pytest.mark.parametrize("block", readme_blocks(), ids=lambda block: f"line-{block.line}")
def test_readme_block_works(block: Block, reader: Reader) -> None:
    """What the README tells people to type exits with 0."""
    if block.not_run:
        pytest.skip(block.not_run)
    status, output = reader.run(block)
    assert status == 0, f"README.md line {block.line} exits with {status}:\n{block.body}\n{output}"


@pytest.mark.readme
def test_readme_has_blocks_to_run() -> None:
    """The README tells people to type something, on the command line and in Python."""
    assert {block.language for block in readme_blocks() if not block.not_run} == {"console", "python"}


def test_console_blocks_hold_commands() -> None:
    """A block marked `console` shows at least one command, so that none is left out by a missing `$ `."""
    assert [block.line for block in readme_blocks() if block.language == "console" and not block.commands] == []


def test_blocks_are_cut_as_written() -> None:
    """Commands, joined lines and reasons are found; output lines and other languages are no commands."""
    console = "<!-- not run: needs a pool -->\n```console\n$ a \\\n  b\nshown\n$ c\n```\n"
    page = f"{console}\n```toml\nx = 1\n```\n```python\nd\n```\n"
    first, second = blocks(page)
    assert (first.line, first.commands, first.not_run) == (2, ["a    b", "c"], "needs a pool")
    assert (second.language, second.body, second.not_run) == ("python", "d\n", None)


def test_blocks_share_folder_and_environment(reader: Reader) -> None:
    """A later block sees the files and variables of an earlier one, and a failing command is seen."""
    page = (
        "```console\n$ export A=1; touch b\n```\n```console\n$ ls b; echo $A\n```\n```console\n$ false\n$ true\n```\n"
    )
    assert [reader.run(block) for block in blocks(page)] == [(0, ""), (0, "b\n1\n"), (1, "")]


def local_links(page: Path) -> list[str]:
    """The targets of a page's links that stay inside the repository."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [found["target"] or found["image"] for found in LINK.finditer(text)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page can be linked to."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for words in headings}


def leads_nowhere(page: Path, target: str) -> bool:
    """Whether a link of a page has no file, or no heading in that file."""
    name, _, anchor = unquote(target).partition("#")
    linked = (page.parent / name).resolve() if name else page
    if not linked.exists():
        return True
    return bool(anchor) and linked.suffix == ".md" and anchor not in anchors(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_local_links_lead_somewhere(page: Path) -> None:
    """Every link of a page to another file, or to a heading, resolves."""
    assert [target for target in local_links(page) if leads_nowhere(page, target)] == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    """A missing file and a missing heading are reported, a present one is not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`, c\n[x](#a-b-c) [y](#d) [z](none.md) [w](https://example.org) ![v](v.svg)\n", encoding="utf-8"
    )
    assert [target for target in local_links(page) if leads_nowhere(page, target)] == ["#d", "none.md", "v.svg"]


def test_changelog_has_an_unreleased_section() -> None:
    """The changelog is kept, and says what is not released yet."""
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def tracked_files() -> list[Path]:
    """The files that git tracks; a source distribution is no checkout, and the test is skipped there."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_knows_this_machine() -> None:
    """No tracked file names a package registry's host or an absolute path of the machine it was written on."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        for pattern in (REGISTRY, MACHINE_PATH)
        for match in pattern.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found, "\n".join(found)


def test_the_readme_names_every_rule() -> None:
    """The README's table of rules holds the ids of the catalogue, each once, and no other."""
    section = README.read_text(encoding="utf-8").partition("\n## Rules\n")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z0-9-]+)`", "".join(line for line in section.splitlines(keepends=True) if line[0] == "|"))
    assert sorted(named) == sorted(rule.id for rule in LIVE)


def test_the_readme_names_every_exit_code() -> None:
    """The README's table of exit codes says what the command line says."""
    text = README.read_text(encoding="utf-8")
    assert [f"| {code} | {meaning} |" in text for code, meaning in MEANINGS.items()] == [True] * len(MEANINGS)


def test_the_readme_names_every_objective() -> None:
    """The README's table of objectives holds what is optimised, in order."""
    section = README.read_text(encoding="utf-8").partition("\n## Objectives\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) == [objective.id for objective in OBJECTIVES]


def test_the_page_of_objectives_says_what_each_is() -> None:
    """Its table holds id, unit and sentence of all objectives, in order."""
    page = (ROOT / "docs" / "objectives.md").read_text(encoding="utf-8").partition("\n## ")[0]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{each.id}` | {each.unit} | {each.sentence} |" for each in OBJECTIVES]


def test_the_page_of_plans_names_every_file() -> None:
    """Its table holds the files of a plan's folder, in order."""
    section = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8").partition("\n## The folder\n")[2]
    assert re.findall(r"^\| `(\S+)` \|", section.partition("\n## ")[0], re.MULTILINE) == list(FILES)
