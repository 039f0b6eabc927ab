"""The command line: parse, call the library, print."""

from rebalancer.cli.main import main

__all__ = ["main"]
