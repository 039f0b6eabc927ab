"""Metrics of a whole pool as Prometheus exporters collect them: python exporter.py URL USER PASSWORD.

No exporter can be installed from a package index, so this makes the calls that MikeDombo's xen-exporter makes in pool
mode: every host by its management interface, its newest values by basic authentication, names one by one.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import XenAPI

# The stock client answers with whatever the method answers.
Proxy = Any
OF_STORAGE = re.compile(r"(?:iops|io_throughput)_(?:read|write|total)_(\w{8})|(?:read_|write_)latency_(\w{8})")


def main() -> int:
    """Collect once; return 0 where every value has a name."""
    url, user, password = sys.argv[1:]
    session = XenAPI.Session(url, ignore_ssl=True)
    session.xenapi.login_with_password(user, password, "1.0", "exporter")
    try:
        lines = list(collected(session.xenapi, url, user, password))
    finally:
        session.xenapi.session.logout()
    sources = {line.partition("{")[0] for line in lines}
    print(f"exporter: {len(lines)} values of {len(sources)} metrics")  # noqa: T201 - whoever runs it looks there
    wanted = {"xen_host_cpu_avg", "xen_host_pif_aggr_rx", "xen_vm_cpu_usage", "xen_vm_memory", "xen_host_iops_total"}
    return 0 if wanted <= sources else 1


def collected(xapi: Proxy, url: str, user: str, password: str) -> Iterator[str]:
    """The newest value of every data source of every host, as Prometheus reads it."""
    parts = urlsplit(url)
    srs = {uuid[:8]: uuid for uuid in (xapi.SR.get_uuid(ref) for ref in xapi.SR.get_all())}
    for host in xapi.host.get_all():
        address = xapi.PIF.get_record(xapi.host.get_management_interface(host))["IP"]
        at = f"{parts.scheme}://{address}:{parts.port}" if parts.port else f"{parts.scheme}://{address}"
        answer = _fetched(
            f"{at}/rrd_updates?start={int(time.time() - 10)}&json=true&host=true&cf=AVERAGE", user, password
        )
        for entry, value in zip(answer["meta"]["legend"], answer["data"][0]["values"], strict=True):
            _, owner, uuid, source = entry.split(":")
            cls = "host" if owner == "host" else "VM"
            name = getattr(xapi, cls).get_name_label(getattr(xapi, cls).get_by_uuid(uuid))
            match = OF_STORAGE.fullmatch(source)
            short = next(filter(None, match.groups())) if match else ""
            sr = xapi.SR.get_name_label(xapi.SR.get_by_uuid(srs[short])) if short else ""
            yield f'xen_{owner}_{source.removesuffix(f"_{short}")}{{name="{name}", sr="{sr}"}} {value}'


def _fetched(url: str, user: str, password: str) -> dict[str, Any]:
    request = urllib.request.Request(url)  # noqa: S310 - the simulator's
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    context = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323 - as it does
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310 - the simulator's
        found: dict[str, Any] = json.load(answer)
        return found


if __name__ == "__main__":
    sys.exit(main())
