"""What all HTML pages share: one frame, one style, and a policy that lets nothing in from elsewhere."""
