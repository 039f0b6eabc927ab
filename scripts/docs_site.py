"""What `make docs` adds to MkDocs: pages for all public names, and links that stay on the site.

Links of docs/ are those of the repository. On the site, one that leaves docs/ becomes its text: there is nothing to
follow it to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rebalancer as rb

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDER = "python"
GROUPS = {
    "look": (
        "read PoolState Connection Credentials Policy Model check Check explain lint",
        "A pool is read, and becomes a model under a policy.",
    ),
    "plan": (
        "rebalance evacuate rolling sleep tradeoff Proposal failures prices fit Shape place replay forecast Forecast",
        "Plans, and answers to planners; none of them touches the pool.",
    ),
    "review": ("load verify diff without", "Plans that were saved, looked at once more."),
    "change": ("connect apply undo", "A plan is carried out, or taken back."),
    "operate": ("history", "What earlier nights left."),
}
"""Names of the front door as the help of the command line groups its commands, and what a group is about."""
FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
LOADED = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^()\s#]+)(?:#[^()\s]*)?\)")


def pages() -> dict[str, str]:
    """The Markdown of the pages of names, by their place below docs/.

    Raises:
        ValueError: a public name stands in no group, or in two.
    """
    grouped = [name for names, _ in GROUPS.values() for name in names.split()]
    if sorted(grouped) != sorted(rb.__all__):
        wrong = ", ".join(sorted({*grouped} ^ {*rb.__all__})) or "one name twice"
        raise ValueError(f"GROUPS in scripts/docs_site.py and the public names differ: {wrong}")
    found = {f"{FOLDER}/{group}.md": "\n".join(_of_group(group)) for group in GROUPS}
    return found | {f"{FOLDER}/rb.{name}.md": _of_module(name) for name in rb.PUBLIC}


def links_kept(markdown: str, source: str) -> str:
    """*markdown* of the page at *source* below docs/, with text in place of links that leave docs/."""
    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _kept(part, source) for part in parts)


def anchor(words: str, separator: str = "-") -> str:
    """The name under which a heading can be linked to, as the repository has it."""
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", separator)


def expanded(nav: list[Any], names: list[str]) -> list[Any]:
    """*nav* with `folder/*` replaced by the pages among *names* that are in the folder; a README comes first."""
    return [_entry(each, names) for each in nav]


def unlisted(nav: list[Any], names: list[str]) -> list[str]:
    """The pages among *names* that *nav* does not lead to."""
    listed = re.findall(r"[^'\"]+\.md", repr(nav))
    return [name for name in names if name not in listed]


def on_config(config: Any) -> Any:  # noqa: ANN401 - what MkDocs hands over; it is not installed where types are checked
    """Lead to all pages, and let headings be linked to as they are in the repository."""
    names = [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md"))]
    nav = expanded(config.nav, [*names, *pages()])
    rest = unlisted(nav, names)
    config.nav = [*nav, {"More": rest}] if rest else nav
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    return config


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - likewise
    """Add the pages of names."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - an extra

    for place, content in pages().items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401 - likewise
    """Keep links on the site."""
    return links_kept(markdown, page.file.src_uri)


def on_post_page(output: str, page: Any, **_: object) -> str:  # noqa: ANN401 - likewise
    """Let no page load anything from elsewhere.

    Raises:
        ValueError: one does.
    """
    if found := LOADED.search(output):
        raise ValueError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output


def _of_group(group: str) -> Iterator[str]:
    names, words = GROUPS[group]
    yield f"# {group.capitalize()}\n\n{words}\n"
    for name in names.split():
        value = getattr(rb, name)
        yield _directive(f"rb.{name}", f"{value.__module__}.{value.__qualname__}", 2)


def _of_module(name: str) -> str:
    example = f"[An example](../python.md#rb{name})."
    return f"---\ntitle: rb.{name}\n---\n\n{_directive(f'rb.{name}', f'rebalancer.{name}', 1)}\n\n{example}\n"


def _directive(title: str, path: str, level: int) -> str:
    """What mkdocstrings replaces by the docstring of *path*."""
    options = f"      heading: {title}\n      toc_label: {title}\n      heading_level: {level}\n"
    return f"::: {path}\n    options:\n{options}\n"


def _kept(markdown: str, source: str) -> str:
    folder = posixpath.dirname(source)

    def instead(link: re.Match[str]) -> str:
        target = link[2]
        leaves = ":" not in target and posixpath.normpath(posixpath.join(folder, target)).startswith("../")
        return link[1] if leaves else link[0]

    return LINK.sub(instead, markdown)


def _entry(entry: Any, names: list[str]) -> Any:  # noqa: ANN401 - of a tree of lists, mappings and texts
    if isinstance(entry, dict):
        return {title: _entry(below, names) for title, below in entry.items()}
    if isinstance(entry, list):
        return expanded(entry, names)
    folder = entry.removesuffix("*")
    if folder == entry:
        return entry
    found = [name for name in names if name.startswith(folder)]
    return sorted(found, key=lambda name: not name.endswith("README.md"))
