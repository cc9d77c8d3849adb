"""Bringing one scan onto another around the cord, slice by slice."""
