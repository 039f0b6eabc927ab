"""How a night ended is written for monitoring, whichever way it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.output import say
from rebalancer.errors import InputError, RebalancerError
from rebalancer.nightly import NightEnd, NightlyResult, assert_collectable, write_textfile


class Monitor:
    """Writes a textfile at the end of its block, where one is wanted; what could not be written ends no night."""

    def __init__(self, path: Path | None, policy: str) -> None:
        self._path, self._policy, self._began = path, policy, datetime.now(UTC)
        self.result: NightlyResult | None = None
        self.code = Exit.ERROR

    def __enter__(self) -> Self:
        """Pass where the file can be written.

        Raises:
            InputError: it cannot.
        """
        if self._path:
            assert_collectable(self._path)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Write how it ended."""
        code = exit_code(error) if isinstance(error, RebalancerError) else Exit.ERROR if error else self.code
        now = datetime.now(UTC)
        night = NightEnd(policy=self._policy, began=self._began, ended=now, exit_code=code, result=self.result)
        try:
            if self._path:
                write_textfile(night, self._path)
        except InputError as failed:
            say(f"no metrics for monitoring: {failed}")
