"""Tracts: atlases of the cord, fitting one to a person's cord, and values per tract."""
