"""Scenarios: edits as values, a subject a file, and their form in TOML."""
