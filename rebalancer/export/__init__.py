"""Plans as files: plan.json for programs, plan.md and plan.html for people, moves.csv and run.sh for other tools.

manifest.json beside them says what each of them held when it was written.
"""

from rebalancer.export.folder import FILES, assert_free, write_files_anew, write_plan
from rebalancer.export.manifest import MANIFEST_JSON, has_unvouched, vouched
from rebalancer.export.markdown import plan_markdown
from rebalancer.export.moves_csv import moves_csv
from rebalancer.export.planfile import (
    ROLLING_JSON,
    folder_of,
    is_plan,
    plan_from_json,
    plan_json,
    plan_schema,
    read_plan,
)
from rebalancer.export.xe_script import xe_script
from rebalancer.plan import plan_document

__all__ = [
    "FILES",
    "MANIFEST_JSON",
    "ROLLING_JSON",
    "assert_free",
    "folder_of",
    "has_unvouched",
    "is_plan",
    "moves_csv",
    "plan_document",
    "plan_from_json",
    "plan_json",
    "plan_markdown",
    "plan_schema",
    "read_plan",
    "vouched",
    "write_files_anew",
    "write_plan",
    "xe_script",
]
