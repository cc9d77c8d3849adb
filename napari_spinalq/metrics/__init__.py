"""Numbers from masks: shape per slice, tables per level, and the live form of the same."""
