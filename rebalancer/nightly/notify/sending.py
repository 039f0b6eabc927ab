"""Notifications by apprise: mail, chat, webhooks. What holds a secret is neither printed nor raised."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from rebalancer.errors import ConnectionSettingsError
from rebalancer.nightly.notify.targets import Target

EXTRA: Final = "notify"
NO_URL: Final = "its URL is none that apprise knows"
LOGGER: Final = "apprise"
STATUS: Final = re.compile(r"error[ =](\d{3})\b")
LOST: Final = re.compile(r"connection|socket|timed? ?out|SMTP|network", re.IGNORECASE)
"""What apprise logs may quote the URL; of it, only what is looked for here is told."""


def loaded() -> ModuleType:
    """The package apprise.

    Raises:
        ConnectionSettingsError: it is not installed.
    """
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        problem = f"the extra {EXTRA!r} is not installed"
        raise ConnectionSettingsError("notify.to of the policy", problem, "Install xapi-rebalancer[notify]") from error
    return apprise


def why_unsent(target: Target, title: str, body: str) -> str:
    """Send *title* and *body* to *target*; "" where it took them, else why not, without a word of its URL."""
    if target.problem:
        return target.problem
    try:
        apprise = loaded()
    except ConnectionSettingsError as error:
        return str(error)
    with _listening() as heard:
        try:
            sender = apprise.Apprise()
            if not sender.add(target.url):
                return NO_URL
            taken = sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:  # noqa: BLE001 - a plugin of apprise may raise anything, and no night ends for it
            return f"apprise gave up ({type(error).__name__})"
    return "" if taken else _reason(heard)


def kind_of(target: Target) -> str:
    """How *target* is told: the scheme of its URL, as in `mailtos`."""
    scheme = target.url.partition("://")[0]
    return scheme if re.fullmatch(r"[a-z][a-z0-9]{1,20}", scheme) else "unknown"


def _reason(heard: list[str]) -> str:
    status = next((found[1] for each in heard if (found := STATUS.search(each))), "")
    if status:
        return f"the server answered {status}"
    if any(LOST.search(each) for each in heard):
        return "no connection to the server, or it refused the message"
    return "it was not taken"


class _Ear(logging.Handler):
    """Keeps what is logged while somebody listens; nothing of it gets anywhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words of *record*."""
        self.heard.append(record.getMessage())


EAR: Final = _Ear()
ONE_AT_A_TIME: Final = threading.Lock()
"""apprise logs from threads of its own: whose words they are can be told only where one is sent at a time."""


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What apprise logs meanwhile; nobody else hears it."""
    logger = logging.getLogger(LOGGER)
    with ONE_AT_A_TIME:
        logger.propagate = False
        logger.handlers[:] = [EAR]
        EAR.heard = []
        yield EAR.heard
