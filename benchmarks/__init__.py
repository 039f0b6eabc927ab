"""Measurements of speed and of how good plans are, against known figures."""
