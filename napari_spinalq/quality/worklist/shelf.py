"""Cases that were read and are kept ready, within bounds."""

from __future__ import annotations

from collections.abc import Collection

from napari_spinalq.quality.worklist.cases import ListedCase
from napari_spinalq.quality.worklist.measured import stamp_of
from napari_spinalq.quality.worklist.reading import Reading

MOST_CASES = 4
"""The one at hand, the two that come next, and the one before."""

MOST_BYTES = 1_500_000_000
"""A case of 320 x 320 x 200 voxels takes about 0.15 GB: this leaves a laptop of 8 GB the most of its memory."""


class Shelf:
    """Holds the readings of few cases. The least recently used goes first, and never one that is needed.

    Parameters
    ----------
    most_cases : int
        How many are held at most, but for those that are needed.
    most_bytes : int
        Memory that they may take together, but for those that are needed.
    """

    def __init__(self, most_cases: int = MOST_CASES, most_bytes: int = MOST_BYTES) -> None:
        self._most_cases, self._most_bytes = most_cases, most_bytes
        self._held: dict[ListedCase, Reading] = {}

    def __contains__(self, case: ListedCase) -> bool:
        return case in self._held

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size_bytes(self) -> int:
        """Memory that all take, about."""
        return sum(reading.size_bytes for reading in self._held.values())

    def get(self, case: ListedCase) -> Reading | None:
        """Return the reading of a case; None if it is not held, or its files changed since."""
        reading = self._held.pop(case, None)
        if reading is None or reading.summary.stamp != stamp_of(case):
            return None
        self._held[case] = reading  # at the end: used last
        return reading

    def put(self, reading: Reading, needed: Collection[ListedCase]) -> None:
        """Keep a reading, and drop others until the bounds are kept."""
        case = reading.summary.case
        self._held.pop(case, None)
        self._held[case] = reading
        for other in [one for one in self._held if one not in needed]:
            if len(self._held) <= self._most_cases and self.size_bytes <= self._most_bytes:
                return
            del self._held[other]

    def clear(self) -> None:
        """Drop all."""
        self._held.clear()
