"""One command a module, on the shelf of what it is for; each function is the command, its docstring the help."""

from __future__ import annotations

SHELVES: dict[str, tuple[str, ...]] = {
    "look": ("demo", "snapshot", "check", "explain"),
    "plan": (
        "plan",
        "evacuate",
        "rolling",
        "sleep",
        "replay",
        "whatif",
        "prices",
        "place",
        "fit",
        "failures",
        "forecast",
    ),
    "review": ("show", "diff", "verify", "rehearse", "files", "part", "approve"),
    "change": ("apply", "return", "wake", "resolve", "status", "rollback"),
    "operate": (
        "setup",
        "nightly",
        "history",
        "report",
        "site",
        "notify",
        "systemd",
        "monitor",
        "policy",
        "wlb",
        "simulate",
    ),
}
"""The commands in the order of the help, by the folder of their modules."""
