"""What a run concludes: whether a plan may still be carried out, what became of a step, and what to tell people."""
