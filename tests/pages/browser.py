"""Chromium without a window, by its debugging pipe: what a page looks like, what it says to the console, what it is."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
"""The browser, where there is one: Debian's package `chromium`."""
TELLS: Final = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
OPTIONS: Final = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")
"""Pages of ours come from a file and may load nothing, so that root may open them, too."""
READ: Final = 1 << 16
AS_3_AND_4: Final = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""Starts a program with two of its files where Chromium looks for its pipes."""
HIGH: Final = 10


class Chromium:
    """A browser that answers over a pipe, one message after another, each ended by a zero byte."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **asked: object) -> dict[str, Any]:
        """What *method* answers; events that come meanwhile are kept.

        Raises:
            ValueError: it refuses.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": asked} | ({"sessionId": session} if session else {})
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") != self._number:
                self.events.append(found)
            elif "error" in found:
                raise ValueError(f"{method}: {found['error']}")
            else:
                return dict(found["result"])

    def wait_for(self, event: str) -> None:
        """Come back once there was *event*."""
        while not any(each.get("method") == event for each in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._reading, READ)
            if not read:
                raise EOFError("the browser ended")
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


class Tab:
    """One page, as wide as asked, light or dark."""

    def __init__(self, browser: Chromium, *, width: int, dark: bool) -> None:
        self._browser, self._width = browser, width
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = str(browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def _call(self, method: str, **asked: object) -> dict[str, Any]:
        return self._browser.call(method, self._session, **asked)

    def open(self, file: Path) -> list[str]:
        """Load *file*; everything that the console says."""
        self._browser.events.clear()
        self._call("Page.navigate", url=file.resolve().as_uri())
        self._browser.wait_for("Page.loadEventFired")
        self._call("Runtime.evaluate", expression="1")
        return [json.dumps(each["params"]) for each in self._browser.events if each.get("method") in TELLS]

    def ask(self, script: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """What *script* comes to, or the promise that it is.

        Raises:
            ValueError: it throws.
        """
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise ValueError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def picture(self, *, height: int) -> bytes:
        """The page from its top as PNG."""
        clip = {"x": 0, "y": 0, "width": self._width, "height": height, "scale": 1}
        return base64.b64decode(
            self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        )

    def on_paper(self) -> None:
        """Lay the page out as it is printed, on a sheet as wide as the tab."""
        self._call("Emulation.setEmulatedMedia", media="print", features=[])

    def printed(self) -> bytes:
        """The page as PDF, on the paper that it asks for."""
        return base64.b64decode(self._call("Page.printToPDF", preferCSSPageSize=True)["data"])


def _high(descriptor: int) -> int:
    """*descriptor* under a number that is not one of Chromium's."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return moved


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """A browser that keeps its things in *profile*, and ends afterwards.

    Raises:
        LookupError: there is none.
    """
    if CHROMIUM is None:
        raise LookupError("Chromium is not installed")
    told_by, tell = map(_high, os.pipe())
    hear, heard_from = map(_high, os.pipe())
    started = [sys.executable, "-c", AS_3_AND_4, str(told_by), str(heard_from), CHROMIUM, *OPTIONS]
    with subprocess.Popen(
        [*started, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(told_by, heard_from),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(told_by)
        os.close(heard_from)
        try:
            yield Chromium(hear, tell)
        finally:
            process.terminate()
            os.close(hear)
            os.close(tell)
