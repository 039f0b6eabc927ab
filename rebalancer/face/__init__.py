"""The front door: what `import rebalancer as rb` offers, a subject a file."""
