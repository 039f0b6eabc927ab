"""plan.html: the plan as one page for people, from plan.json alone."""
