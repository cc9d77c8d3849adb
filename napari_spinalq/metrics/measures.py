"""What is measured within one slice, before the angle between cord and slice is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.metrics.halves import fraction_beyond
from napari_spinalq.metrics.outline import STEPS, crossings, solidity
from napari_spinalq.metrics.plane import SlicePlane
from napari_spinalq.metrics.section import Piece

CENTRAL_BAND_MM = 3.0
"""The AP diameter is the mean extent over this width (mm) around the centroid, as in Spinal Cord Toolbox 7: one
column of pixels alone would jump by a pixel, and the anterior fissure is narrower."""

MAX_BAND_FRACTION = 0.5
"""In a structure narrower than twice the band, the band is this fraction of its RL diameter."""


class SectionMeasures(NamedTuple):
    """Numbers of one slice, in the plane of the slice.

    Attributes
    ----------
    weight : float
        Sum of the mask values (pixels).
    row, column : float
        Centre of the values, pixels.
    moments_mm2 : (2, 2) array
        Second central moments over (right, anterior).
    left_fraction : float
        Part of the area on the patient's left of the AP line through the centroid.
    chord_anterior_mm, chord_posterior_mm : float
        Mean extent of the central band before and behind the centroid, mm.
    solidity : float
        See :func:`~napari_spinalq.metrics.outline.solidity`.
    crossings : (8,) array
        See :func:`~napari_spinalq.metrics.outline.crossings`.
    """

    weight: float
    row: float
    column: float
    moments_mm2: NDArray[np.float64]
    left_fraction: float
    chord_anterior_mm: float
    chord_posterior_mm: float
    solidity: float
    crossings: NDArray[np.float64]


class Midline(NamedTuple):
    """The AP line that parts left from right in one slice: a point of it (pixels), and how the RL axis is turned.

    Attributes
    ----------
    row, column : float
        A point of the line, pixels.
    tilt : float
        Angle of the RL axis across the line from the rows of pixels towards anterior, radians.
    """

    row: float
    column: float
    tilt: float


@dataclass(frozen=True, eq=False)
class SectionTable:
    """The fields of :class:`SectionMeasures` over n slices: arrays with a first axis of length n."""

    weight: NDArray[np.float64]
    row: NDArray[np.float64]
    column: NDArray[np.float64]
    moments_mm2: NDArray[np.float64]
    left_fraction: NDArray[np.float64]
    chord_anterior_mm: NDArray[np.float64]
    chord_posterior_mm: NDArray[np.float64]
    solidity: NDArray[np.float64]
    crossings: NDArray[np.float64]


def tabulate(sections: Sequence[SectionMeasures]) -> SectionTable:
    """Put the measures of single slices side by side; none give empty arrays."""
    inner = {"moments_mm2": (2, 2), "crossings": (len(STEPS),)}
    columns = {name: np.array([getattr(section, name) for section in sections]) for name in SectionMeasures._fields}
    return SectionTable(**{name: c.reshape(len(sections), *inner.get(name, ())) for name, c in columns.items()})


def principal_axes(
    moments: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the principal second moments and the direction of the larger one.

    Parameters
    ----------
    moments : (..., 2, 2) array
        Second central moments over (right, anterior).

    Returns
    -------
    major, minor : arrays
        Variances along the axes, ``major >= minor``.
    turn : array
        Angle of the major axis from the right axis towards anterior, radians, -pi/2..pi/2.
    """
    rr, ra, aa = moments[..., 0, 0], moments[..., 0, 1], moments[..., 1, 1]
    middle, spread = (rr + aa) / 2, np.hypot((rr - aa) / 2, ra)
    return middle + spread, np.maximum(middle - spread, 0.0), np.arctan2(2 * ra, rr - aa) / 2


def rl_turn(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle of whichever principal axis is nearer to the RL axis, radians, -pi/4..pi/4."""
    return np.mod(turn + np.pi / 4, np.pi / 2) - np.pi / 4


def measure_section(piece: Piece, plane: SlicePlane) -> SectionMeasures:
    """Measure the structure in one slice.

    Parameters
    ----------
    piece : Piece
        All its pixels there.
    plane : SlicePlane
        Pixel size and directions.

    Notes
    -----
    Second moments take each pixel as a point at its centre. For a mask made by asking whether each pixel centre lies
    inside, their expectation over random positions of the grid is the moment of the true outline; adding the moment
    of a square pixel (1/12 pixel^2, as scikit-image does) would make every diameter too large.
    """
    row, column = piece.centroid
    values = piece.values[piece.inside]
    steps = np.argwhere(piece.inside) + np.array([piece.top - row, piece.left - column])
    offset_mm = plane.pixel_matrix @ steps.T
    moments = (offset_mm * values) @ offset_mm.T / piece.weight
    major, minor, turn = principal_axes(moments)
    tilt = rl_turn(turn)
    width = 4 * float(np.sqrt(major if abs(tilt - turn) < np.pi / 4 else minor))
    axes = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    peak = float(values.max())
    left, before, behind = _parts(values / peak, axes @ offset_mm, axes @ plane.pixel_matrix, width)
    area = plane.pixel_area_mm2
    filled = piece.values / peak
    return SectionMeasures(
        weight=piece.weight,
        row=row,
        column=column,
        moments_mm2=moments,
        left_fraction=left * peak / piece.weight,
        chord_anterior_mm=before * area,
        chord_posterior_mm=behind * area,
        solidity=solidity(filled),
        crossings=crossings(filled),
    )


def left_fraction(piece: Piece, plane: SlicePlane, midline: Midline) -> float:
    """Return the part of the area on the patient's left of a line that need not go through the centroid.

    Parameters
    ----------
    piece : Piece
        All pixels of the structure in a slice.
    plane : SlicePlane
        Pixel size and directions.
    midline : Midline
        The line.
    """
    steps = np.argwhere(piece.inside) + np.array([piece.top - midline.row, piece.left - midline.column])
    across = np.array([np.cos(midline.tilt), np.sin(midline.tilt)]) @ plane.pixel_matrix
    return float(piece.values[piece.inside] @ fraction_beyond(-(steps @ across), *across)) / piece.weight


def _parts(
    values: NDArray[np.float64], offset_mm: NDArray[np.float64], pixel_mm: NDArray[np.float64], width_mm: float
) -> tuple[float, float, float]:
    """Return pixels left of the centroid, and pixels before and behind it per mm of the central band."""
    across, along = offset_mm
    edge_across, edge_along = pixel_mm
    left = values @ fraction_beyond(-across, *edge_across)
    band_mm = max(min(CENTRAL_BAND_MM, MAX_BAND_FRACTION * width_mm), float(np.abs(edge_across).max()))
    shift = band_mm / 2
    central = fraction_beyond(across + shift, *edge_across) - fraction_beyond(across - shift, *edge_across)
    before = values @ (central * fraction_beyond(along, *edge_along))
    return float(left), float(before / band_mm), float((values @ central - before) / band_mm)
