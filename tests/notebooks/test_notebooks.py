"""Notebooks run, and say what they said when they were written; they hold no function and no long cell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.running import as_written, carried_out, notebooks, told

MOST_LINES = 10
SWEEP = """
from functools import partial
from rebalancer.workers import Sweep, swept
swept({str(each): partial(int, each) for each in range(3)}, Sweep(workers=1))
"""


@pytest.mark.notebook
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_says_what_it_said(path: Path) -> None:
    """Text and frames, not pictures. `python -m tests.notebooks.running` writes them anew."""
    assert told(carried_out(path)) == told(as_written(path))


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_a_story(path: Path) -> None:
    """Text first; cells of ten lines at most, no function, and outputs to look at."""
    cells = as_written(path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("# ")
    assert all(len(cell.source.splitlines()) <= MOST_LINES for cell in code)
    assert not any("def " in cell.source or "lambda" in cell.source for cell in code)
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)


@pytest.mark.notebook
def test_a_kernel_shows_how_far_a_sweep_is() -> None:
    """Unasked, in a notebook as people open it, and without a word of warning."""
    notebook: Any = nbformat.from_dict(as_written(notebooks()[0]) | {"cells": []})  # type: ignore[no-untyped-call]
    notebook.cells = [nbformat.v4.new_code_cell(SWEEP)]  # type: ignore[no-untyped-call]
    shown = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    NotebookClient(notebook).execute(env=shown)
    said = str(notebook.cells[0].outputs)
    assert "0/3" in said
    assert "Warning" not in said
