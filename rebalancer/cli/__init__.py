"""The command line: parse, call the library, print.

From the bottom up, each folder importing only those above it in this list:

- watching: what people see while the library works;
- installing: from an installed package to the first night;
- views: values of the library as tables and documents;
- nights: a night of one pool, of a fleet, and what is recalled of earlier ones;
- rolling: all hosts worked on, one after another;
- commands: one file a command.

The modules beside them are what commands share.
"""

from rebalancer.cli.main import main

__all__ = ["main"]
