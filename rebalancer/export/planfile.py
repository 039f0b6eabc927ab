"""plan.json: written whole or not at all, read back only unedited. The one file of a plan that is read."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from rebalancer.errors import EditedPlan, PlanFileError
from rebalancer.files.decoding import in_utf8
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import PLAN
from rebalancer.files.reading import bytes_of, opened
from rebalancer.files.shapes import DocumentShape, first_mistake
from rebalancer.files.unpacking import GZIP
from rebalancer.plan import FORMAT, Plan, plan_document
from rebalancer.plan.document import digest_of_document
from rebalancer.policy import ObjectivePolicy, Priority
from rebalancer.sanitise import harmless_json
from rebalancer.units import HOURS_A_DAY, SECONDS_PER_HOUR
from rebalancer.version import __version__

PLAN_JSON = "plan.json"
ROLLING_JSON: Final = "rolling.json"
"""Stands in a folder with the plans of all stages, and says which they are."""
SCHEMA = "https://json-schema.org/draft/2020-12/schema"
HEAD_BYTES = 200
"""Within these a plan names its format."""
BEFORE_THEY_WERE: dict[str, Any] = {"levels": (), "pcpu_hours_per_move": 0.0, "priority": Priority.MODE, "level": 0.0}
"""What keys of `objective` mean in plans of versions that did not know them, whatever their defaults are by now."""
MOST_SECONDS: Final = 10 * 366 * HOURS_A_DAY * SECONDS_PER_HOUR
"""Ten years: thousands of migrations one after another take a fraction of that."""
NAMED = "Name a plan folder, or its plan.json"
NEW_PLAN = "Make a new plan with `rebalancer plan`"


def plan_json(plan: Plan) -> str:
    """*plan* as the text of plan.json: indented, keys in the order of the schema, ending in a newline.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.export.plan_json(plan) == Path("tonight/plan.json").read_text()
        True
    """
    return harmless_json(json.dumps(plan_document(plan), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def read_plan(path: Path | str) -> Plan:
    """The plan in *path*: a plan folder, or its plan.json.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> len(plan.steps), plan.outcome
        (5, 'improved')

    Raises:
        PlanFileError: there is none; it is truncated, something else, of a newer format, or was edited.
    """
    file = Path(path) / PLAN_JSON if Path(path).is_dir() else Path(path)
    return plan_from_json(in_utf8(bytes_of(file, PLAN)), str(file))


def folder_of(path: Path) -> Path:
    """The folder of the plan in *path*: what belongs to a plan stands beside its plan.json.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.export.folder_of(Path("tonight/plan.json")).name, rb.export.folder_of(Path("tonight")).name
        ('tonight', 'tonight')
    """
    return path if path.is_dir() else path.parent


def is_plan(path: Path) -> bool:
    """Whether *path* is to be read as a plan: a folder, a plan.json, or a file that calls itself one.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.export.is_plan(Path("tonight")), rb.export.is_plan(Path("pool.json.gz"))
        (True, False)
    """
    if path.is_dir() or path.name == PLAN_JSON:
        return True
    if not path.is_file():
        return False
    with opened(path, PLAN) as descriptor:
        start = os.read(descriptor, HEAD_BYTES)
    return FORMAT.partition("/")[0].encode() + b"/" in start


def plan_from_json(text: bytes | str, where: str) -> Plan:
    """The plan that *text* holds; *where* names it in errors.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> text = Path("tonight/plan.json").read_bytes()
        >>> rb.export.plan_from_json(text, "plan.json") == rb.export.read_plan("tonight")
        True

    Raises:
        PlanFileError: as `read_plan`.
    """
    document = _parsed(text, where)
    _check_format(document, where)
    try:
        plan = _shape().read(document)
    except ValidationError as error:
        writer = _by_another_version(document)
        problem = f"{first_mistake(error)}{writer}"
        remedy = f"Read it with the version that wrote it. {NEW_PLAN} otherwise" if writer else NEW_PLAN
        raise PlanFileError(where, problem, remedy) from None
    _check_zones(plan, where)
    _check_lengths(plan, where)
    plan = _as_meant(plan)
    told = plan_document(plan)
    if digest_of_document(told) != plan.digest or told != document:
        problem = "it was edited: the digest in it is not that of its content"
        raise EditedPlan(where, problem, f"Take the plan as it was written. {NEW_PLAN} to change what it does")
    return plan


def _as_meant(plan: Plan) -> Plan:
    """*plan*; of what its version did not know yet it was made without, and its policy does not name it."""
    policy = plan.policy
    named = policy.objective.model_fields_set
    unknown = {key: meant for key, meant in BEFORE_THEY_WERE.items() if key not in named}
    if not unknown or not named:
        return plan
    without = ObjectivePolicy.model_construct(named, **{**dict(policy.objective), **unknown})
    policy = policy.model_copy(update={"objective": without})
    return replace(plan, made_from=replace(plan.made_from, policy=policy))


def _by_another_version(document: object) -> str:
    try:
        writer = document["made_from"]["versions"]["rebalancer"]  # type: ignore[index]  # whatever JSON holds
    except (TypeError, KeyError):
        return ""
    return f" (rebalancer {writer} wrote it, this is {__version__})" if writer != __version__ else ""


def _check_zones(plan: Plan, where: str) -> None:
    metrics = plan.made_from.metrics
    times = {"made_at": plan.made_at, "expires_at": plan.expires_at}
    if metrics:
        times |= {"window_start": metrics.window_start, "window_end": metrics.window_end}
        times |= {f"recorded day {number}": day.start for number, day in enumerate(metrics.days, start=1)}
    for name, time in times.items():
        if time.tzinfo is None:
            raise PlanFileError(where, f"{name} has no time zone", NEW_PLAN)


def _check_lengths(plan: Plan, where: str) -> None:
    """Refuse what is longer than any plan, and would end beyond the calendar."""
    whole = plan.schedule
    lengths = {"the schedule": (whole.seconds, whole.seconds_low, whole.seconds_high, whole.bound_seconds)}
    lengths |= {
        f"step {step.id}": (step.start_seconds, step.seconds, step.seconds_low, step.seconds_high)
        for step in plan.steps
    }
    for name, seconds in lengths.items():
        if max(map(abs, seconds)) > MOST_SECONDS:
            raise PlanFileError(where, f"{name} takes or begins after more than ten years", NEW_PLAN)


@cache
def plan_schema() -> dict[str, Any]:
    """The JSON schema of plan.json, published as plan.schema.json beside this; what has a default may be missing."""
    schema = TypeAdapter(Plan).json_schema(mode="serialization")
    for definition in (schema, *schema["$defs"].values()):
        if definition.get("type") == "object" and "properties" in definition:
            definition["additionalProperties"] = False
            definition["required"] = [name for name, of in definition["properties"].items() if "default" not in of]
    schema["properties"]["format"] = {"const": FORMAT}
    return {"$schema": SCHEMA, "$id": f"{FORMAT}.schema.json", **schema}


@cache
def _shape() -> DocumentShape[Plan]:
    return DocumentShape(Plan)


def _parsed(text: bytes | str, where: str) -> object:
    """*text* as JSON; what stands twice in it could show people another plan than the one that is read."""
    if _is_packed(text):
        raise PlanFileError(where, "it is no plan", NAMED)
    try:
        return json_in(text, PLAN)
    except Unfit as error:
        remedy = f"Copy it again from where it was written. {NEW_PLAN} otherwise"
        raise PlanFileError(where, str(error), remedy) from None


def _is_packed(text: bytes | str) -> bool:
    """Whether it is a snapshot, as they are written; no plan is."""
    return isinstance(text, bytes) and text.startswith(GZIP)


def _check_format(document: object, where: str) -> None:
    found = document.get("format") if isinstance(document, dict) else None
    if found == FORMAT:
        return
    name, _, number = FORMAT.partition("/")
    if not isinstance(found, str):
        raise PlanFileError(where, "it is no plan", NAMED)
    newer = re.fullmatch(rf"{name}/(\d+)", found)
    if newer and int(newer[1]) > int(number):
        raise PlanFileError(where, f"its format is {found}, newer than {FORMAT}", "Update rebalancer to read it")
    raise PlanFileError(where, f"its format is {found[:40]!r}, not {FORMAT}", NAMED)
