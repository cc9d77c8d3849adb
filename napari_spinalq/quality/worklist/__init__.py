"""Results in folders: which there are, reading, measuring and rating them."""
