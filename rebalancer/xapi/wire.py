"""Bytes become values here, and nowhere else: answers in XAPI's XML-RPC and JSON-RPC.

XAPI does not escape the names of struct members in XML-RPC (rpclib, `xmlrpc.ml: add_value`): a key `R&D` of any map
makes the answer ill-formed, and a key `R&amp;D` is one of seven letters. Values are escaped. So what stands between
`<name>` and the `</name>` before a value is taken as it is. Control characters, which XML cannot hold, come through.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from sys import getsizeof
from typing import Any, Final
from xml.parsers import expat

from rebalancer.xapi.limits import (
    DEPTH,
    DIGITS,
    DOUBTFUL_BYTES,
    ELEMENTS,
    HELD_BYTES,
    ITEMS,
    JSON_BYTES,
    LETTERS_OF_A_NUMBER,
    ODD_LETTERS,
    TEXT_LETTERS,
    WIDE_BYTES,
)

UNLIKE_XAPI: Final = (
    expat.ExpatError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    StopIteration,
)
"""What reading bytes raises that are no answer of XAPI's."""

PIECE: Final = 1 << 20
"""Bytes that are parsed at once."""

LONGEST_KEY: Final = 80
"""How much of a key an error shows."""

_DOUBTFUL = re.compile(rb"<name>(?![^<&>]*</name>\s*<value/?>)|[\x00-\x08\x0b-\x1f]|\xef\xbf[\xbe\xbf]")
_END_OF_NAME = re.compile(rb"</name>\s*<value/?>")
_TEXT = re.compile(rb"(?<=<name>)[^<]+|(?<=<value>)[^<]+|(?<=<string>)[^<]+")
_ODD: Final = (*(bytes([each]) for each in (*range(9), *range(11, 32))), b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_NO_XML = re.compile(rb"[\x00-\x08\x0b-\x1f]|\xef\xbf[\xbe\xbf]")
_PRIVATE = range(0xE000, 0xF900)
_ENCODINGS: Final = {None, "utf-8", "us-ascii"}
_INTEGER = re.compile(rf"\s*[+-]?[0-9]{{1,{DIGITS}}}\s*", re.ASCII)
_HALF_A_LETTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class Malformed(Exception):
    """An answer that is none of XAPI's, or that cannot be read without a guess.

    Args:
        problem: what is wrong with it.
        key: the member name that spoils it, as far as one can tell where it ends; empty where none does.
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(problem)
        self.key = key


def is_doubtful(body: bytes) -> bool:
    """Whether an answer in XML holds what XAPI ought to have escaped; JSON says the same without a doubt."""
    return _DOUBTFUL.search(body) is not None


def from_xml(body: bytes) -> dict[str, Any]:
    """The envelope of an answer: `Status` with `Value` or `ErrorDescription`; times and integers are strings.

    Raises:
        Malformed: it is none, or two readings of it are possible.
    """
    try:
        return _envelope(_repaired(body) if is_doubtful(body) else _parsed(body))
    except UNLIKE_XAPI as error:
        raise _malformed(error) from error


def from_json(body: bytes) -> dict[str, Any]:
    """The same of an answer in JSON-RPC 1.0 or 2.0.

    Raises:
        Malformed: it is none.
    """
    try:
        answer = _loaded(body)
        refused = answer.get("error")
        if isinstance(refused, dict):
            refused = [refused["message"], *refused["data"]]
        if refused:
            return _envelope({"Status": "Failure", "ErrorDescription": refused})
        return _envelope({"Status": "Success", "Value": answer["result"]})
    except UNLIKE_XAPI as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"{type(error).__name__}: {str(error)[:LONGEST_KEY]}")


def _loaded(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
    """What JSON says; as much of it as makes more values than memory should hold is not read."""
    plain = body.isascii() and b"\\u" not in body
    if len(body) > (JSON_BYTES if plain else WIDE_BYTES):
        raise ValueError(f"{len(body)} bytes of JSON")
    if sum(map(body.count, (b",", b"[", b"{"))) > ITEMS:
        raise ValueError("too many values")
    if _HALF_A_LETTER.search(body):
        raise ValueError("half a letter")
    value = json.loads(body.decode(), parse_int=_whole, parse_constant=_no_number, parse_float=_real)
    _assert_shallow(value, DEPTH)
    return value


def _assert_shallow(value: object, levels: int) -> None:
    """Raise a `ValueError` where lists and dicts stand inside one another more than *levels* deep."""
    inside = [value]
    for _ in range(levels):
        held = (each.values() if isinstance(each, dict) else each for each in inside if isinstance(each, dict | list))
        inside = [item for items in held for item in items]
        if not inside:
            return
    raise ValueError(f"more than {levels} lists and maps inside one another")


def _envelope(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever was sent
    """*answer*, if it is an envelope; each word of an error is a string."""
    if answer["Status"] == "Success":
        return {"Status": "Success", "Value": answer["Value"]}
    words = answer["ErrorDescription"]
    if answer["Status"] != "Failure" or not isinstance(words, list) or not words:
        raise ValueError(f"an answer of status {str(answer['Status'])[:20]!r}")
    return {"Status": "Failure", "ErrorDescription": list(map(str, words))}


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
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
        self._forget_text()
        self.typed = False
        self._depth += 1
        self._elements += 1
        if self._depth > DEPTH or self._elements > ELEMENTS:
            raise ValueError("too deep" if self._depth > DEPTH else "too many elements")
        if tag in {"struct", "array"}:
            self.open.append([])

    def hear(self, text: str) -> None:
        self.text.append(text)
        self._letters += len(text)
        if self._letters > TEXT_LETTERS:
            raise ValueError("too long a text")

    def _forget_text(self) -> None:
        self.text.clear()
        self._letters = 0

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "value":
            if not self.typed:
                self._add("".join(self.text))
        elif tag == "name":
            self._add("".join(self.text))
        elif tag not in _FRAMES:
            self._add(_MADE_OF[tag](self.open.pop() if tag in {"struct", "array"} else "".join(self.text)))
        self.typed = tag != "name"
        self._forget_text()

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


def _whole(text: str) -> str:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"no integer of 64 bits: {text[:DIGITS]!r}")
    return text.strip()


def _real(text: str) -> float:
    if len(text) > LETTERS_OF_A_NUMBER or "_" in text:
        raise ValueError(f"no number: {text[:DIGITS]!r}")
    return float(text)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_FRAMES: Final = frozenset({"methodResponse", "params", "param", "member", "data", "fault"})
_MADE_OF: Final[Mapping[str, Callable[[Any], Any]]] = {
    "struct": _struct,
    "array": list,
    "string": str,
    "dateTime.iso8601": str,
    "boolean": {"0": False, "1": True}.__getitem__,
    "int": _whole,
    "i4": _whole,
    "i8": _whole,
    "double": _real,
    "nil": lambda _: "",
}


def _repaired(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
    """The value in *body*: names are escaped first, and what XML cannot hold goes through it in other letters."""
    if len(body) > DOUBTFUL_BYTES:
        raise ValueError(f"{len(body)} bytes that XML does not settle")
    text = b"".join(_with_escaped_names(body.decode(errors="backslashreplace").encode()))
    if sum(map(text.count, _ODD)) > ODD_LETTERS:
        raise ValueError("too many control characters")
    mark = next(letter for letter in map(chr, _PRIVATE) if letter.encode() not in text)
    spelt = _TEXT.sub(lambda found: _NO_XML.sub(lambda each: _spelt(mark, each[0]), found[0]), text)
    value = _parsed(spelt)
    return value if spelt == text else _restored(value, re.compile(f"{mark}([0-9a-f]{{4}})"))


def _spelt(mark: str, letter: bytes) -> bytes:
    return f"{mark}{ord(letter.decode()):04x}".encode()


def _with_escaped_names(text: bytes) -> Iterator[bytes]:
    """The parts of *text*; a name ends before the first value, wherever else `</name>` stands in it."""
    done = 0
    while (begins := text.find(b"<name>", done)) >= 0 and (end := _END_OF_NAME.search(text, begins)):
        begins += len(b"<name>")
        yield text[done:begins]
        yield text[begins : end.start()].replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
        done = end.start()
    yield text[done:]


def _restored(value: Any, mark: re.Pattern[str]) -> Any:  # noqa: ANN401 - what the answer holds
    if isinstance(value, str):
        return mark.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, dict):
        return {_restored(key, mark): _restored(item, mark) for key, item in value.items()}
    return [_restored(item, mark) for item in value] if isinstance(value, list) else value
