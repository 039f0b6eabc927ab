"""A bar that shows how many calls are done, where somebody sees it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def bar_of(calls: int, *, shown: bool | None) -> Iterator[Callable[[], object]]:
    """What is to be called once for each call that is done; by default it is *shown* on a terminal or in a notebook."""
    if not (_is_seen() if shown is None else shown):
        yield lambda: None
        return
    with _tqdm()(total=calls, leave=False) as bar:
        yield bar.update


def _is_seen() -> bool:
    """Whether somebody sees at once what is written to standard error."""
    return sys.stderr.isatty() or _is_notebook()


def _is_notebook() -> bool:
    """Whether this is the kernel of a notebook: only there IPython, which is loaded then, has one."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _tqdm() -> Any:  # noqa: ANN401 - it has no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets: a bar of text is a bar as well
        from tqdm.auto import tqdm  # noqa: PLC0415 - it looks for a notebook when it is loaded

    return tqdm
