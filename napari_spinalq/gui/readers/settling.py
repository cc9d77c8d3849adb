"""A consensus that was begun: on which work, between which reads, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gui.work import ScanWork
from napari_spinalq.quality.readers.adjudication import Adjudication, origins_in_words
from napari_spinalq.quality.readers.comparison import Comparison


@dataclass(frozen=True, eq=False)
class Reads:
    """Two masks in the axis order of the file, whose the second is, and what was found about them."""

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    rater: str
    comparison: Comparison


@dataclass(eq=False)
class Settling:
    """A consensus that was begun.

    Attributes
    ----------
    work : ScanWork
        Its mask.
    reads : Reads
        What is settled.
    decisions : Adjudication
        What is decided.
    at : int, optional
        Number of the patch in view.
    saved : bool
        Whether the file holds all that is decided and painted.
    """

    work: ScanWork
    reads: Reads
    decisions: Adjudication
    at: int | None = None
    saved: bool = True

    @property
    def left(self) -> tuple[int, int]:
        """Number of patches on which nobody decided, and of all patches."""
        return len(self.decisions.left), len(self.decisions.patches)

    def same_reads(self, first: NDArray, second: NDArray) -> bool:
        """Tell whether both masks are still those that were compared."""
        return np.array_equal(self.reads.first, first) and np.array_equal(self.reads.second, second)

    def record(self) -> dict[str, Any]:
        """Return what came from whom, for the sidecar."""
        return {
            "readers": {"first": "the first read", "second": self.reads.rater},
            "slices": origins_in_words(self.decisions.origins(self.work.mask.data)),
            "slices_not_listed": "both readers agree",
        }

    def flags(self) -> tuple[str, ...]:
        """Return that the consensus is not finished, if it is not."""
        left, total = self.left
        return (f"not finished: {left} of {total} disagreements hold the first read, undecided",) if left else ()
