"""Two plans on one page, side by side."""
