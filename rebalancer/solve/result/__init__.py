"""What the solver answers, and the check of every answer."""
