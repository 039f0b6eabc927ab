"""Proof that a plan is legal, without anything that made it."""
