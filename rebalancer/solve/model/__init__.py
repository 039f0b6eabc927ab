"""The CP-SAT model: variables, rows, and one call of the solver."""
