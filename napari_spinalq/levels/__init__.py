"""Vertebral levels: discs found and named, and the level of every slice and voxel of the cord."""
