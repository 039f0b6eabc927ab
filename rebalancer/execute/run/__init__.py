"""Carrying the steps of a plan out: launch, watch, look, and stop."""
