"""`rebalancer nightly`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import AsJson, StateDir


def nightly(
    policy: Annotated[
        Path, typer.Argument(metavar="POLICY", help="Policy file (TOML) whose [pool] says where the pool is.")
    ],
    *,
    execute: Annotated[
        bool, typer.Option("--execute", help="Carry the plan out. Without it nothing is moved.")
    ] = False,
    state_dir: StateDir = None,
    json: AsJson = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when a plan with steps was made and not carried out."),
    ] = False,
) -> int:
    """Read the pool, plan, keep the plan in the state folder and, with --execute, carry it out in the change windows."""
    raise SystemExit(policy, execute, state_dir, json, detailed_exitcode)
