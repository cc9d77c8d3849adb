"""Where the evidence of a cord begins and stops, slice by slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.candidate import Candidate

MIN_PATH_SCORE = 0.6
"""Below this a place looks no more like cord than the best of chance does (about 0.5 in noise)."""

MIN_COHERENCE = 0.3
"""Below this mean coherence a slice shows noise: T2w, T2*, MT and DWI have 0.5 to 0.8, a PSIR with fine bright fat
beside dark CSF 0.35 to 0.5, noise as it is acquired 0.0 to 0.25."""

MIN_EDGE_SCORE = 0.3
"""Below this mean edge an outline follows nothing: below the conus and inside the brain it falls under 0.2."""

WINDOW_MM = 12.0
"""Scores are averaged over this length (mm), about one vertebra, so that one bad slice does not end the cord."""

MAX_GAP_MM = 40.0
"""Slices without evidence inside the cord are kept and flagged up to this length (mm): two vertebrae of drop-out."""


def slices_with_cord(candidate: Candidate, slice_distance_mm: float) -> NDArray[np.bool_]:
    """Return which slices are kept: the longest stretch with evidence, gaps of up to ``MAX_GAP_MM`` bridged.

    Parameters
    ----------
    candidate : Candidate
        Outlines of all slices.
    slice_distance_mm : float
        Distance between slices, mm.
    """
    good = has_evidence(candidate, slice_distance_mm)
    if not good.any():
        return good
    gap = int(MAX_GAP_MM / slice_distance_mm)
    labels, count = ndimage.label(ndimage.binary_closing(np.pad(good, gap + 1), np.ones(gap + 1))[gap + 1 : -gap - 1])
    if not count:
        return good
    sizes = ndimage.sum_labels(good, labels, np.arange(1, count + 1))
    return labels == 1 + int(np.argmax(sizes))


def has_evidence(candidate: Candidate, slice_distance_mm: float) -> NDArray[np.bool_]:
    """Return which slices show a cord by themselves and their near neighbours."""
    size = max(1, round(WINDOW_MM / slice_distance_mm))
    path, edge, coherence = (
        ndimage.uniform_filter1d(score, size, mode="nearest")
        for score in (candidate.path_score, candidate.edge_score, candidate.coherence)
    )
    seen = (path >= MIN_PATH_SCORE) & (edge >= MIN_EDGE_SCORE) & (coherence >= MIN_COHERENCE)
    return seen & candidate.plausible & candidate.filled


def slice_ranges(chosen: NDArray[np.bool_]) -> str:
    """Write slices as ranges.

    Examples
    --------
    >>> slice_ranges(np.array([True, True, False, True]))
    '0-1, 3'
    """
    edges = np.flatnonzero(np.diff(np.r_[0, chosen.astype(int), 0]))
    pairs = zip(edges[::2], edges[1::2] - 1, strict=True)
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in pairs)
