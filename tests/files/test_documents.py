"""Documents that Python's parsers take, or hang on, and that are refused here."""

from __future__ import annotations

import json
import time

import pytest

from rebalancer.files.documents import Unfit, json_in, toml_in
from rebalancer.files.kinds import POLICY, SNAPSHOT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "truncated or no JSON"),
        (b'{"a": 1', "truncated or no JSON"),
        (b'{"a": 1, "a": 2}', "a key stands twice in one object \\('a'\\)"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is too large for a number"),
        (b"[" + b"9" * 400 + b"]", "a number of 400 digits"),
        (b"[" + b"9" * 5000 + b"]", "a number of 5000 digits"),
        (b"[9223372036854775808]", "a number of 19 digits"),
        (b'["\\ud800"]', "half a surrogate pair"),
        (b'{"\\udfff": 1}', "half a surrogate pair"),
        (b'["\xed\xa0\x80"]', "no text in UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "truncated or no JSON"),
        (b"+AFs-1+AF0-", "truncated or no JSON"),
        (b"[" * 100_000, "too many levels"),
        (b'{"a":' * 100_000, "too many levels"),
        (b"[" + b"1," * 2_000_001, "more than 2,000,000 values"),
    ],
)
def test_json_that_is_refused(text: bytes, words: str) -> None:
    """Each with its reason."""
    with pytest.raises(Unfit, match=words):
        json_in(text, SNAPSHOT)


def test_json_that_is_taken() -> None:
    """The largest numbers of 64 bits, long fractions, whole surrogate pairs and every letter."""
    said = ["\U0001f680", "\u202e", -(1 << 63), (1 << 63) - 1, 0.1, True, None, {"a": [], "b": {}}]
    assert json_in(json.dumps(said).encode(), SNAPSHOT) == said
    assert json_in(json.dumps(said, ensure_ascii=False), SNAPSHOT) == said
    assert json_in(b"[0." + b"3" * 400 + b"]", SNAPSHOT) == [1 / 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = [" * 5000, "more than 16 levels"),
        ("[" + "a." * 50_000 + "a]", "more than 16 levels"),
        ("a." * 50_000 + "a = 1", "more than 16 levels"),
        ('x = { y = """z"""", ' + "a." * 50_000 + "a = 1 }", "more than 16 levels"),
        ("a = " + "9" * 400, "a number of 400 digits"),
        ("a = " + "9_" * 5000 + "9", "a number of 10001 digits"),
        ("a = 0x" + "f" * 5000, "a number of 5002 digits"),
        ("a = [" + "1," * 60_000 + "]", "more than 50,000 values"),
        ("a = 1\na = 2", "not TOML"),
        ("a = 2026-13-45", "not TOML"),
        ('a = "x\n', "not TOML.*line 1"),
        ('a = "\\ud800"', "not TOML"),
    ],
)
def test_toml_that_is_refused(text: str, words: str) -> None:
    """Each with its reason, and soon: its parser would take minutes for some."""
    began = time.process_time()
    with pytest.raises(Unfit, match=words):
        toml_in(text, POLICY)
    assert time.process_time() - began < 2


def test_toml_that_is_taken() -> None:
    """Dots and brackets in strings and comments are no levels, and digits in names no numbers."""
    dots = "a.b[{" * 100
    text = f'x = "{dots}"\ny = \'{dots}\'\n# {dots}\nz = """\n{dots}"""\n"{"9" * 30}" = 1.5\n'
    assert toml_in(text, POLICY) == {"x": dots, "y": dots, "z": dots, "9" * 30: 1.5}
