"""How a night ended is written for monitoring, whichever way it ended."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.output import say
from rebalancer.errors import InputError, RebalancerError, StoppedHalfWay
from rebalancer.nightly import (
    Keeper,
    KnownPool,
    NightEnd,
    NightlyResult,
    assert_collectable,
    known_pool,
    write_textfile,
)


class Monitor:
    """Writes a textfile at the end of its block, where one is wanted; what could not be written ends no night."""

    def __init__(self, path: Path | None, policy: str, state_dir: Path | None) -> None:
        self._path, self._policy, self._state_dir, self._began = path, policy, state_dir, datetime.now(UTC)
        self.url = ""
        self.result: NightlyResult | None = None
        self.keeper = Keeper()
        self.code = Exit.ERROR

    def planned(self, result: NightlyResult) -> None:
        """Note that so much is planned, whatever becomes of it."""
        self.result = result

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
        night = self._end(error)
        self.keeper.ended(night, str(error or ""))
        try:
            if self._path:
                write_textfile(night, self._path)
        except InputError as failed:
            say(f"no metrics for monitoring: {failed}")

    def _end(self, error: BaseException | None) -> NightEnd:
        moved = self.result.moved if self.result else 0
        return NightEnd(
            policy=self._policy,
            pool=self._pool(),
            began=self._began,
            ended=datetime.now(UTC),
            exit_code=exit_code(error) if isinstance(error, RebalancerError) else Exit.ERROR if error else self.code,
            verdict=self._verdict(error),
            result=self.result,
            done=error.done if isinstance(error, StoppedHalfWay) else moved,
        )

    def _pool(self) -> KnownPool:
        """The pool of tonight's plan, else as it was read last."""
        if self.result:
            source = self.result.plan.made_from
            return KnownPool(uuid=source.pool, name=source.pool_name)
        return known_pool(self.url, self._state_dir)

    def _verdict(self, error: BaseException | None) -> str:
        if error is not None:
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
        return self.result.verdict.name.lower() if self.result else "unknown"
