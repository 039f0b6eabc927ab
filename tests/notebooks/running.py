"""Notebooks carried out from top to bottom; `python -m tests.notebooks.running` writes their outputs anew."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
UNHURRIED = Path(__file__).resolve().parent / "unhurried"
SECONDS = 1200
"""After which a cell hangs; no search ends by it."""
TERMINAL = {"COLUMNS", "LINES"}
"""What frames are cut to, where it is given."""
CHANGING = re.compile(r"0x[0-9a-f]+|/tmp/\S+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*( UTC)?|http\S+")
"""What differs from run to run: addresses, folders, moments."""


def notebooks() -> list[Path]:
    """All of them, in their order."""
    return sorted(FOLDER.glob("*.ipynb"))


def as_written(path: Path) -> Any:  # noqa: ANN401 - nbformat has no types
    """The notebook at *path*, with the outputs that it holds."""
    read: Callable[..., Any] = nbformat.read
    return read(path, as_version=4)


def carried_out(path: Path) -> Any:  # noqa: ANN401 - nbformat has no types
    """The notebook at *path* with the outputs of a kernel of its own, without journals of earlier runs, or haste."""
    notebook = as_written(path)
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(FOLDER)}})
        modules = os.pathsep.join(filter(None, (str(UNHURRIED), os.environ.get("PYTHONPATH"))))
        own = {name: value for name, value in os.environ.items() if name not in TERMINAL}
        client.execute(env=own | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONPATH": modules})
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


def told(notebook: Any) -> list[str]:  # noqa: ANN401 - likewise
    """The text of all outputs, frames among them, without pictures and without what differs from run to run."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    pictures = ["image/png" in output.get("data", {}) for output in outputs]
    return [CHANGING.sub("...", text) for text, picture in zip(texts, pictures, strict=True) if not picture]


def main() -> None:
    """Write the outputs of all notebooks."""
    for path in notebooks():
        write: Callable[..., None] = nbformat.write
        write(carried_out(path), path)


if __name__ == "__main__":
    main()
