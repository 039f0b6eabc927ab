"""`rebalancer files`."""

from __future__ import annotations

from rebalancer.cli.options import AsJson, PlanPath


def files(plan: PlanPath, *, json: AsJson = False) -> None:
    """Write what stands beside plan.json anew from it.

    plan.md, plan.html, moves.csv, run.sh and the manifest of them all. plan.json stays as it is. An approval of the
    files that were there before counts for them alone.
    """
    from rebalancer.approval import approved_manifest
    from rebalancer.cli.output import print_json, say, show_lines
    from rebalancer.export import folder_of, read_plan, vouched, write_files_anew

    written = [path.name for path in write_files_anew(plan)]
    made, folder = read_plan(plan), folder_of(plan)
    manifest, approved = vouched(made, folder), approved_manifest(folder)
    if json:
        print_json({"folder": str(folder), "plan": made.digest, "manifest": manifest, "files": written})
    else:
        show_lines(f"{folder}: {', '.join(written[:-1])} and {written[-1]} written")
    if approved not in {None, manifest}:
        say(f"{folder}: the approval there is for other files: approve the plan again")
