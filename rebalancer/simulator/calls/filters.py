"""The expressions of `CLASS.get_all_records_where`: `field "power_state" = "Running" and not (true)`.

A name of the database has two underscores where a field of the API has one (xen-api, `ocaml/database/db_filter.ml`);
both are taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rebalancer.simulator.state.failure import ApiFailure

Test = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(r"""\s*(?:(?P<word>[a-z]+)|(?P<sign>[()=])|"(?P<double>[^"]*)"|'(?P<single>[^']*)')""")
_END = ("end", "")


def filter_of(expression: str) -> Test:
    """Whether a record is meant by an *expression*; INTERNAL_ERROR where it is none."""
    reading = _Reading(expression)
    test = reading.either()
    if reading.next != _END:
        raise _broken(expression)
    return test


def _broken(expression: str) -> ApiFailure:
    return ApiFailure("INTERNAL_ERROR", f"Db_filter.Expression_error({expression})")


class _Reading:
    """One expression, from left to right; `next` is the token that comes: its kind and text."""

    def __init__(self, expression: str) -> None:
        self._expression, self._place = expression, 0
        self.next = _END
        self._step()

    def either(self) -> Test:
        """Terms between which `or` stands."""
        test = self._both()
        while self._takes("word", "or"):
            test = _any(test, self._both())
        return test

    def _both(self) -> Test:
        test = self._single()
        while self._takes("word", "and"):
            test = _all(test, self._single())
        return test

    def _single(self) -> Test:
        if self._takes("word", "not"):
            denied = self._single()
            return lambda record: not denied(record)
        if self._takes("sign", "("):
            inner = self.either()
            self._require("sign", ")")
            return inner
        for word, answer in (("true", True), ("false", False)):
            if self._takes("word", word):
                return lambda _record, answer=answer: answer  # type: ignore[misc]  # bound at once
        left = self._value()
        self._require("sign", "=")
        right = self._value()
        return lambda record: left(record) == right(record)

    def _value(self) -> Callable[[Mapping[str, Any]], str]:
        of_field = self._takes("word", "field")
        kind, text = self.next
        if kind != "text":
            raise _broken(self._expression)
        self._step()
        return (lambda record: _stored(record.get(text.replace("__", "_"), ""))) if of_field else (lambda _: text)

    def _require(self, kind: str, text: str) -> None:
        if not self._takes(kind, text):
            raise _broken(self._expression)

    def _takes(self, kind: str, text: str) -> bool:
        taken = self.next == (kind, text)
        if taken:
            self._step()
        return taken

    def _step(self) -> None:
        rest = self._expression[self._place :]
        if not rest.strip():
            self.next = _END
            return
        if (found := _TOKEN.match(rest)) is None:
            raise _broken(self._expression)
        self._place += found.end()
        kind = str(found.lastgroup)
        self.next = ("text" if kind in {"double", "single"} else kind, found[kind])


def _any(one: Test, other: Test) -> Test:
    return lambda record: one(record) or other(record)


def _all(one: Test, other: Test) -> Test:
    return lambda record: one(record) and other(record)


def _stored(value: object) -> str:
    """A value as the database has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
