"""From a problem to a plan: placement, order, schedule, the way back, and the proof."""
