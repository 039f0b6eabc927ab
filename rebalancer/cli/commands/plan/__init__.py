"""What should move: plans, and what they would have been worth."""
