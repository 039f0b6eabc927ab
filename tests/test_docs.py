"""The docs are read by tests: what they link to is there, what they tell people to type works.

A fenced block of README or walkthrough marked `sh` is pasted as it stands; one marked `console` holds commands after
`$ `, with what they print; one marked `python` is a script. All of them are pasted into one fresh shell in one fresh
folder, in order, with the package's own commands first on PATH. Below a comment `<!-- not run: REASON -->` the next
block is left out.
"""

from __future__ import annotations

import os
import re
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

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

PASTED = [README, ROOT / "docs" / "walkthrough.md"]
"""The pages whose blocks are run, in the order in which they are read."""
PASTE_SECONDS = 900
ENDED = "== line {} of {} went well"

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n\n?)?^```(?P<language>\w+)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^()\s]+)\)|!\[[^\]]*\]\((?P<image>[^()\s]+)\)")
HERE_DOCUMENT = re.compile(r"^\$ .*<<'?(?P<end>\w+)'?$")
HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)

REGISTRY = re.compile(r"https?://[^\s\"'<>]*(?:pypi|pythonhosted|npmjs|debian)[^\s\"'<>]*", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page that people are meant to type."""

    line: int
    language: str
    body: str
    not_run: str | None

    @property
    def commands(self) -> list[str]:
        """What stands after `$ ` in a console block, with the here documents that begin there.

        Lines that end in a backslash are joined with the next.
        """
        found: list[str] = []
        end = ""
        for line in self.body.replace("\\\n", " ").splitlines():
            if end:
                found[-1] += f"\n{line}"
                end = "" if line == end else end
            elif line.startswith("$ "):
                found.append(line.removeprefix("$ "))
                begun = HERE_DOCUMENT.match(line)
                end = begun["end"] if begun else ""
        return found

    @property
    def script(self) -> str:
        """What a shell is given."""
        if self.language == "python":
            return f"python - <<'END OF BLOCK'\n{self.body}END OF BLOCK"
        return self.body if self.language == "sh" else "\n".join(self.commands)


def blocks(text: str) -> list[Block]:
    """The blocks of a page that are typed or pasted, in order."""
    return [
        Block(
            line=text.count("\n", 0, found.start("body")),
            language=found["language"],
            body=found["body"],
            not_run=found["reason"],
        )
        for found in BLOCK.finditer(text)
        if found["language"] in {"sh", "console", "python"}
    ]


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody with a fresh shell in a fresh folder, who pastes pages into it."""

    folder: Path
    groups: list[int] = field(default_factory=list)

    def paste(self, script: str) -> tuple[int, str]:
        """The exit status of a shell that is given *script* as if typed, and what it prints.

        The shell ends with the first command that fails. A command that reads what was pasted below it takes it away
        from the shell. What runs in the background lives on until `leave`.
        """
        output = self.folder.parent / "output.txt"
        with output.open("w+", encoding="utf-8") as sink:
            process = subprocess.Popen(
                ["bash", "-e"],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=self._variables(),
                start_new_session=True,
                text=True,
            )
            self.groups.append(process.pid)
            process.communicate(script, timeout=PASTE_SECONDS)
        return process.returncode, output.read_text(encoding="utf-8", errors="replace")

    def leave(self) -> None:
        """End what still runs in the background."""
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _variables(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "HOME": str(self.folder.parent), "COLUMNS": "120"}


def pasted_blocks() -> dict[str, Block]:
    """The blocks that are run, by what is printed once they went well."""
    pages = {page.relative_to(ROOT).as_posix(): blocks(page.read_text(encoding="utf-8")) for page in PASTED}
    return {
        ENDED.format(block.line, page): block for page, found in pages.items() for block in found if not block.not_run
    }


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """One person for one page."""
    (tmp_path / "work").mkdir()
    person = Reader(folder=tmp_path / "work")
    yield person
    person.leave()


@pytest.mark.readme
def test_readme_and_walkthrough_work_as_pasted(reader: Reader) -> None:
    """All that they tell people to paste and type goes well, in one shell."""
    found = pasted_blocks()
    status, output = reader.paste("".join(f"{block.script}\necho '{ended}'\n" for ended, block in found.items()))
    assert [line for line in output.splitlines() if line in found] == list(found), output
    assert status == 0, output


def test_there_are_blocks_to_run() -> None:
    """The README has lines to paste first of all; people paste, type, and write Python."""
    found = list(pasted_blocks().values())
    assert found[0].language == "sh"
    assert {block.language for block in found} == {"sh", "console", "python"}


def test_console_blocks_hold_commands() -> None:
    """A block marked `console` shows at least one command, so that none is left out by a missing `$ `."""
    found = pasted_blocks().items()
    assert [ended for ended, block in found if block.language == "console" and not block.commands] == []


def test_blocks_are_cut_as_written() -> None:
    """Commands, joined lines, here documents and reasons are found; output and other languages are no commands."""
    console = "<!-- not run: needs a pool -->\n```console\n$ a \\\n  b\nshown\n$ c\n```\n"
    document = "```console\n$ cat > e <<'END'\nf\nEND\nshown\n$ g\n```\n"
    page = f"{console}\n```toml\nx = 1\n```\n```python\nd\n```\n{document}```sh\nh\ni\n```\n"
    first, second, third, fourth = blocks(page)
    assert (first.line, first.commands, first.not_run) == (2, ["a    b", "c"], "needs a pool")
    assert (second.language, second.body, second.not_run) == ("python", "d\n", None)
    assert third.commands == ["cat > e <<'END'\nf\nEND", "g"]
    assert fourth.script == "h\ni\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("export A=1; touch b\nls b; echo $A\n", (0, "b\n1\n")),
        ("false\necho a\n", (1, "")),
        ("cat\necho a\n", (0, "echo a\n")),
    ],
)
def test_a_paste_is_one_shell(reader: Reader, script: str, told: tuple[int, str]) -> None:
    """Files and variables stay, a failing command ends it, and one that reads what is below is seen by that."""
    assert reader.paste(script) == told


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


def test_the_page_of_objectives_says_what_each_is() -> None:
    """Its table holds id, unit and sentence of all objectives, in order."""
    page = (ROOT / "docs" / "objectives.md").read_text(encoding="utf-8").partition("\n## ")[0]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{each.id}` | {each.unit} | {each.sentence} |" for each in OBJECTIVES]


def test_the_page_of_plans_names_every_file() -> None:
    """Its table holds the files of a plan's folder, in order."""
    section = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8").partition("\n## The folder\n")[2]
    assert re.findall(r"^\| `(\S+)` \|", section.partition("\n## ")[0], re.MULTILINE) == list(FILES)
