"""What the simulator answers to questions that recordings hold answers of, in their form."""

from __future__ import annotations

from collections.abc import Callable

from rebalancer.simulator.checks import gpus, migration
from rebalancer.simulator.checks.facts import members_of
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure


def verdict(question: Callable[[], object]) -> str | list[str]:
    """What a check says, in the form of the recordings."""
    try:
        question()
    except ApiFailure as refused:
        return refused.description
    return "ok"


def moved(database: Database, vm: str, host: str) -> str | list[str]:
    """What the simulator says to VM.pool_migrate, in the form of the recordings."""
    waits = False

    def ask() -> None:
        nonlocal waits
        waits = migration.must_wait(database, vm, host, {"live": "true"})
        if not waits:
            migration.assert_may_start(database, vm, host, {"live": "true"})

    answer = verdict(ask)
    if answer == "ok" and waits:
        return "waits"
    return ["(unknown)"] if answer == "ok" and asks_gpu_driver(database, vm) else answer


def asks_gpu_driver(database: Database, vm: str) -> bool:
    """Whether the NVIDIA driver of the source host would be asked after all checks: its answer is in no record."""
    vgpus = members_of(database, "VGPU", database.get("VM", vm)["VGPUs"])
    return any(gpus.implementation(database, vgpu) in gpus.NVIDIA for vgpu in vgpus)


def code(answer: str | list[str]) -> str:
    """The error code of an answer, or ok, or waits."""
    return answer if isinstance(answer, str) else answer[0]
