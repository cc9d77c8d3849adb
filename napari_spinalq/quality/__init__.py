"""How far results can be trusted: automatic flags, the worklist of results to be rated, and the ratings."""
