"""Nights on the command line: of one pool, of a fleet, and what is recalled of earlier ones."""
