"""XML elements from outside, within limits, and those that go out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

MOST_BYTES: Final = 256 * 1024
"""No call of XAPI is a tenth of this long; a configuration of 1,000 keys is half of it."""
MOST_DEPTH: Final = 16
"""XAPI's deepest element, a value of a configuration, stands 7 deep."""
MOST_ELEMENTS: Final = 20_000
ILLEGAL: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Whatever is no Char of XML 1.0."""


class MalformedCall(Exception):
    """What came is no call; the text says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element: its local name, its text, and what stands in it. Attributes are written and never read."""

    name: str
    text: str = ""
    inside: tuple[Element, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str) -> Element:
        """The only element of a *name* in it.

        Raises:
            MalformedCall: there is none, or several.
        """
        found = [each for each in self.inside if each.name == name]
        if len(found) != 1:
            raise MalformedCall(f"{self.name} holds {len(found)} elements {name}, and should hold one")
        return found[0]


class _Builder:
    """What the parser tells as it goes; it stops where there is more than any call has."""

    def __init__(self) -> None:
        self._open: list[tuple[str, list[str], list[Element]]] = [("", [], [])]
        self._count = 0

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._count += 1
        if len(self._open) > MOST_DEPTH or self._count > MOST_ELEMENTS:
            raise MalformedCall("the call is nested deeper, or has more elements, than any of XAPI's")
        self._open.append((tag.rpartition("}")[2], [], []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, _tag: str) -> None:
        name, text, inside = self._open.pop()
        self._open[-1][2].append(Element(name=name, text="".join(text), inside=tuple(inside)))

    def close(self) -> Element:
        return self._open[0][2][0]


def element_in(content: bytes) -> Element:
    """The root element of *content*; names lose their namespaces, as XAPI's own reader has it.

    Raises:
        MalformedCall: it is too long, too deep, not well-formed, or declares a document type or an entity.
    """
    if len(content) > MOST_BYTES:
        raise MalformedCall(f"the call is longer than {MOST_BYTES} bytes")
    parser = XMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(content)
        found: Element = parser.close()
    except DefusedXmlException as error:
        raise MalformedCall("the call declares a document type or an entity") from error
    except (ParseError, LookupError, ValueError) as error:
        raise MalformedCall("the call is not well-formed XML") from error
    return found


def text_of(element: Element) -> str:
    """*element* as XML."""
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    inside = "".join(map(text_of, element.inside))
    return f"<{element.name}{attributes}>{escape(legal(element.text))}{inside}</{element.name}>"


def legal(text: str) -> str:
    """*text* with a question mark in the place of each character that XML 1.0 cannot hold."""
    return ILLEGAL.sub("?", text)
