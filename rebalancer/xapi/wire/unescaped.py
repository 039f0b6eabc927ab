"""XML of XAPI's that is none: names of struct members as they are, and control characters.

XAPI does not escape the names of struct members in XML-RPC (rpclib, `xmlrpc.ml: add_value`): a key `R&D` of any map
makes the answer ill-formed, and a key `R&amp;D` is one of seven letters. Values are escaped. So what stands between
`<name>` and the `</name>` before a value is taken as it is. Control characters, which XML cannot hold, come through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from rebalancer.xapi.wire.elements import value_of
from rebalancer.xapi.wire.limits import DOUBTFUL_BYTES, ODD_LETTERS

_DOUBTFUL_NAME = re.compile(rb"<name>(?![^<&>]*</name>\s*<value/?>)")
_END_OF_NAME = re.compile(rb"</name>\s*<value/?>")
_TEXT = re.compile(rb"(?<=<name>)[^<]+|(?<=<value>)[^<]+|(?<=<string>)[^<]+")
_CONTROLS: Final = bytes((*range(9), *range(11, 32)))
_NO_LETTERS: Final = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_ODD: Final = (*(bytes([each]) for each in _CONTROLS), *_NO_LETTERS)
_NO_XML = re.compile(rb"[\x00-\x08\x0b-\x1f]|\xef\xbf[\xbe\xbf]")
_PRIVATE = range(0xE000, 0xF900)


def is_doubtful(body: bytes) -> bool:
    """Whether an answer in XML holds what XAPI ought to have escaped; JSON says the same without a doubt."""
    if any(each in body for each in _NO_LETTERS) or len(body.translate(None, _CONTROLS)) < len(body):
        return True
    return _DOUBTFUL_NAME.search(body) is not None


def repaired(body: bytes) -> Any:  # noqa: ANN401 - what the answer holds
    """The value in *body*: names are escaped first, and what XML cannot hold goes through it in other letters."""
    if len(body) > DOUBTFUL_BYTES:
        raise ValueError(f"{len(body)} bytes that XML does not settle")
    text = b"".join(_with_escaped_names(body.decode(errors="backslashreplace").encode()))
    if sum(map(text.count, _ODD)) > ODD_LETTERS:
        raise ValueError("too many control characters")
    mark = next(letter for letter in map(chr, _PRIVATE) if letter.encode() not in text)
    spelt = _TEXT.sub(lambda found: _NO_XML.sub(lambda each: _spelt(mark, each[0]), found[0]), text)
    value = value_of(spelt)
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
