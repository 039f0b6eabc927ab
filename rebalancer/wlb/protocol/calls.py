"""What XAPI asks (workload_balancing.ml): the method, and what stands in its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rebalancer.wlb.protocol.elements import Element, MalformedCall, element_in

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "AddXenServer": ("Password", "PoolUuid", "UserName", "XenServerUrl"),
    "RemoveXenServer": ("PoolUuid",),
    "GetXenPoolConfiguration": ("PoolUuid",),
    "SetXenPoolConfiguration": ("PoolUuid",),
    "VMGetRecommendations": ("PoolUuid", "VmUuid"),
    "GetOptimizationRecommendations": ("PoolUuid",),
    "HostGetRecommendations": ("HostUuid", "PoolUuid"),
    "ExecuteReport": ("ReportName",),
    "GetDiagnostics": (),
}
"""The texts that each method needs."""
PAIRS: Final[Mapping[str, tuple[str, str, str]]] = {
    "SetXenPoolConfiguration": ("OptimizationParms", "Key", "Value"),
    "ExecuteReport": ("ReportParms", "ParameterName", "ParameterValue"),
}
"""Where a method has pairs of texts: in which element, and what names and values are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call: its `method`, its `texts` by name, and its `pairs`; of a name that comes twice the last counts.

    Texts hold passwords: they do not show in a `repr`.
    """

    method: str
    texts: Mapping[str, str] = field(repr=False)
    pairs: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def pool(self) -> str:
        """The uuid of the pool that asks; empty where the call names none."""
        return self.texts.get("PoolUuid", "")


def call_in(content: bytes) -> Call:
    """The call in the body of a request.

    Raises:
        MalformedCall: there is none.
    """
    envelope = element_in(content)
    if envelope.name != "Envelope":
        raise MalformedCall("the call is no SOAP envelope")
    body = envelope.one("Body")
    if len(body.inside) != 1 or body.inside[0].name not in FIELDS:
        raise MalformedCall("the body holds none of the nine calls of XAPI")
    method = body.inside[0].name
    request = body.inside[0].one("request") if body.inside[0].inside or FIELDS[method] else Element(name="request")
    return Call(
        method=method,
        texts={name: request.one(name).text for name in FIELDS[method]},
        pairs=_pairs(request, *PAIRS[method]) if method in PAIRS else {},
    )


def _pairs(request: Element, room: str, name: str, value: str) -> dict[str, str]:
    if not any(each.name == room for each in request.inside):
        return {}
    return {each.one(name).text: each.one(value).text for each in request.one(room).inside}
