"""Centre and stretch of the cord from one scan to another, slice by slice, from the moments of its masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.registration.along import smoothed_along
from napari_spinalq.registration.moments import Sections

SHIFT_LENGTH_MM = 20.0
"""A shift that changes along the cord over this wavelength (mm) keeps half of its height: four slices of 5 mm. The
field of the magnet, which bends echo-planar images, is smoother; the errors of single outlines are not."""

STRETCH_LENGTH_MM = 30.0
"""The same for the stretch (mm): second moments are noisier than centres."""


@dataclass(frozen=True, eq=False)
class SliceAffine:
    """For each target slice the map d -> d', from offsets to the target's centre to offsets to the source's.

    Attributes
    ----------
    centre_mm : (slices, 2) array
        Centre of the cord on the target, mm to anterior and right.
    shift_mm : (slices, 2) array
        From there to its centre on the source.
    linear : (slices, 2, 2) array
        d' = linear d.
    """

    centre_mm: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    linear: NDArray[np.float64]


def aligned(source: Sections, target: Sections, heights_mm: NDArray[np.float64]) -> SliceAffine:
    """Align centres and second moments of both cords, smoothly along the stack.

    Parameters
    ----------
    source, target : Sections
        Of both cords in the target's slices; at least one slice shows both.
    heights_mm : (slices,) array
        Position of the slices along the stack, mm.
    """
    both = source.shown & target.shown
    centre = smoothed_along(heights_mm, target.centre_mm, both, SHIFT_LENGTH_MM)
    shift = smoothed_along(heights_mm, source.centre_mm - target.centre_mm, both, SHIFT_LENGTH_MM)
    logs = np.zeros((len(both), 2, 2))
    logs[both] = _log(stretches(target.moments_mm2[both], source.moments_mm2[both]))
    return SliceAffine(centre, shift, _exp(smoothed_along(heights_mm, logs, both, STRETCH_LENGTH_MM)))


def stretches(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stretch without a turn that gives one set of second moments from another, shape (n, 2, 2).

    The symmetric S with S before S = after: S = before^-1/2 (before^1/2 after before^1/2)^1/2 before^-1/2, the map of
    least displacement between two normal distributions (Olkin and Pukelsheim 1982,
    doi:10.1016/0024-3795(82)90112-4).

    Parameters
    ----------
    before, after : (n, 2, 2) arrays
        Second central moments, mm2.
    """
    root = _power(before, 0.5)
    inverse = _power(before, -0.5)
    return inverse @ _power(root @ after @ root, 0.5) @ inverse


def _power(matrices: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * values[:, None, :] ** power) @ np.swapaxes(vectors, 1, 2)


def _log(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.log(values)[:, None, :]) @ np.swapaxes(vectors, 1, 2)


def _exp(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.exp(values)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
