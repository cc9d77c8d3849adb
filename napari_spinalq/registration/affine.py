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

TURN_LENGTH_MM = 60.0
"""The same for the turn (mm): a head turns as a whole, a neck evenly."""

TURN_SHARE = 0.5
"""A turn of the long axis of the cord may come from a turn of the head or from the shear of an echo-planar image, and
outlines cannot tell one from the other. Taken by half as a turn and by half as a stretch, either leaves an error of
half: on the phantom 0.1 mm for a turn of 4 degrees, and 0.1 mm for a shear of 0.05."""

CLEAR_FLATNESS = 0.15
"""The long axis of a cord with this flatness (a2 - b2) / (a2 + b2), half axes a and b, is trusted by half: 1.16 times
as wide as deep. Cervical cords have 0.3 to 0.5, thoracic ones 0.1 to 0.2."""


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
        d' = linear d: first turned, then stretched.
    turn : (slices,) array
        The turn in it, right towards anterior, radians.
    """

    centre_mm: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    linear: NDArray[np.float64]
    turn: NDArray[np.float64]


def aligned(
    source: Sections, target: Sections, heights_mm: NDArray[np.float64], turns: NDArray[np.float64] | None = None
) -> SliceAffine:
    """Align centres and second moments of both cords, smoothly along the stack.

    Parameters
    ----------
    source, target : Sections
        Of both cords in the target's slices; at least one slice shows both.
    heights_mm : (slices,) array
        Position of the slices along the stack, mm.
    turns : (slices,) array, optional
        Known turns, radians; by default as the long axes of both cords say.
    """
    both = source.shown & target.shown
    centre = smoothed_along(heights_mm, target.centre_mm, both, SHIFT_LENGTH_MM)
    shift = smoothed_along(heights_mm, source.centre_mm - target.centre_mm, both, SHIFT_LENGTH_MM)
    if turns is None:
        turns = np.zeros(len(both))
        turns[both] = long_axis_turns(target.moments_mm2[both], source.moments_mm2[both])
        turns = smoothed_along(heights_mm, turns, both, TURN_LENGTH_MM)
    turned = _rotations(turns)
    logs = np.zeros((len(both), 2, 2))
    moments = turned @ target.moments_mm2 @ np.swapaxes(turned, 1, 2)
    logs[both] = _log(stretches(moments[both], source.moments_mm2[both]))
    return SliceAffine(centre, shift, _exp(smoothed_along(heights_mm, logs, both, STRETCH_LENGTH_MM)) @ turned, turns)


def long_axis_turns(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the plane is turned for the long axis of the cord to follow, shape (n,), radians.

    Right towards anterior; TURN_SHARE of the angle between the axes, less where a cord is too round to have one.

    Parameters
    ----------
    before, after : (n, 2, 2) arrays
        Second central moments, mm2; first axis anterior, second right.
    """
    axes, trust = [], np.ones(len(before))
    for moments in (before, after):
        lying, mixed = moments[:, 1, 1] - moments[:, 0, 0], 2 * moments[:, 0, 1]
        flatness = np.hypot(lying, mixed) / np.trace(moments, axis1=1, axis2=2)
        axes.append(np.arctan2(mixed, lying))
        trust = np.minimum(trust, flatness**2 / (flatness**2 + CLEAR_FLATNESS**2))
    doubled = np.mod(axes[1] - axes[0] + np.pi, 2 * np.pi) - np.pi  # an axis has no sign: angles count doubled
    return TURN_SHARE * trust * doubled / 2


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return matrices on (anterior, right) that turn right towards anterior, shape (n, 2, 2)."""
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)


def shifted(centre_mm: NDArray[np.float64], shift_mm: NDArray[np.float64]) -> SliceAffine:
    """Return the map that only shifts, (slices, 2) arrays, mm."""
    slices = len(centre_mm)
    return SliceAffine(centre_mm, shift_mm, np.tile(np.eye(2), (slices, 1, 1)), np.zeros(slices))


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
