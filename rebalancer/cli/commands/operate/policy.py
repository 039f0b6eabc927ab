"""`rebalancer policy check` and `rebalancer policy init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson

app = typer.Typer(help="Check policy files, and begin one.", no_args_is_help=True)


@app.command()
@reaches_pools
def check(
    file: Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file (TOML), or a fleet of them.")],
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="A pool to resolve its names in: URL, snapshot or dump.")
    ] = None,
    *,
    connection: rb.Connection,
    json: AsJson = False,
) -> int:
    """Read a policy file and say what is wrong with it.

    With SOURCE also find every VM and host that it names, and say what cannot be kept in that pool.
    Of a fleet, every policy that it names is read.
    """
    from rebalancer.cli.exits import Exit
    from rebalancer.cli.nights.fleet_check import check_fleet
    from rebalancer.cli.opening import naming
    from rebalancer.cli.output import print_json, show_lines
    from rebalancer.policy.lint import absent_files

    if rb.policy.is_fleet(file):
        if source:
            raise typer.BadParameter("a fleet has several pools; check one policy with its pool", param_hint="SOURCE")
        return check_fleet(file, json=json)
    wanted = rb.Policy.load(file)
    with naming(file, wanted):
        findings = rb.lint(wanted)
        if source:
            findings = rb.lint(wanted, rb.read(source, connection, demand=wanted.demand, metrics=False))
    findings += absent_files(wanted, file.parent)
    if json:
        document = {"policy": wanted.model_dump(mode="json"), "findings": [str(each) for each in findings]}
        print_json(document | {"preset": _preset_document(wanted)})
        return Exit.DONE
    lines = [f"{file}: policy '{wanted.name}', mode {wanted.mode}, is well-formed.", *_preset_lines(wanted)]
    lines += [f"- {finding}" for finding in findings]
    if source and not findings:
        lines.append("Every name is known, and nothing contradicts.")
    show_lines(*lines)
    return Exit.DONE


def _preset_lines(wanted: rb.Policy) -> list[str]:
    """What the preset of a policy resolves to, key by key; nothing where it names none."""
    if wanted.preset is None:
        return []
    preset = rb.policy.PRESETS[wanted.preset]
    keys = [f"  {each}" for each in rb.policy.keys_of(preset, wanted)]
    return [f"Preset '{wanted.preset}': {preset.sentence}", *keys]


def _preset_document(wanted: rb.Policy) -> dict[str, object] | None:
    if wanted.preset is None:
        return None
    preset = rb.policy.PRESETS[wanted.preset]
    values = {each.key: each.value for each in rb.policy.keys_of(preset, wanted)}
    return {"name": wanted.preset, "sentence": preset.sentence, "values": values}


@app.command()
def presets(*, json: AsJson = False) -> None:
    """Show what each preset means, and the keys that it gives."""
    from rebalancer.cli.output import print_json, show_lines

    found = [rb.Policy.model_validate({"preset": name}) for name in rb.policy.PRESETS]
    if json:
        print_json({"presets": list(map(_preset_document, found))})
        return
    show_lines(*(line for each in found for line in _preset_lines(each)))


@app.command()
def init(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write it (default: standard output).")
    ] = None,
) -> None:
    """Write a policy file that shows every key, with comments.

    It holds the defaults, and examples that are commented out. A file that exists is left as it is.
    """
    from importlib.resources import files

    from rebalancer.cli.output import show_lines
    from rebalancer.errors import InputError
    from rebalancer.files.writing import PUBLIC, write_new

    text = files("rebalancer").joinpath("policy", "policy.toml").read_text(encoding="utf-8")
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        write_new(file, text.encode(), mode=PUBLIC)
    except FileExistsError as error:
        raise InputError(str(file), "it exists, and is left as it is", "Name another file") from error
    except OSError as error:
        raise InputError(str(file), f"it cannot be written: {error.strerror}", "Name another file") from error
    show_lines(f"{file}: written. After your changes: rebalancer policy check {file} SOURCE")
