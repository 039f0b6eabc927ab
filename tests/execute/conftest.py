"""What tests against simulators share."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.simulator.calls.dispatch import Dispatcher


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all calls that reach any simulator of this test."""
    heard: list[str] = []
    answer = Dispatcher.call

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        heard.append(method)
        return answer(self, host_ref, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)
    return heard
