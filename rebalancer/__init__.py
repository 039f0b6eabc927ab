"""A workload rebalancer for XenServer and XCP-ng pools.

    import rebalancer as rb

    state = rb.read("pool.json.gz")
    plan = rb.rebalance(rb.Model(state, rb.Policy.load("nightly.toml")), seconds=30)
    plan.save("tonight")

Names are loaded when they are first used (PEP 562): importing the package loads no solver and no DataFrames.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from rebalancer.version import __version__ as __version__

if TYPE_CHECKING:
    from rebalancer import approval as approval
    from rebalancer import describe as describe
    from rebalancer import errors as errors
    from rebalancer import execute as execute
    from rebalancer import export as export
    from rebalancer import files as files
    from rebalancer import frames as frames
    from rebalancer import inventory as inventory
    from rebalancer import legality as legality
    from rebalancer import plan as plan
    from rebalancer import plots as plots
    from rebalancer import policy as policy
    from rebalancer import rehearse as rehearse
    from rebalancer import rules as rules
    from rebalancer import sanitise as sanitise
    from rebalancer import scenarios as scenarios
    from rebalancer import simulator as simulator
    from rebalancer import solve as solve
    from rebalancer import units as units
    from rebalancer import whatif as whatif
    from rebalancer.face.back import undo as undo
    from rebalancer.face.back import without as without
    from rebalancer.face.check import Check as Check
    from rebalancer.face.check import check as check
    from rebalancer.face.check import explain as explain
    from rebalancer.face.check import lint as lint
    from rebalancer.face.connection import Connection as Connection
    from rebalancer.face.history import history as history
    from rebalancer.face.hosts import evacuate as evacuate
    from rebalancer.face.hosts import rolling as rolling
    from rebalancer.face.hosts import sleep as sleep
    from rebalancer.face.model import Model as Model
    from rebalancer.face.plans import rebalance as rebalance
    from rebalancer.face.plans import tradeoff as tradeoff
    from rebalancer.face.proposal import Proposal as Proposal
    from rebalancer.face.proposal import load as load
    from rebalancer.face.prove import diff as diff
    from rebalancer.face.prove import verify as verify
    from rebalancer.face.read import PoolState as PoolState
    from rebalancer.face.read import read as read
    from rebalancer.face.run import apply as apply
    from rebalancer.face.run import connect as connect
    from rebalancer.face.whatif.failures import failures as failures
    from rebalancer.face.whatif.fit import fit as fit
    from rebalancer.face.whatif.forecast import Forecast as Forecast
    from rebalancer.face.whatif.forecast import forecast as forecast
    from rebalancer.face.whatif.place import place as place
    from rebalancer.face.whatif.prices import prices as prices
    from rebalancer.face.whatif.replay import replay as replay
    from rebalancer.policy.model import Policy as Policy
    from rebalancer.whatif.newcomers.shape import Shape as Shape
    from rebalancer.xapi.credentials import Credentials as Credentials

_HOMES: Final = {
    "face.back": ("undo", "without"),
    "face.check": ("Check", "check", "explain", "lint"),
    "face.connection": ("Connection",),
    "face.whatif.failures": ("failures",),
    "face.whatif.forecast": ("Forecast", "forecast"),
    "face.whatif.fit": ("fit",),
    "face.history": ("history",),
    "face.hosts": ("evacuate", "rolling", "sleep"),
    "face.model": ("Model",),
    "face.whatif.place": ("place",),
    "face.whatif.prices": ("prices",),
    "face.plans": ("rebalance", "tradeoff"),
    "face.proposal": ("Proposal", "load"),
    "face.prove": ("diff", "verify"),
    "face.read": ("PoolState", "read"),
    "face.whatif.replay": ("replay",),
    "face.run": ("apply", "connect"),
    "policy.model": ("Policy",),
    "whatif.newcomers.shape": ("Shape",),
    "xapi.credentials": ("Credentials",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

PUBLIC: Final = (
    "approval",
    "describe",
    "errors",
    "execute",
    "export",
    "files",
    "frames",
    "inventory",
    "legality",
    "plan",
    "plots",
    "policy",
    "rehearse",
    "rules",
    "sanitise",
    "scenarios",
    "simulator",
    "solve",
    "units",
    "whatif",
)
"""The submodules that users, the command line and nightly runs may lean on; docs/decisions/0014 says what for."""

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> object:
    """A name of the front door, or a public submodule, loaded when it is first asked for."""
    if name in PUBLIC:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """What people may use, loaded or not; not what this file needs itself."""
    return sorted({*_HOME_OF, *PUBLIC, *(name for name in globals() if name.startswith("__"))})


class _Package(ModuleType):
    """This module; a room that is called like a name of the front door, as `rebalancer.verify`, does not hide it."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set by the import system, too, once it has loaded a submodule."""
        if name not in _HOME_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
