"""What runs by itself, and what sets it up, tells of it and rehearses it."""
