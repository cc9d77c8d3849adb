"""The page QC: a round through a folder of results."""
