"""Rules with one thing wrong, and the tests that notice: `python -m tests.mutants --help`."""
