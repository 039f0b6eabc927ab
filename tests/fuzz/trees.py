"""Documents as trees of dicts, lists and plain values, and back again as JSON, TOML or XML that need not be right."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

Tree = Any


class Twin(str):
    """A key that may stand twice in one object."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        """Only itself."""
        return self is other


def as_json(tree: Tree) -> bytes:
    """*tree* in JSON, with NaN, twins and halves of surrogate pairs, if it has them."""
    return json.dumps(tree).encode()


def as_toml(tree: Tree) -> bytes:
    """*tree* in TOML: a line for each key, with everything below it in the same line."""
    if not isinstance(tree, dict):
        return _inline(tree).encode(errors="replace")
    return "".join(f"{_key(key)} = {_inline(each)}\n" for key, each in tree.items()).encode(errors="replace")


def _inline(tree: Tree) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_inline, tree)) + "]"
    return json.dumps(tree).replace("NaN", "nan").replace("Infinity", "inf")


def _key(key: object) -> str:
    text = str(key)
    return text if text.isascii() and text.isidentifier() else json.dumps(text)


def of_xml(text: bytes) -> Tree:
    """XML as `[tag, attributes, text, children]`, each child followed by nothing but blanks."""
    return _element(ET.fromstring(text))  # noqa: S314 - it is ours


def _element(element: ET.Element) -> Tree:
    return [element.tag, dict(element.attrib), element.text or "", [_element(each) for each in element]]


def as_xml(tree: Tree) -> bytes:
    """*tree* in XML; what is no element becomes text."""
    return _xml(tree).encode(errors="surrogatepass")


def _xml(tree: Tree) -> str:
    match tree:
        case [str(tag), dict(attributes), text, list(children)]:
            said = "".join(f" {name}={quoteattr(str(each))}" for name, each in attributes.items())
            return f"<{tag}{said}>{escape(str(text))}{''.join(map(_xml, children))}</{tag}>"
    return escape(str(tree)[:10_000])
