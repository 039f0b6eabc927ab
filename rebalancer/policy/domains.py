"""Failure domains: hosts that fail together, by their tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from rebalancer.errors import PolicyError
from rebalancer.inventory import Host, Pool, Uuid


def domains_of(pool: Pool, domain: str, where: str) -> Mapping[str, frozenset[Uuid]]:
    """The hosts of every failure domain, by its name: a host tagged `rack:A` is in `A` where *domain* is `rack`.

    Raises:
        PolicyError: a host has no such tag, or several: where it stands is not to be guessed.
    """
    found: dict[str, set[Uuid]] = defaultdict(set)
    for host in pool.hosts.values():
        found[_domain_of(host, domain, where)].add(host.uuid)
    return {name: frozenset(found[name]) for name in sorted(found)}


def _domain_of(host: Host, domain: str, where: str) -> str:
    prefix = f"{domain}:"
    values = sorted({tag.removeprefix(prefix) for tag in host.tags if tag.startswith(prefix) and tag != prefix})
    if len(values) == 1:
        return values[0]
    has = f"tags for {len(values)} of them: {', '.join(values)}" if values else f"no tag {prefix}NAME"
    remedy = f"Tag it with `xe host-param-add uuid={host.uuid} param-name=tags param-key={prefix}NAME`"
    problem = f"every host is in one {domain}, but host {host.name!r} has {has}"
    raise PolicyError(where, problem, "Remove all tags but one" if values else remedy)
