"""Edits of what a caller gives: the types that files of scenarios are held to as well."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from rebalancer.errors import InputError
from rebalancer.files.documents import Unfit
from rebalancer.files.shapes import value_in
from rebalancer.whatif.scenarios.edit import Edit

Made = TypeVar("Made", bound=Edit)


def made(kind: type[Made], /, **values: object) -> Made:
    """The edit of that *kind* with these *values*.

    Raises:
        InputError: one is of another type.
    """
    try:
        return value_in(kind, {name: _plain(value) for name, value in values.items()})
    except Unfit as error:
        name = f"rb.scenarios.{kind.key}"
        raise InputError(name, str(error), f"help({name}) shows how") from None


def _plain(value: Any) -> Any:  # noqa: ANN401 - anything at all
    """A number of a DataFrame as Python has it."""
    return value.item() if isinstance(value, np.generic) else value
