"""Readers: second reads, how far they agree, what an edit means, and how well faults are found."""
