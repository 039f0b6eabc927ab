"""The site of the docs has every page and every public name; its links stay on it. `make docs` builds it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import rebalancer as rb
from rebalancer.cli.commands import SHELVES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """scripts/docs_site.py."""
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "scripts" / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_navigation_names_pages_that_are_there() -> None:
    """By their name, or by that of their folder."""
    listed = re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md|\S+/\*)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {name for name in listed if name.endswith(".md")} <= there
    assert {name for name in listed if name.endswith("*")} == {"decisions/*", "python/*"}


def test_pages_that_nobody_named_are_found(site: ModuleType) -> None:
    """At whatever depth the others are."""
    nav = ["index.md", {"Plan": ["policy.md", {"Deep": "deep/a.md"}]}]
    assert site.unlisted(nav, ["deep/a.md", "index.md", "new.md", "policy.md"]) == ["new.md"]


def test_groups_are_those_of_the_help(site: ModuleType) -> None:
    """In its order; the start page has the commands of each."""
    assert list(site.GROUPS) == list(SHELVES)
    rows = re.findall(r"^\| (\w+) \| (`.+?`) \|", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE)
    assert {group: tuple(re.findall(r"`(.+?)`", words)) for group, words in rows} == SHELVES


def test_every_public_name_has_a_place(site: ModuleType) -> None:
    """Names of the front door in their group, each public submodule on a page of its own."""
    told = site.pages()
    assert {f"rb.{name}" for name in (*rb.__all__, *rb.PUBLIC)} == set(
        re.findall(r"heading: (\S+)", "".join(told.values()))
    )
    assert "::: rebalancer.face.plans.rebalance\n" in told["python/plan.md"]


def test_a_name_without_a_group_is_an_error(site: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by its name."""
    monkeypatch.setattr(rb, "__all__", [*rb.__all__, "newcomer"])
    with pytest.raises(ValueError, match="differ: newcomer"):
        site.pages()


@pytest.mark.parametrize(
    ("source", "markdown", "shown"),
    [
        ("plan.md", "[x](policy.md) [y](policy.md#a) [z](#b)", "[x](policy.md) [y](policy.md#a) [z](#b)"),
        ("plan.md", "see [`plans`](../rebalancer/plan), [R](../README.md#x)", "see `plans`, R"),
        ("decisions/0001.md", "[a](../policy.md) [b](../../README.md)", "[a](../policy.md) b"),
        ("plan.md", "[out](https://example.org/../x)", "[out](https://example.org/../x)"),
        ("plan.md", "```text\n[x](../y)\n```\n[x](../y)", "```text\n[x](../y)\n```\nx"),
    ],
)
def test_links_that_leave_the_docs_are_text(site: ModuleType, source: str, markdown: str, shown: str) -> None:
    """Others stay, and so does what stands in blocks."""
    assert site.links_kept(markdown, source) == shown


def test_folders_of_the_navigation_are_filled(site: ModuleType) -> None:
    """The README of a folder first; what is no folder stays."""
    nav = ["index.md", {"More": [{"Decisions": "decisions/*"}]}]
    names = ["decisions/0001.md", "decisions/README.md", "index.md"]
    assert site.expanded(nav, names) == [
        "index.md",
        {"More": [{"Decisions": ["decisions/README.md", "decisions/0001.md"]}]},
    ]


@pytest.mark.parametrize(
    ("html", "loads"),
    [
        ('<a href="https://example.org">x</a><script src="a.js"></script>', False),
        ('<script src="https://example.org/x.js"></script>', True),
        ('<link rel="stylesheet" href="//example.org/x.css">', True),
    ],
)
def test_a_page_that_loads_from_elsewhere_is_an_error(site: ModuleType, html: str, *, loads: bool) -> None:
    """Links may lead there, and nothing else."""
    assert bool(site.LOADED.search(html)) is loads
