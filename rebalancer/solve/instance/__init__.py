"""The problem in whole numbers: units, targets, limits and loads."""
