"""Parameters of calls as records hold them; what is of another type is refused before anybody looks for an object."""

from __future__ import annotations

from typing import Any

from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.wire import kinds

_LETTERS = {bool: "B", int: "I", float: "F", str: "S"}


def canonical(kind: str, value: Any) -> Any:  # noqa: ANN401 - any wire type
    """A parameter as records hold it: integers as strings, floats as floats; or what XAPI's unmarshalling says."""
    of = kinds.element(kind) or kinds.value_of_map(kind)
    if of is None and not kind.endswith(" record"):
        return _scalar(kind, value)
    if not isinstance(value, list if kind.endswith(" set") else dict):
        raise ApiFailure("INTERNAL_ERROR", f"Rpc.Runtime_error({kind} expected)")
    if of is None:
        return value
    if isinstance(value, list):
        return [canonical(of, item) for item in value]
    return {name: canonical(of, item) for name, item in value.items()}


def _scalar(kind: str, value: Any) -> Any:  # noqa: ANN401 - any wire type
    try:
        if kind == "int":
            return str(int(value))
        if kind == "float":
            return float(value)
    except (TypeError, ValueError):
        raise ApiFailure("INTERNAL_ERROR", 'Failure("Int64.of_string")') from None
    wanted, word = (bool, "bool") if kind == "bool" else (str, "string")
    if not isinstance(value, wanted):
        raise ApiFailure("INTERNAL_ERROR", f"Failure(\"Expected {word}, got '{_printed(value)}'\")")
    return value


def _printed(value: Any) -> str:  # noqa: ANN401 - any wire type
    """A value as XAPI's library for remote calls prints it (rpclib, `rpc.ml: to_string`)."""
    if isinstance(value, list):
        return f"[{';'.join(map(_printed, value))}]"
    if isinstance(value, dict):
        return f"{{{';'.join(f'{name}:{_printed(item)}' for name, item in value.items())}}}"
    letter = _LETTERS.get(type(value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{letter}({text.lower() if letter == 'B' else text})" if letter else "N"
