"""Why no placement satisfies the rules, and the cheapest relaxation."""
