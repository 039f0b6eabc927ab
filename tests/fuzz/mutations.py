"""Inputs put wrong, by structure and by bytes; the same chance makes the same inputs."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.fuzz.trees import Tree, Twin

DEEP: Final = 2000


def _nested(levels: int, *, in_lists: bool) -> Tree:
    tree: Tree = []
    for _ in range(levels):
        tree = [tree] if in_lists else {"a": tree}
    return tree


ODD: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        255,
        1 << 31,
        1 << 53,
        (1 << 63) - 1,
        1 << 63,
        -(1 << 63),
        10**19,
        10**30,
        10**400,
    ),
    *(0.0, -0.0, 0.1, -0.5, 1e-300, 1e300, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "0",
        "-1",
        "1e999",
        "9" * 19,
        "9" * 20,
        "9" * 400,
        "NaN",
        "Infinity",
        "true",
        "null",
        "None",
        "x" * 3000,
    ),
    *("2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "24:00"),
    *("\0", "\x1b[31m", "\x85", "\x9b", "\u202eevil", "\u2066", "\u2028", "\ufeff", "\ud800", "\udfff", "\U0001f680"),
    *(
        "OpaqueRef:NULL",
        "../../etc/passwd",
        "/dev/zero",
        "%s%n",
        "$(id)",
        "=1+1",
        "a.b.c",
        "tag:",
        "<a>",
        "&amp;",
        "]]>",
    ),
    *(
        "(",
        "('",
        "(('a' 'b'))",
        "('a')",
        "+ADw-",
        "%.%_%t%%",
        "'\\",
        '"',
        "\\",
        "vm:a:b:cpu0",
        "AVERAGE:host:x:cpu_avg",
    ),
    *([], {}, [[]], [{}], {"": ""}, {"a": []}, [None] * 50, {str(number): number for number in range(50)}),
    *(
        _nested(20, in_lists=True),
        _nested(20, in_lists=False),
        _nested(250, in_lists=True),
        _nested(250, in_lists=False),
    ),
)
BYTES: Final = (
    *(b"\0", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf"),
    *(b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b",", b":", b"<", b">", b"&", b"</", b"/>", b"=", b".", b"\n", b"#"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"<!--", b"-->", b"<?xml version='1.0' encoding='utf-7'?>"),
    *(b"9" * 400, b"NaN", b"Infinity", b"1e999", b"\\ud800", b"[" * DEEP, b'{"a":' * DEEP, b"<a>" * DEEP, b"a." * DEEP),
)
BLANKS: Final = ("\x85", "\u202e", "\0", "'", '"', "\\", " ", "\ud800", "9" * 20, "x" * 500)


def mutated(tree: Tree, chance: Random) -> Tree:
    """*tree* with one to four things wrong; what stays is shared with it."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        tree = _below(tree, tree, chance)
    return tree


def _below(node: Tree, root: Tree, chance: Random) -> Tree:
    """*node* changed at one place in it or below it; odd things come from a list, or from elsewhere in *root*."""
    if isinstance(node, dict | list) and node and chance.random() < 0.93:
        return _in_container(node, root, chance)
    return chance.choice(_OF_VALUES)(node, root, chance)


def _in_container(node: Tree, root: Tree, chance: Random) -> Tree:
    made = node.copy()
    key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
    if chance.random() < 0.8:
        made[key] = _below(node[key], root, chance)
    else:
        chance.choice(_OF_ENTRIES)(made, key, chance)
    return made


def _leave_out(made: Tree, key: Any, _chance: Random) -> None:  # noqa: ANN401 - a name or a number
    del made[key]


def _say_twice(made: Tree, key: Any, chance: Random) -> None:  # noqa: ANN401 - a name or a number
    if isinstance(made, list):
        made[key:key] = [made[key]] * chance.choice((1, 1, 2, 40))
    else:
        made[Twin(key)] = made[key]


def _rename(made: Tree, key: Any, chance: Random) -> None:  # noqa: ANN401 - a name or a number
    if isinstance(made, list):
        chance.shuffle(made)
    else:
        made[_odd_text(str(key), chance)] = made.pop(key)


def _odd(_node: Tree, _root: Tree, chance: Random) -> Tree:
    return chance.choice(ODD)


def _other_kind(node: Tree, _root: Tree, chance: Random) -> Tree:
    return chance.choice((str(node)[:100], [node], {"a": node}, {str(node)[:20]: node}, bool(node), len(str(node))))


def _from_elsewhere(_node: Tree, root: Tree, chance: Random) -> Tree:
    while isinstance(root, dict | list) and root and chance.random() < 0.8:
        root = chance.choice(list(root.values()) if isinstance(root, dict) else root)
    return root


def _a_little_off(node: Tree, _root: Tree, chance: Random) -> Tree:
    if isinstance(node, bool):
        return not node
    if isinstance(node, int | float):
        return chance.choice((node + 1, node - 1, -node, node * 1000, node // 7, node * 10**12))
    return _odd_text(node, chance) if isinstance(node, str) else chance.choice(ODD)


def _odd_text(text: str, chance: Random) -> str:
    place = chance.randrange(len(text) + 1)
    return chance.choice(
        (text[:place], text[place:], text[:place] + chance.choice(BLANKS) + text[place:], text * 2, text[::-1])
    )


_OF_ENTRIES: Final = (_leave_out, _say_twice, _rename)
_OF_VALUES: Final[tuple[Callable[[Tree, Tree, Random], Tree], ...]] = (
    _odd,
    _other_kind,
    _from_elsewhere,
    _a_little_off,
)


def garbled(content: bytes, chance: Random) -> bytes:
    """*content* with one to four bytes or stretches of bytes wrong."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(_OF_BYTES)(content, chance)
    return content


def _span(content: bytes, chance: Random) -> tuple[int, int]:
    begin = chance.randrange(len(content) + 1)
    return begin, min(len(content), begin + chance.choice((1, 2, 8, 60, 1000)))


def _flip(content: bytes, chance: Random) -> bytes:
    if not content:
        return b"\0"
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def _cut(content: bytes, chance: Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:begin] + content[end:]


def _insert(content: bytes, chance: Random) -> bytes:
    begin, _ = _span(content, chance)
    return content[:begin] + chance.choice(BYTES) + content[begin:]


def _replace(content: bytes, chance: Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:begin] + chance.choice(BYTES) + content[end:]


def _repeat(content: bytes, chance: Random) -> bytes:
    begin, end = _span(content, chance)
    return content[:end] + content[begin:end] * chance.choice((1, 1, 2, 30)) + content[end:]


def _end(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _spell(content: bytes, chance: Random) -> bytes:
    name = chance.choice(("utf-7", "utf-16", "utf-16-be", "utf-8-sig", "utf-32"))
    return content.decode(errors="replace").encode(name)


def _pack(content: bytes, chance: Random) -> bytes:
    packed = gzip.compress(content, compresslevel=1, mtime=0)
    return chance.choice(
        (packed, packed[:-1], packed[: len(packed) // 2], packed + packed, packed + b"x", packed + b"\0")
    )


_OF_BYTES: Final = (_flip, _flip, _cut, _cut, _insert, _replace, _repeat, _end, _spell, _pack)
