"""What runs leave on disk: journals, locks, and what later runs learn from them."""
