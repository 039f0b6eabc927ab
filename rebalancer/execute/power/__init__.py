"""Hosts that are switched off and on: what is written down of them, and how it is done."""
