"""All hosts worked on, one after another: carried out, agreed to, and its stages shown, approved and proven."""
