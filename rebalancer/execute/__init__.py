"""Carrying out a plan: journal, lock, preflight, and the run itself."""
