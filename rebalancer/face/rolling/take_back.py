"""Work on all hosts that is given up half-way: its host is taken back into service, and VMs that it moved go home."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rebalancer.errors import IllegalPlan, InputError, PlanFileError, RollingStopped, StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, is_settled, journal_path
from rebalancer.export import read_plan, write_plan
from rebalancer.face.maintenance import Maintenance, service_of
from rebalancer.face.rolling.anew import PlannedAnew
from rebalancer.face.rolling.guests import PinnedGuests
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.whatif.itinerary import Purpose

HOME: Final = "home"
"""The folder, beside the itinerary, of the plan that leads home."""
Approve = Callable[[Plan, Path], object]
"""Raises `ApprovalRefused` where a plan, which stands in a folder, waits for an approval."""


def take_back(progress: Progress, site: Site, approve: Approve) -> str:
    """Take the host of a stage that is under way back into service, and bring home whom stages moved; "" once done.

    Otherwise for what that waits. A host that may be about to go down, or is not back as it was, stays as it is, and so
    do VMs that cannot go home: both are said.

    Raises:
        ApprovalRefused: the plan that leads home waits for one.
        StalePlan, IllegalPlan, StoppedHalfWay: it cannot go on; the same again makes another one.
        PoolLocked: another run writes to the pool, on whatever machine.
        XapiError: the pool cannot be reached.
    """
    progress.kept.give_up()
    try:
        for stage in progress.stages:
            begun = progress.has(Event.STAGE, stage) and not progress.has(Event.DONE, stage)
            if begun and stage.purpose is Purpose.EMPTY:
                _into_service(progress.in_force(stage), progress, site)
        return _home(progress, site, approve)
    except PlanFileError as error:
        site.say(f"{error}. Whoever is away from home stays there")
        return ""


def _into_service(stage: KeptStage, progress: Progress, site: Site) -> None:
    outing = Maintenance.of(site.pool, stage.host, site.state_dir)
    if not outing.is_begun:
        return
    if words := _not_back(stage, outing, progress, site.look()):
        site.say(f"{stage.host_name} stays in maintenance: {words}. Once it is back: rebalancer return")
        return
    with site.door as live:
        service_of(live, site.pool, site.allowed, site.state_dir).enable(stage.host)
    site.say(f"{stage.host_name} is back in service")
    try:
        PinnedGuests(stage=stage, site=site, progress=progress).start()
    except (InputError, RollingStopped) as stopped:
        site.say(str(stopped))
    outing.end(site.clock.now())


def _not_back(stage: KeptStage, outing: Maintenance, progress: Progress, pool: Pool) -> str:
    """Why the host of *stage* is not taken back, in words; "" where it is."""
    told = progress.going(stage) is not None and not progress.failed(stage)
    if told and not progress.has(Event.BACK, stage):
        return "it was told to go down, and may be about to"
    if stage.host not in pool.hosts or not pool.hosts[stage.host].live:
        return "the pool does not see it live"
    unplugged = outing.unplugged(pool.hosts[stage.host], pool)
    return f"storage that it had is not plugged: {', '.join(unplugged)}" if unplugged else ""


def _home(progress: Progress, site: Site, approve: Approve) -> str:
    """Bring VMs home by a plan that is kept until it is carried out; for what that waits, if it does."""
    folder = progress.kept.folder / HOME
    made_before = folder.exists()
    if not made_before:
        made = PlannedAnew(site=site, progress=progress).homeward()
        for warning in made.warnings if made else ():
            site.say(warning)
        if made is None or not made.steps:
            return ""
        write_plan(made, folder)
    plan = read_plan(folder)
    approve(plan, folder)
    try:
        result = site.carry_out(plan, folder)
    except (StalePlan, IllegalPlan, StoppedHalfWay):
        if is_settled(journal_path(plan.digest, site.state_dir)):
            shutil.rmtree(folder)
        raise
    if not result.complete:
        site.say(str(result))
        if result.ending is not Ending.SET_ASIDE:
            return str(result)
    shutil.rmtree(folder)
    return _home(progress, site, approve) if made_before else ""
