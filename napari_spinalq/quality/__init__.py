"""Quality of results: automatic flags, and faults of known place and kind to test them with."""
