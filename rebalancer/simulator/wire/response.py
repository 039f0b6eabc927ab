"""An answer over HTTP, and how it may go astray on its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response.

    Args:
        status: HTTP status.
        kind: content type.
        text: body.
        headers: further headers.
        cut: characters of the body after which the connection breaks; None for all of it, and no break.
        pause: seconds before each character of the body.
    """

    status: int
    kind: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    pause: float = 0.0
