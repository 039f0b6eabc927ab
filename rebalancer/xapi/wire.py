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
from typing import Any, Final
from xml.parsers import expat

UNLIKE_XAPI: Final = (expat.ExpatError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading bytes raises that are no answer of XAPI's."""

LONGEST_KEY: Final = 80
"""How much of a key an error shows."""

_DOUBTFUL = re.compile(rb"<name>(?![^<&>]*</name>\s*<value/?>)|[\x00-\x08\x0b-\x1f]|\xef\xbf[\xbe\xbf]")
_END_OF_NAME = re.compile(r"</name>\s*<value/?>")
_TEXT = re.compile(r"(?<=<name>)[^<]+|(?<=<value>)[^<]+|(?<=<string>)[^<]+")
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_PRIVATE = range(0xE000, 0xF900)


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
        return _envelope(_repaired(body.decode(errors="backslashreplace")) if is_doubtful(body) else _parsed(body))
    except UNLIKE_XAPI as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def from_json(body: bytes) -> dict[str, Any]:
    """The same of an answer in JSON-RPC 1.0 or 2.0.

    Raises:
        Malformed: it is none.
    """
    try:
        answer = json.loads(body, parse_int=str)
        refused = answer.get("error")
        if isinstance(refused, dict):
            refused = [refused["message"], *refused["data"]]
        if refused:
            return _envelope({"Status": "Failure", "ErrorDescription": refused})
        return _envelope({"Status": "Success", "Value": answer["result"]})
    except UNLIKE_XAPI as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


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
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat's own signature
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

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self.text.clear()
        self.typed = False
        if tag in {"struct", "array"}:
            self.open.append([])

    def end(self, tag: str) -> None:
        if tag == "value":
            if not self.typed:
                self.open[-1].append("".join(self.text))
        elif tag == "name":
            self.open[-1].append("".join(self.text))
        elif tag not in _FRAMES:
            made = _MADE_OF[tag](self.open.pop() if tag in {"struct", "array"} else "".join(self.text))
            self.open[-1].append(made)
        self.typed = tag != "name"
        self.text.clear()

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
    int(text)
    return text.strip()


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
    "double": float,
    "nil": lambda _: "",
}


def _repaired(text: str) -> Any:  # noqa: ANN401 - what the answer holds
    """The value in *text*: names are escaped first, and what XML cannot hold goes through it in other letters."""
    text = "".join(_with_escaped_names(text))
    mark = next(letter for letter in map(chr, _PRIVATE) if letter not in text)
    spelt = _TEXT.sub(lambda found: _NO_XML.sub(lambda each: f"{mark}{ord(each[0]):04x}", found[0]), text)
    value = _parsed(spelt.encode())
    return value if spelt == text else _restored(value, re.compile(f"{mark}([0-9a-f]{{4}})"))


def _with_escaped_names(text: str) -> Iterator[str]:
    """The parts of *text*; a name ends before the first value, wherever else `</name>` stands in it."""
    done = 0
    while (begins := text.find("<name>", done)) >= 0 and (end := _END_OF_NAME.search(text, begins)):
        begins += len("<name>")
        yield text[done:begins]
        yield text[begins : end.start()].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        done = end.start()
    yield text[done:]


def _restored(value: Any, mark: re.Pattern[str]) -> Any:  # noqa: ANN401 - what the answer holds
    if isinstance(value, str):
        return mark.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, dict):
        return {_restored(key, mark): _restored(item, mark) for key, item in value.items()}
    return [_restored(item, mark) for item in value] if isinstance(value, list) else value
