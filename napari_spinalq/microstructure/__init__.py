"""The chains from a diffusion series, a magnetisation transfer pair or any map to values per tract and level."""
