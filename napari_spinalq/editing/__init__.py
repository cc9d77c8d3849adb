"""Tools that correct a mask by hand: each takes arrays and returns the new planes of the slices that change."""
