"""Second reads, their comparison and consensus, and what edits changed."""
