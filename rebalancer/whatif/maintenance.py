"""A pool while its hosts are worked on one after another: what is closed, what is newer already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rebalancer.errors import InputError
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.problem import Problem, make_problem
from rebalancer.rules.core.versions import numbers

UPGRADING = "rolling_upgrade_in_progress"
"""The key of `pool.other_config` with which xapi marks a pool (`db_gc.ml`, `detect_rolling_upgrade`)."""
PLATFORM = "platform_version"


def maintained(problem: Problem) -> Problem:
    """*problem* in which VMs may move that are left alone but for maintenance."""
    if problem.policy.plan.maintenance:
        return problem
    plan = problem.policy.plan.model_copy(update={"maintenance": True})
    policy = problem.policy.model_copy(update={"plan": plan})
    found = make_problem(problem.pool, problem.demand, policy, on_hold=problem.on_hold)
    return replace(found, before=problem.before, initial=problem.initial)


def closed(problem: Problem, host: Uuid) -> Problem:
    """*problem* with *host* disabled, as people leave it before they work on it."""
    return _with_host(problem, replace(problem.pool.hosts[host], enabled=False))


def back(problem: Problem, host: Uuid, version: str | None) -> Problem:
    """*problem* with *host* enabled again, running *version* where it was updated."""
    found = problem.pool.hosts[host]
    software = {**found.software_version, PLATFORM: version} if version else found.software_version
    changed = _with_host(problem, replace(found, enabled=True, software_version=software))
    return replace(changed, pool=marked(changed.pool)) if version else changed


def older_than(version: str, hosts: Collection[Host]) -> tuple[Host, ...]:
    """Those of *hosts* that are still to be updated to *version*.

    Raises:
        InputError: it is no version, or a host is newer than that already.
    """
    wanted = numbers(version)
    if not wanted:
        raise InputError("--update", f"{version!r} is no platform version", "Write what updated hosts report, as 3.4.0")
    for host in hosts:
        if numbers(host.software_version.get(PLATFORM, "")) > wanted:
            problem = f"host {host.name!r} runs platform version {host.software_version[PLATFORM]} already"
            raise InputError("--update", problem, "Write the platform version that hosts report after the update")
    return tuple(host for host in hosts if numbers(host.software_version.get(PLATFORM, "")) < wanted)


def _with_host(problem: Problem, host: Host) -> Problem:
    return replace(problem, pool=replace(problem.pool, hosts={**problem.pool.hosts, host.uuid: host}))


def marked(pool: Pool) -> Pool:
    """*pool* with xapi's mark while its hosts differ, and without it once they do not."""
    versions = {tuple(host.software_version.get(key, "") for key in (PLATFORM, "xapi")) for host in pool.hosts.values()}
    plain = {key: value for key, value in pool.other_config.items() if key != UPGRADING}
    return replace(pool, other_config={**plain, UPGRADING: "true"} if len(versions) > 1 else plain)
