"""A page as a browser takes it apart."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser


class Page(HTMLParser):
    """The elements of a page with their attributes, in order, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ends: list[str] = []
        self.text = ""
        self.feed(text)
        self.words = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Note that it ends."""
        self.ends.append(tag)

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += f" {data}"

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        """Elements with the names of their attributes, and ends; values left out."""
        return [(tag, tuple(found)) for tag, found in self.tags] + [(tag, ()) for tag in self.ends]


def named_hash(text: str) -> str:
    """What a policy calls *text*."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
