"""The way to another pool: where networks and SRs lead, and what speaks against going there."""
