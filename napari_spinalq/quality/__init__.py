"""How far results can be trusted: automatic flags, ratings of results, and how far readers agree."""
