"""Groups of commands: their help by what they are for, and which one is meant where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

from rebalancer.cli.commands import SHELVES

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

EXAMPLES = """\b
Examples:
  rebalancer demo
  rebalancer check https://pool.example.com --credentials FILE
  rebalancer plan https://pool.example.com --credentials FILE --output plan
  rebalancer COMMAND --help

Every command and option: docs/cli.md, or `man rebalancer`.
"""


class Shelved(TyperGroup):
    """Commands in the order of their shelves, each shelf under its name."""

    def list_commands(self, ctx: Context) -> list[str]:
        """The names of all commands."""
        return [name for shelf in SHELVES.values() for name in shelf if self.get_command(ctx, name)]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - typer's own signature
        """Write a list of commands for each shelf, all in the same columns."""
        width = max(map(len, self.commands))
        for title, shelf in SHELVES.items():
            rows = [(name.ljust(width), self.commands[name].get_short_help_str(formatter.width)) for name in shelf]
            with formatter.section(title.capitalize()):
                formatter.write_dl(rows)


class NightsFirst(TyperGroup):
    """Commands of which `nights` is the one that is meant where none is named."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read what was typed; while a shell completes it, nothing is added."""
        named = args and (not args[0].startswith("-") or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if named or ctx.resilient_parsing else ["nights", *args])
