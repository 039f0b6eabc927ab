"""manifest.json: the digests of the files of a plan, so that what people read is what they sign.

Outcome, approval and logs may stand in the same folder; they come later and are not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from rebalancer.errors import EditedPlan, PlanFileError
from rebalancer.export.markdown import plan_markdown
from rebalancer.export.moves_csv import moves_csv
from rebalancer.export.planfile import PLAN_JSON, plan_json
from rebalancer.export.xe_script import xe_script
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import MANIFEST, PLAN
from rebalancer.files.reading import bytes_of
from rebalancer.files.shapes import DocumentShape, first_mistake
from rebalancer.plan import Plan
from rebalancer.sanitise import one_line
from rebalancer.version import __version__


def plan_page(plan: Plan) -> str:
    """plan.html; what draws it is loaded when it is asked for."""
    from rebalancer.export.page.page import plan_page as drawn  # noqa: PLC0415 - numpy, jinja2 and rules, only where it is written

    return drawn(plan)


WRITERS: Final[dict[str, Callable[[Plan], str]]] = {
    PLAN_JSON: plan_json,
    "plan.md": plan_markdown,
    "plan.html": plan_page,
    "moves.csv": moves_csv,
    "run.sh": xe_script,
}
"""What each file of a plan holds."""
RENDERED: Final = tuple(name for name in WRITERS if name != PLAN_JSON)
MANIFEST_JSON: Final = "manifest.json"
FORMAT: Final = "rebalancer-manifest/1"
SHOWN: Final = 80
"""How many characters of a line an error quotes."""
REMEDY: Final = (
    "Do not trust it: `rebalancer files` writes plan.md, plan.html, moves.csv and run.sh anew from plan.json"
)

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9]+)+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Which files were written for the plan with the digest *plan*, by which version, and the SHA-256 of each."""

    format: Literal["rebalancer-manifest/1"]
    plan: Digest
    version: str
    files: Mapping[Name, Digest]


_SHAPE = DocumentShape(Manifest)


def manifest_json(plan: Plan, contents: Mapping[str, bytes]) -> str:
    """The text of manifest.json for the files of *plan* with these *contents*, by name."""
    files = {name: digest_of_bytes(content) for name, content in contents.items()}
    return _text(Manifest(format=FORMAT, plan=plan.digest, version=__version__, files=files))


def _text(manifest: Manifest) -> str:
    return json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"


def digest_of_bytes(content: bytes) -> str:
    """`sha256:` and the digest in hex, as `sha256sum` tells it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def vouched(plan: Plan, path: Path) -> str | None:
    """The digest of the manifest that vouches for the files beside *plan*, read from *path*; None where there is none.

    Plans of earlier versions have no manifest: for them nothing but plan.json itself is known to be as it was written.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.export.vouched(plan, Path("tonight"))[:7]
        'sha256:'

    Raises:
        EditedPlan: a file is not as the manifest has it, or not as this version writes it where this version wrote
            it; or the manifest is for another plan.
        PlanFileError: the manifest is none.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / MANIFEST_JSON
    if not (path.is_dir() or path.name == PLAN_JSON) or not file.exists():
        return None
    text = bytes_of(file, MANIFEST)
    manifest = _parsed(text, file)
    if manifest.plan != plan.digest:
        raise EditedPlan(str(file), "it is for another plan than the plan.json beside it", REMEDY)
    for name in sorted({*WRITERS, *manifest.files}, key=_order):
        _assert_same(plan, folder / name, manifest)
    return digest_of_bytes(text)


def has_unvouched(path: Path) -> bool:
    """Whether files stand beside the plan in *path* that people may read, and no manifest.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> Path("tonight/manifest.json").unlink()
        >>> rb.export.has_unvouched(Path("tonight"))
        True
    """
    folder = path if path.is_dir() else path.parent
    return not (folder / MANIFEST_JSON).exists() and any((folder / name).exists() for name in RENDERED)


def _order(name: str) -> tuple[int, str]:
    """plan.json first, for it decides; then as they are written."""
    return (list(WRITERS).index(name) if name in WRITERS else len(WRITERS), name)


def _parsed(text: bytes, file: Path) -> Manifest:
    try:
        found = _SHAPE.read(json_in(text, MANIFEST))
    except Unfit as error:
        raise PlanFileError(str(file), str(error), REMEDY) from None
    except ValidationError as error:
        raise PlanFileError(str(file), first_mistake(error), REMEDY) from None
    if _text(found).encode() != text:
        raise EditedPlan(str(file), "it is not as it was written", REMEDY)
    return found


def _assert_same(plan: Plan, file: Path, manifest: Manifest) -> None:
    """Pass if *file* is as *manifest* has it; where this version wrote it, also as it writes it now."""
    if file.name not in manifest.files:
        if file.exists() or manifest.version == __version__:
            raise EditedPlan(str(file), "the manifest does not name it", REMEDY)
        return
    if not file.exists():
        raise EditedPlan(str(file), "the manifest names it, and it is not there", REMEDY)
    content = bytes_of(file, PLAN)
    same = digest_of_bytes(content) == manifest.files[file.name]
    fresh = _fresh(plan, file.name, manifest)
    if same and (fresh is None or file.name == PLAN_JSON or fresh == content):
        return
    problem = "it was changed after it was written"
    if fresh is not None and (place := first_difference(content, fresh)):
        problem = f"{problem}, or its manifest was: {place}"
    raise EditedPlan(str(file), problem, REMEDY)


def _fresh(plan: Plan, name: str, manifest: Manifest) -> bytes | None:
    """What this version writes as *name*, where it is the one that wrote it."""
    return WRITERS[name](plan).encode() if name in WRITERS and manifest.version == __version__ else None


def first_difference(found: bytes, fresh: bytes) -> str:
    """Where *found* leaves *fresh*: the number of the line, and what it holds and should hold; "" where it does not."""
    lines, wanted = (content.decode("utf-8", "replace").split("\n") for content in (found, fresh))
    for number, (line, should) in enumerate(zip(lines, wanted, strict=False), start=1):
        if line != should:
            same = _alike(line, should)
            return f"line {number} is {_quoted(line, same)} and should be {_quoted(should, same)}"
    if len(lines) == len(wanted):
        return ""
    number = min(len(lines), len(wanted)) + 1
    if len(lines) > len(wanted):
        return f"line {number} is {_quoted(lines[number - 1])} and should not be there"
    return f"line {number} is missing, which should be {_quoted(wanted[number - 1])}"


def _alike(line: str, other: str) -> int:
    """How many characters two lines begin with alike."""
    pairs = enumerate(zip(line, other, strict=False))
    return next((at for at, (one, two) in pairs if one != two), min(len(line), len(other)))


def _quoted(line: str, at: int = 0) -> str:
    """*line*, or where it is long what stands around the character *at*."""
    begin = max(0, at - SHOWN // 2)
    words = one_line(line[begin : begin + SHOWN])
    return f"'{'…' if begin else ''}{words}{'…' if len(line) > begin + SHOWN else ''}'"
