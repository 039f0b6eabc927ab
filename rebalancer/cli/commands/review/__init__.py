"""What is in a plan, whether it is legal, and who says yes to it."""
