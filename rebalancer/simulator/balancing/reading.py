"""What XAPI takes for an answer of a Workload Balancing server, and what it says of anything else.

Written from recorded answers of workload_balancing.ml, and of nothing that makes answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from rebalancer.simulator.state.failure import ApiFailure

UNKNOWN = "unknown"
NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9_]+)?|nan|inf|infinity)")
"""What OCaml's float_of_string reads."""
MISSING = (
    "After failing to retrieve valid response, an error code"
    "could not be found. Some data is missing or corrupt.\nAttempt retrieve valid response: ({})"
    "\nAttempt to retrieve error code: (Descend_and_match failed. Node ResultCode not found.)"
)


@dataclass(slots=True, kw_only=True)
class Node:
    """An element: its local name, the text in it, and the elements in it."""

    name: str
    text: str = ""
    inside: list[Node] = field(default_factory=list)

    def find(self, name: str) -> Node | None:
        """The first element of a name."""
        return next((each for each in self.inside if each.name == name), None)


class MissingElement(Exception):
    """There is no such element."""


def malformed(method: str, words: str, found: str = UNKNOWN) -> ApiFailure:
    """XAPI's word for an answer that it does not take."""
    return ApiFailure("WLB_MALFORMED_RESPONSE", method, words, found)


def result_in(method: str, body: bytes) -> Node:
    """The result in an answer to a method.

    Raises:
        ApiFailure: the answer is no answer, or says that something went wrong.
    """
    envelope = _parsed(method, body)
    try:
        result = descend(envelope, "Body", f"{method}Response", f"{method}Result")
    except MissingElement:
        raise _exception(method, envelope) from None
    if (code := result.find("ResultCode")) is not None and code.text != "0":
        message = result.find("ErrorMessage")
        raise ApiFailure("WLB_INTERNAL_ERROR", code.text, message.text if message else "")
    return result


def _exception(method: str, envelope: Node) -> ApiFailure:
    try:
        return ApiFailure("WLB_INTERNAL_ERROR", "Exception:", descend(envelope, "Body", "Fault", "Reason", "Text").text)
    except MissingElement:
        return malformed(method, "Expected data is missing or corrupt. No exception found.")


def descend(node: Node, *path: str) -> Node:
    """The element at the end of a path.

    Raises:
        MissingElement: it ends before.
    """
    for name in path:
        found = node.find(name)
        if found is None:
            raise MissingElement(f"Descend_and_match failed. Node {name} not found.")
        node = found
    return node


def blank(method: str, result: Node) -> None:
    """Take a result that is to be empty."""
    if result.inside:
        raise malformed(method, MISSING.format("Expected blank result from a send_wlb_config"))
    if result.text.strip():
        words = "Method descend_and_match failed. Found leaf node with tag"
        raise malformed(UNKNOWN, f"{words}ResultCode, but expected path to continue with: ResultCode->ResultCode")


def identity(method: str, result: Node) -> None:
    """Take a result that has an Id, whatever it is."""
    _one(method, result, "Id")


def pairs(method: str, result: Node) -> dict[str, str]:
    """The keys and values of a configuration; of a key that comes twice the last counts."""
    rows = _one(method, result, "OptimizationParms").inside
    return {_one(method, row, "Key").text: _one(method, row, "Value").text for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAdvice:
    """What is said of a VM on a host, by its uuid."""

    host: str
    stars: float
    number: str
    reason: str


def placements(method: str, result: Node, hosts: int) -> list[HostAdvice]:
    """What is said of each of so many live hosts."""
    room = _one(method, result, "Recommendations")
    if (room.inside or room.text.strip()) and len(room.inside) != hosts:
        raise malformed(method, "List of returned reccomendations is not equal to the number of hosts in pool")
    return [_placement(method, row) for row in room.inside]


def _placement(method: str, row: Node) -> HostAdvice:
    names = ("HostUuid", "RecommendationId", "Stars", "ZeroScoreReason")
    host, number, stars, reason = (_one(method, row, name).text for name in names)
    found = HostAdvice(host=host, stars=number_in(stars), number=number_text(number_in(number)), reason=reason)
    if found.stars != 0.0 and reason != "None":
        words = f"Recommendation has both a non-zero score ({found.stars:f}) and a reason for zero ({reason})"
        raise malformed(method, words)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A move that is recommended, in uuids; of the host itself where `vm` is empty."""

    vm: str
    source: str
    target: str
    number: str
    reason: str


def optimisation(method: str, result: Node) -> tuple[str, list[Advice]]:
    """The number of an optimisation and its moves; no number and no moves in an empty result."""
    if not result.inside:
        return "", []
    number = number_text(number_in(_one(method, result, "OptimizationId").text))
    room = _one(method, result, "Recommendations")
    if room.text.strip():
        raise malformed(method, "Found data in Recommendations node node, expected only parent nodes")
    return number, [_advice(method, row) for row in room.inside]


def _advice(method: str, row: Node) -> Advice:
    names = ("VmToMoveUuid", "MoveToHostUuid", "RecommendationId", "Reason")
    found = [row.find(name) for name in names]
    if None in found:
        raise malformed(method, "Missing VmToMoveUuid, RecID, MoveToHostUuid, or Reason")
    vm, target, number, reason = (each.text for each in found if each is not None)
    source = row.find("MoveFromHostUuid")
    return Advice(
        vm=vm,
        source=source.text if source else "",
        target=target,
        number=number_text(number_in(number)),
        reason=reason,
    )


def evacuation(method: str, result: Node) -> Iterator[tuple[str, str]]:
    """(uuid of a VM, uuid of the host where it should go)."""
    room = result.find("Recommendations")
    for row in room.inside if room else ():
        number_in(_one(method, row, "RecommendationId").text)
        yield _one(method, row, "VmUuid").text, _one(method, row, "HostUuid").text


def number_in(text: str) -> float:
    """A number as OCaml reads it."""
    if not NUMBER.fullmatch(text):
        raise malformed(UNKNOWN, "Could not parse star rating/recID/optID")
    plain = text.replace("_", "")
    return float(int(plain, 16)) if plain.lstrip("+-").lower().startswith("0x") else float(plain)


def number_text(value: float) -> str:
    """A number as XAPI shows it, without a fraction where it has none."""
    return str(int(value)) if value.is_integer() else repr(value)


def _one(method: str, node: Node, name: str) -> Node:
    found = node.find(name)
    if found is None:
        raise malformed(method, MISSING.format(f"Descend_and_match failed. Node {name} not found."))
    return found


def _parsed(method: str, body: bytes) -> Node:
    root = Node(name="")
    place = [root]
    parser = ParserCreate()

    def start(name: str, _attributes: dict[str, str]) -> None:
        node = Node(name=name.rpartition(":")[2])
        place[-1].inside.append(node)
        place.append(node)

    def text(words: str) -> None:
        place[-1].text += words

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _name: _close(place.pop())
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat's own signature
    except ExpatError:
        words = "unexpected end of input" if root.inside or not body else "expected root element"
        raise malformed(method, f"{words} line 1", "") from None
    return root.inside[0]


def _close(node: Node) -> None:
    """Blanks alone are no text."""
    node.text = node.text if node.text.strip() else ""
