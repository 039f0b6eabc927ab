"""The value that the elements of an answer in XML-RPC make, within what memory should hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import Any, Final
from xml.parsers import expat

from rebalancer.xapi.wire.limits import DEPTH, DIGITS, ELEMENTS, HELD_BYTES, LETTERS_OF_A_NUMBER, TEXT_LETTERS
from rebalancer.xapi.wire.malformed import LONGEST_KEY, Malformed

PIECE: Final = 1 << 20
"""Bytes that are parsed at once."""

_ENCODINGS: Final = {None, "utf-8", "us-ascii"}
_INTEGER = re.compile(rf"\s*[+-]?[0-9]{{1,{DIGITS}}}\s*", re.ASCII)


def value_of(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
    """The one value in *body*; times and integers are strings.

    Raises:
        Malformed: it is no XML, or names a member of a struct twice.
        ValueError: it holds more than is read; so do other built-in errors of what is no XML-RPC.
    """
    reader = _Reader()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.XmlDeclHandler = reader.declared
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.hear
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    view = memoryview(body)
    try:
        for begin in range(0, len(body), PIECE):
            parser.Parse(view[begin : begin + PIECE], False)  # noqa: FBT003 - expat's own signature
            if begin - parser.CurrentByteIndex > PIECE:
                raise ValueError("too long a tag")
        parser.Parse(b"", True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise Malformed(f"ExpatError: {error}", _key_at(body, parser.ErrorByteIndex)) from error
    (value,) = reader.open[0]
    return value


def _key_at(body: bytes, place: int) -> str:
    """The name around a *place* that cannot be read: it seems to end more than once before the next one begins."""
    begins = body.rfind(b"<name>", 0, place) + len(b"<name>")
    until = body.find(b"<name>", begins)
    ends = body.rfind(b"</name>", begins, until if until >= 0 else None)
    spoilt = begins >= len(b"<name>") and body.count(b"</name>", begins, ends) > 0
    return body[begins:ends].decode(errors="replace")[:LONGEST_KEY] if spoilt else ""


class _Reader:
    """Makes values of the elements that expat finds; `open` holds the values of each struct or array begun."""

    def __init__(self) -> None:
        self.open: list[list[Any]] = [[]]
        self.text: list[str] = []
        self.typed = False
        self._depth = self._elements = self._held = self._letters = 0

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        if self._letters:
            self.text.clear()
            self._letters = 0
        self.typed = False
        self._depth += 1
        self._elements += 1
        if self._depth > DEPTH or self._elements > ELEMENTS:
            raise ValueError("too deep" if self._depth > DEPTH else "too many elements")
        if tag in _LISTS:
            self.open.append([])

    def hear(self, text: str) -> None:
        self.text.append(text)
        self._letters += len(text)
        if self._letters > TEXT_LETTERS:
            raise ValueError("too long a text")

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "value":
            if not self.typed:
                self._add("".join(self.text))
        elif tag == "name":
            self._add("".join(self.text))
        elif tag not in _FRAMES:
            self._add(_MADE_OF[tag](self.open.pop() if tag in _LISTS else "".join(self.text)))
        self.typed = tag != "name"
        if self._letters:
            self.text.clear()
            self._letters = 0

    def _add(self, value: object) -> None:
        """Keep *value*, as long as memory is to hold it; a reference to it takes 8 bytes, and as many in reserve."""
        self._held += getsizeof(value) + 16
        if self._held > HELD_BYTES:
            raise ValueError("too many values")
        self.open[-1].append(value)

    def declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding and encoding.lower()) not in _ENCODINGS:
            raise ValueError(f"it declares the encoding {encoding}")

    def refuse_doctype(self, *_declared: object) -> None:
        raise ValueError("a document type")


def _struct(items: list[Any]) -> dict[str, Any]:
    """A dict of names and values in turn; no XAPI names a member twice, so that a key with markup is behind it."""
    names = items[::2]
    struct = dict(zip(names, items[1::2], strict=True))
    if len(struct) != len(names):
        twice, _ = Counter(map(str, names)).most_common(1)[0]
        raise Malformed("a struct names a member twice", twice[:LONGEST_KEY])
    return struct


def whole(text: str) -> str:
    """The digits of an integer of 64 bits, or a `ValueError`."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"no integer of 64 bits: {text[:DIGITS]!r}")
    return text.strip()


def real(text: str) -> float:
    """A number, or a `ValueError`."""
    if len(text) > LETTERS_OF_A_NUMBER or "_" in text:
        raise ValueError(f"no number: {text[:DIGITS]!r}")
    return float(text)


_LISTS: Final = frozenset({"struct", "array"})
_FRAMES: Final = frozenset({"methodResponse", "params", "param", "member", "data", "fault"})
_MADE_OF: Final[Mapping[str, Callable[[Any], Any]]] = {
    "struct": _struct,
    "array": list,
    "string": str,
    "dateTime.iso8601": str,
    "boolean": {"0": False, "1": True}.__getitem__,
    "int": whole,
    "i4": whole,
    "i8": whole,
    "double": real,
    "nil": lambda _: "",
}
