"""From a method name and parameters to an answer: who may ask, how many parameters, and then the call itself."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from rebalancer.simulator.calls import (
    data_sources,
    event,
    generic,
    host,
    host_power,
    message,
    role,
    session,
    storage_motion,
    task,
    vm,
    wlb,
)
from rebalancer.simulator.calls.context import Context, Handler, Table
from rebalancer.simulator.calls.parameters import canonical
from rebalancer.simulator.checks.versions import coordinator_build
from rebalancer.simulator.state import rbac, sessions, tasks
from rebalancer.simulator.state.failure import ApiFailure, Cancelled, ConnectionLost
from rebalancer.simulator.state.schema import call_types, classes, optional
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire import xmlform

ROOMS = (data_sources, vm, storage_motion, host, host_power, session, role, task, message, event, wlb)
CALLS: Table = {name: handler for room in ROOMS for name, handler in room.CALLS.items()}
TYPES = session.TYPES | event.TYPES
LOGIN = "session.login_with_password"
# Parameters that later XAPIs add at the end, all of them optional, with the version that brought them.
NEWER = {"VM.migrate_send": ([26, 15], ("(VDI ref -> string) map",)), "host.disable": ([25, 31], ("bool",))}
# Classes whose every call XAPI has taken away.
REMOVED = ("VMPP.",)
# XAPI derives these fields or guards them: their setters are not the plain ones.
GUARDED = {"host.set_address", "host.set_hostname"}


class Dispatcher:
    """Carries out calls on one pool."""

    def __init__(self, world: World) -> None:
        self._world = world

    def call(self, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        """Carry out a call that arrived at a host; return (type of the result, result).

        Raises:
            ApiFailure: what the wire reports as Failure.
            ConnectionLost: there is no answer.
        """
        world = self._world
        if host_ref != world.coordinator:
            raise ApiFailure("HOST_IS_SLAVE", world.database.get("host", world.coordinator)["address"])
        if method in {"system.listMethods", "host.list_methods"}:
            return "string set", known_methods()
        name = method.removeprefix("Async.")
        kinds, result = _types(name)
        if name == LOGIN:
            most = 3 if world.faults.take("old-login") else 4
            if not 2 <= len(params) <= most:  # noqa: PLR2004 - version and originator may be left out
                raise ApiFailure("MESSAGE_PARAMETER_COUNT_MISMATCH", LOGIN, str(most), str(len(params)))
            words = [canonical("string", each) for each in params]
            return result, session.login(Context(world=world, host=host_ref, session="", task=""), *words)
        least = len(kinds) - optional(name)
        kinds += _newer(world, name)
        if not least <= len(params) <= len(kinds):
            counts = str(len(kinds) - 1), str(len(params) - 1)
            raise ApiFailure("MESSAGE_PARAMETER_COUNT_MISMATCH", name, *counts)
        values = [canonical(kind, value) for kind, value in zip(kinds, params, strict=False)][1:]
        if method != name and generic.is_reader(*name.split(".", 1)):
            raise ApiFailure("Fault", f"No async mode for this operation (rpc: {name})")
        self._admit(name, params[0])
        rbac.assert_may(world, params[0], name, str(values[0]) if values else "")
        handler = _handler(name)
        if method.startswith("Async."):
            return "task ref", self._later(host_ref, method, handler, params[0], values)
        task = f"DummyRef:|{uuid4()}|{name}"
        context = Context(world=world, host=host_ref, session=params[0], task=task)
        try:
            return result, handler(context, *values)
        except Cancelled:
            raise ApiFailure("TASK_CANCELLED", context.task) from None

    def _admit(self, name: str, session_ref: str) -> None:
        database = self._world.database
        if self._world.faults.take("session-expires", method=name) and database.find("session", session_ref):
            database.remove("session", session_ref)
        sessions.assert_open(self._world, session_ref)

    def _later(self, host_ref: str, method: str, handler: Handler, session_ref: str, values: list[Any]) -> str:
        task = tasks.begin(self._world, method, session=session_ref)
        context = Context(world=self._world, host=host_ref, session=session_ref, task=task)
        self._world.timing.start(partial(self._carry_out, context, handler, values))
        return task

    def _carry_out(self, context: Context, handler: Handler, values: list[Any]) -> None:
        try:
            value = handler(context, *values)
        except ApiFailure as failure:
            tasks.finish(self._world, context.task, "failure", error=tuple(failure.description))
        except (Cancelled, ConnectionLost):
            tasks.finish(self._world, context.task, "cancelled")
        else:
            tasks.finish(self._world, context.task, "success", result=xmlform.render("string", value))


def known_methods() -> list[str]:
    """Every call that is carried out, spelled as a client would."""
    names = set(CALLS)
    for cls, known in classes().items():
        names |= {f"{cls}.{name}" for name in (*known["generic"], *(f"get_{field}" for field in known["fields"]))}
        names |= {f"{cls}.{name}" for name in known["calls"] if _find(f"{cls}.{name}")}
    return sorted(names)


def _types(name: str) -> tuple[tuple[str, ...], str]:
    cls, _, call = name.partition(".")
    types = TYPES.get(name) or call_types(cls, call)
    if types is None:
        raise ApiFailure("MESSAGE_METHOD_UNKNOWN", name)
    return types


def _find(name: str) -> Handler | None:
    cls, _, call = name.partition(".")
    return CALLS.get(name) or (None if name in GUARDED else generic.find(cls, call))


def _handler(name: str) -> Handler:
    if name.startswith(REMOVED):
        raise ApiFailure("MESSAGE_REMOVED")
    if (handler := _find(name)) is None:
        raise ApiFailure("NOT_IMPLEMENTED", name)
    return handler


def _newer(world: World, name: str) -> tuple[str, ...]:
    """The types of the parameters that a call has only where the coordinator is new enough."""
    since, kinds = NEWER.get(name, ([], ()))
    return kinds if coordinator_build(world.database) >= since else ()
