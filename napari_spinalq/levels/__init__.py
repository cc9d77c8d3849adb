"""Vertebral levels: discs found, named, and carried onto slices."""
