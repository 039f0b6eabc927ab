"""What XAPI takes for an answer: an envelope around a result, or a fault as SOAP 1.2 has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rebalancer.wlb.protocol.elements import Element, text_of

DWM: Final = "http://schemas.citrix.com/DWM"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
NO_REASON: Final = "None"
"""The reason that goes with stars; XAPI refuses any other one, the empty one too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """How well a VM would run on a host: more than 0 up to 5 stars, or 0 and the reason."""

    host: str
    stars: float
    reason: str = NO_REASON


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A VM that should go from one host to another, and why, under a number of its own."""

    number: int
    vm: str
    source: str
    target: str
    reason: str = ""


def answer(method: str, inside: Iterable[Element] = ()) -> bytes:
    """The answer to a *method* that holds *inside*."""
    result = Element(name=f"{method}Result", inside=tuple(inside), attributes={"xmlns:i": INSTANCE})
    return _in_envelope(Element(name=f"{method}Response", inside=(result,), attributes={"xmlns": DWM}))


def fault(words: str) -> bytes:
    """The answer that XAPI passes on as WLB_INTERNAL_ERROR ["Exception:", *words*], if it comes with HTTP 200."""
    text = Element(name="s:Text", text=words)
    return _in_envelope(Element(name="s:Fault", inside=(Element(name="s:Reason", inside=(text,)),)))


def _in_envelope(inside: Element) -> bytes:
    body = Element(name="s:Body", inside=(inside,))
    return text_of(Element(name="s:Envelope", inside=(body,), attributes={"xmlns:s": SOAP})).encode()


def added(number: int) -> bytes:
    """AddXenServer: XAPI wants a number and does not look at it."""
    return answer("AddXenServer", [Element(name="Id", text=str(number))])


def configuration(pairs: Mapping[str, str]) -> bytes:
    """GetXenPoolConfiguration."""
    inside = (
        Element(
            name="a:KeyValueOfstringstring",
            inside=(Element(name="a:Key", text=key), Element(name="a:Value", text=value)),
        )
        for key, value in pairs.items()
    )
    parms = Element(name="OptimizationParms", inside=tuple(inside), attributes={"xmlns:a": ARRAYS})
    return answer("GetXenPoolConfiguration", [parms])


def placements(ratings: Iterable[Rating], number: int) -> bytes:
    """VMGetRecommendations: one for each live host."""
    inside = (
        _texts(
            "PlacementRecommendation",
            HostUuid=each.host,
            RecommendationId=str(number),
            Stars=f"{each.stars:.2f}",
            ZeroScoreReason=each.reason,
        )
        for each in ratings
    )
    return answer("VMGetRecommendations", [Element(name="Recommendations", inside=tuple(inside))])


def optimisation(moves: Iterable[Move], number: int) -> bytes:
    """GetOptimizationRecommendations: moves under the *number* of the plan; an empty result where there are none."""
    inside = tuple(
        _texts(
            "PoolOptimizationRecommendation",
            MoveFromHostUuid=each.source,
            MoveToHostUuid=each.target,
            Reason=each.reason,
            RecommendationId=str(each.number),
            VmToMoveUuid=each.vm,
        )
        for each in moves
    )
    method = "GetOptimizationRecommendations"
    if not inside:
        return answer(method)
    number_of = Element(name="OptimizationId", text=str(number))
    return answer(method, [number_of, Element(name="Recommendations", inside=inside)])


def evacuation(moves: Iterable[Move]) -> bytes:
    """HostGetRecommendations."""
    inside = (
        _texts("HostEvacuationRecommendation", HostUuid=each.target, RecommendationId=str(each.number), VmUuid=each.vm)
        for each in moves
    )
    return answer("HostGetRecommendations", [Element(name="Recommendations", inside=tuple(inside))])


def report(document: str) -> bytes:
    """ExecuteReport: XAPI hands the text of the data set on as it is."""
    return answer("ExecuteReport", [Element(name="XmlDataSet", text=document)])


def diagnostics(words: str) -> bytes:
    """GetDiagnostics: the same."""
    return answer("GetDiagnostics", [Element(name="DiagnosticData", text=words)])


def _texts(element: str, **texts: str) -> Element:
    return Element(name=element, inside=tuple(Element(name=name, text=text) for name, text in texts.items()))
