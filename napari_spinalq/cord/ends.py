"""Where the cord begins and stops: below the brainstem, above the tip of the conus, and where the scan shows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.learned import Sight

MIN_CORE = 0.6
"""Below this share of cord in its middle a slice holds none: cords have 0.8 and more, cauda equina and brain less."""

MIN_PRESENCE = 0.1
"""Below this heat of the locator a slice holds no spinal canal."""

PLAUSIBLE_AREA_MM2 = (12.0, 150.0)
"""Cross-section of a human cord, mm2: the last centimetre of a conus to the widest cervical enlargement drawn at its
half-maximum edge (healthy means are 34-85 mm2; Frostell et al. 2016, doi:10.3389/fneur.2016.00238)."""

WINDOW_MM = 9.0
"""Scores are averaged over this length (mm), three slabs, so that one bad slice does not end the cord."""

MAX_GAP_MM = 40.0
"""Slices without evidence inside the cord are kept and flagged up to this length (mm): two vertebrae of drop-out."""

BRAINSTEM_GROWTH = 1.2
"""Above the foramen magnum the section grows to more than this times the widest cord below: the medulla measures 90 mm2
and more where C1 measures 70. Into the cervical enlargement a cord grows by a tenth in the nearest distance below."""

BRAINSTEM_REFERENCE_MM = (8.0, 60.0)
"""The cord below a slice is that within these distances, mm: from beyond the transition to the cervical enlargement."""

BRAINSTEM_MM2 = 80.0
"""No medulla is smaller than this (mm2), also above an atrophied cord."""

MIN_REFERENCE_MM = 20.0
"""Length of cord that must be seen below (mm): at a border of the image the section of a leaning cord grows as well."""

CORD_AGAIN, CORD_AGAIN_MM = (0.6, 1.15), 15.0
"""Where the section has these shares of the cord below again, over this length (mm), the wide part was a swelling of
the cord and not the medulla."""


def slices_with_cord(shown: NDArray[np.bool_], areas_mm2: NDArray[np.float64], slice_mm: float) -> NDArray[np.bool_]:
    """Return which slices are kept: the longest stretch that shows cord, gaps bridged, the brainstem cut off.

    Parameters
    ----------
    shown : (n_slices,) array of bool
        From :func:`shows_cord`.
    areas_mm2 : (n_slices,) array
        Area within each outline, mm2.
    slice_mm : float
        Distance between slices, mm.
    """
    kept = _longest_stretch(shown, int(MAX_GAP_MM / slice_mm))
    return kept & ~_above_foramen_magnum(kept & shown, areas_mm2, slice_mm)


def shows_cord(sight: Sight, areas_mm2: NDArray[np.float64], slice_mm: float) -> NDArray[np.bool_]:
    """Return which slices show a cord by themselves and their near neighbours, shape (n_slices,).

    Parameters
    ----------
    sight : Sight
        What the networks see.
    areas_mm2 : (n_slices,) array
        Area within the refined outline, mm2.
    slice_mm : float
        Distance between slices, mm.

    Notes
    -----
    Edges are not asked for: where the fluid is as bright as the cord there are none, and its place in the canal still
    tells the networks where it lies. How sure such an outline is, is a matter of confidence.
    """
    size = max(1, round(WINDOW_MM / slice_mm))
    core, presence = (ndimage.uniform_filter1d(score, size, mode="nearest") for score in (sight.core, sight.presence))
    smallest, largest = PLAUSIBLE_AREA_MM2
    plausible = (areas_mm2 >= smallest) & (areas_mm2 <= largest)
    return (core >= MIN_CORE) & (presence >= MIN_PRESENCE) & plausible


def _longest_stretch(shown: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Return the stretch with most slices shown; a gap is bridged if it is shorter than all cord on either side.

    Some slices of brain or roots look like cord: so few, so far away, they are none.
    """
    stretches: list[tuple[int, int]] = []
    for first, last in _runs(shown):
        apart = first - stretches[-1][1] - 1 if stretches else 0
        bridged = apart <= min(gap, int(shown[:first].sum()), int(shown[first:].sum()))
        if stretches and bridged:
            stretches[-1] = stretches[-1][0], last
        else:
            stretches.append((first, last))
    kept = np.zeros_like(shown)
    if stretches:
        first, last = max(stretches, key=lambda stretch: int(shown[stretch[0] : stretch[1] + 1].sum()))
        kept[first : last + 1] = True
    return kept


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last slice of every run of chosen slices."""
    edges = np.flatnonzero(np.diff(np.r_[0, chosen.astype(int), 0]))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2] - 1, strict=True)]


def _above_foramen_magnum(
    shown: NDArray[np.bool_], areas_mm2: NDArray[np.float64], slice_mm: float
) -> NDArray[np.bool_]:
    """Return the slices from where the section grows beyond a cord's and does not come back to it."""
    nearest, farthest = (round(distance / slice_mm) for distance in BRAINSTEM_REFERENCE_MM)
    above = np.zeros(len(shown), bool)
    for index in np.flatnonzero(shown & (areas_mm2 >= BRAINSTEM_MM2)):
        below = slice(max(0, index - farthest), max(0, index - nearest + 1))
        reference = areas_mm2[below][shown[below]]
        if len(reference) * slice_mm < MIN_REFERENCE_MM or areas_mm2[index] <= BRAINSTEM_GROWTH * reference.max():
            continue
        share = areas_mm2[index:] / reference.max()
        cord_again = shown[index:] & (share >= CORD_AGAIN[0]) & (share <= CORD_AGAIN[1])
        longest = max((last - first + 1 for first, last in _runs(cord_again)), default=0)
        if longest * slice_mm < CORD_AGAIN_MM:
            above[index:] = True
            break
    return above


def slice_ranges(chosen: NDArray[np.bool_]) -> str:
    """Write slices as ranges.

    Examples
    --------
    >>> slice_ranges(np.array([True, True, False, True]))
    '0-1, 3'
    """
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in _runs(chosen))
