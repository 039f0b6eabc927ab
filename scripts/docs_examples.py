"""For `make docs`: `Example:` in our docstrings is what Griffe calls `Examples:`, a session and no text."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension

ONE = re.compile(r"^Example:$", re.MULTILINE)


class ExampleSections(Extension):
    """Names the section as Griffe does, before it is parsed."""

    def on_object(self, *, obj: Any, **_: object) -> None:  # noqa: ANN401 - one of Griffe's, which is not always installed
        """A module, class, function or attribute was read."""
        if obj.docstring:
            obj.docstring.value = ONE.sub("Examples:", obj.docstring.value)
