"""Small CP-SAT models with exact answers, for order and schedule."""
