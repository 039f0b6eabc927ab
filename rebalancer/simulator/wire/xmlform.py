"""Answers in XML-RPC, as XAPI writes them: bare strings, integers as strings, datetimes by the field's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rebalancer.simulator.wire import kinds

_HEAD = '<?xml version="1.0"?><methodResponse><params><param>'
_TAIL = "</param></params></methodResponse>"


def success(kind: str, value: Any) -> str:  # noqa: ANN401 - any wire type
    """The answer to a call that succeeded."""
    inner = member("Status", "<value>Success</value>") + member("Value", render(kind, value))
    return f"{_HEAD}<value><struct>{inner}</struct></value>{_TAIL}"


def bare(kind: str, value: Any) -> str:  # noqa: ANN401 - any wire type
    """The answer to `system.listMethods`, which has no envelope."""
    return f"{_HEAD}{render(kind, value)}{_TAIL}"


def failure(description: Sequence[str]) -> str:
    """The answer to a call that failed: HTTP 200 all the same."""
    inner = member("Status", "<value>Failure</value>") + member("ErrorDescription", render("string set", description))
    return f"{_HEAD}<value><struct>{inner}</struct></value>{_TAIL}"


def member(name: str, value: str) -> str:
    """One member of a struct; XAPI escapes values, and never names."""
    return f"<member><name>{name}</name>{value}</member>"


def escape(text: str) -> str:
    """Text with the four characters escaped that XAPI escapes."""
    if "&" in text or "<" in text or ">" in text or '"' in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text


def render(kind: str, value: Any) -> str:  # noqa: ANN401 - any wire type
    """A value of a type of the data model."""
    if isinstance(value, str):
        text = escape(value)
        return f"<value>{f'<dateTime.iso8601>{text}</dateTime.iso8601>' if kind == 'datetime' else text}</value>"
    if isinstance(value, Mapping):
        inside = "".join(member(name, render(of, item)) for name, of, item in kinds.typed(kind, value))
        return f"<value><struct>{inside}</struct></value>"
    if isinstance(value, list | tuple):
        of = kinds.element(kind) or "string"
        return f"<value><array><data>{''.join(render(of, item) for item in value)}</data></array></value>"
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> str:  # noqa: ANN401 - bool, int, float or None
    if value is None:
        return "<value></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, float):
        return f"<value><double>{value:.15g}</double></value>"
    return f"<value><i4>{value}</i4></value>" if kind == kinds.COUNT else f"<value>{value}</value>"
