"""When each step starts, and how long the plan takes."""
