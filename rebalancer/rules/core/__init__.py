"""What a rule is, and the ledger that checks limits."""
