"""The search: tiers, neighbourhoods, local search and bounds."""
