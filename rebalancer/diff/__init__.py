"""Differences between two plans, and between a plan and a pool."""
