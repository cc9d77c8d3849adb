"""Finding a flipped or permuted axis of the gradient directions, by how fibres run along the cord.

Fibres of the cord's white matter run along it. If an axis of the gradient table is flipped, or two are swapped, the
fitted directions are mirrored or turned in the same way, and leave the course of the cord. The idea of trying every
change of axes and keeping the one with the most continuous fibres is that of Jeurissen et al. 2014, Med Image Anal,
doi:10.1016/j.media.2014.05.012 (``dwigradcheck`` of MRtrix3, by lengths of tracts), and of the fibre coherence index
(Schilling et al. 2019, Magn Reson Imaging, doi:10.1016/j.mri.2019.01.018). In the cord the course is known, and is
compared directly.

A change of all directions alike turns the whole tensor (signals depend on g' D g alone), so that no fit is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.diffusion.continuity import fibre_continuity
from napari_spinalq.diffusion.tensor import TensorFit, fit_tensor
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable, fsl_directions, ras_directions

SIGNS = ((1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1))
"""The sign changes that differ: negating a whole direction changes nothing, as diffusion is the same both ways."""

MIN_FA = 0.25
"""Voxels with less anisotropy have no direction to speak of."""

FEWEST_VOXELS = 30
"""With fewer anisotropic voxels in the cord nothing is said: over 5 slices these are 6 a slice."""

TELLING_ANGLE_DEG = 5.0
"""A change that turns the course of the cord by less than this (degrees, root mean square over slices) cannot be told:
a flip turns it by twice its tilt, and distortion of echo-planar images bends the cord by some degrees."""

TELLING_RATIO = 2.0
"""One table is better than another where fibres deviate from the cord by less than half as much. For a right table to
be blamed, image distortion must then look like the false course to within half of itself, in all slices."""

ACCURACY_DEG = 1.0
"""Deviations smaller than this are not told apart: a centerline is no more accurate (0.3 mm over two slices)."""

LARGEST_DEVIATION_DEG = 30.0
"""Where no change brings fibres nearer to the cord than this, they are not seen at all; 61 degrees are chance."""

UNSEEN = "gradient axes cannot be told on this scan: fibres follow the cord with no order of the axes"
"""What is said where nothing fits."""

Change = tuple[tuple[int, int, int], tuple[int, int, int]]
"""Axes and signs, as in :class:`GradientCheck`."""


@dataclass(frozen=True)
class GradientCheck:
    """Whether the gradient directions of a series fit the course of the cord.

    Attributes
    ----------
    axes, signs : tuple of 3 int
        The change that fits best: row i of a ``bvec`` file (from 0) should be ``signs[i]`` times its row ``axes[i]``;
        ``(0, 1, 2)`` and ``(1, 1, 1)`` where nothing better can be told.
    score_as_given, score_best : float
        Squared cosine between fibres and cord, mean over voxels weighted by FA, 0..1; NaN where too few are there.
    deviation_as_given_deg, deviation_best_deg : float
        Angle between the common direction of a slice's fibres and the cord, root mean square over slices.
    continuity_as_given, continuity_best : float
        How far fibres go on into their neighbours (see :func:`~napari_spinalq.diffusion.continuity.fibre_continuity`).
    margin : float
        How many times larger the deviation is as given than at best; 1 where the table fits.
    alike : tuple of (axes, signs)
        Changes that this scan cannot tell from the one above.
    flags : tuple of str
        What a reader must know; empty where the table fits.
    notes : tuple of str
        What cannot be told on this scan.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    signs: tuple[int, int, int] = (1, 1, 1)
    score_as_given: float = float("nan")
    score_best: float = float("nan")
    deviation_as_given_deg: float = float("nan")
    deviation_best_deg: float = float("nan")
    continuity_as_given: float = float("nan")
    continuity_best: float = float("nan")
    margin: float = 1.0
    alike: tuple[Change, ...] = ()
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


AS_GIVEN: Change = ((0, 1, 2), (1, 1, 1))
CHANGES: tuple[Change, ...] = tuple((axes, signs) for axes in permutations(range(3)) for signs in SIGNS)  # type: ignore[misc]
"""All 24 changes that differ; the first is none."""


def check_gradients(
    gradients: GradientTable,
    fit: TensorFit | NDArray,
    grid: Grid,
    cord_mask: NDArray,
    course: Centerline | NDArray,
) -> GradientCheck:
    """Look for a flipped or permuted axis of the gradient directions.

    Parameters
    ----------
    gradients : GradientTable
        As the series was fitted with.
    fit : TensorFit, or array of shape ``grid.shape + (n,)``
        The tensor fitted with these gradients, or the series, which is then fitted.
    grid : Grid
        Of the series.
    cord_mask : array, shape ``grid.shape``
        The cord; voxels of at least half count.
    course : Centerline, or array of shape ``grid.shape + (3,)``
        The course of the cord: its centerline, or unit vectors along it in RAS.

    Returns
    -------
    GradientCheck
    """
    if not isinstance(fit, TensorFit):
        fit = fit_tensor(fit, gradients, np.asarray(cord_mask) >= 0.5, grid=grid)
    core = fit.mask & (np.asarray(cord_mask) >= 0.5) & (np.nan_to_num(fit.fa) >= MIN_FA)
    if core.sum() < FEWEST_VOXELS:
        return GradientCheck(notes=("gradient axes cannot be told on this scan: too few anisotropic voxels",))
    fibres, weights = fit.direction[core].astype(float), fit.fa[core].astype(float)
    tangents = _tangents(course, grid, core)
    return _verdict(_by_slice(fibres, tangents, weights, _slices(core, grid)), fibres, tangents, weights, core, grid)


def changed_directions(directions: NDArray[np.float64], grid: Grid, change: Change) -> NDArray[np.float64]:
    """Return RAS directions (n, 3) as they would be had the rows of their ``bvec`` file been changed.

    Row i becomes ``signs[i]`` times row ``axes[i]``. Gradients and fibres change alike.
    """
    axes, signs = change
    return ras_directions(fsl_directions(directions, grid)[:, list(axes)] * signs, grid)


def corrected_gradients(gradients: GradientTable, grid: Grid, check: GradientCheck) -> GradientTable:
    """Return the table with the change that fits best; the tensor must then be fitted anew."""
    directions = changed_directions(gradients.directions, grid, (check.axes, check.signs))
    return GradientTable(gradients.b_values, directions, gradients.b0_threshold)


def describe_change(change: Change) -> str:
    """Say a change in words.

    Examples
    --------
    >>> describe_change(((0, 1, 2), (-1, 1, 1)))
    'row 1 of bvec negated'
    >>> describe_change(((1, 0, 2), (1, 1, -1)))
    'rows of bvec in the order 2, 1, 3, then row 3 negated'
    """
    axes, signs = change
    order = "" if axes == (0, 1, 2) else f"rows of bvec in the order {', '.join(str(axis + 1) for axis in axes)}"
    negated = [str(row + 1) for row, sign in enumerate(signs) if sign < 0]
    turn = f"row {negated[0]}{'' if order else ' of bvec'} negated" if negated else ""
    return ", then ".join(part for part in (order, turn) if part) or "no change"


@dataclass(frozen=True, eq=False)
class _Slices:
    """Common direction of fibres and cord in each slice (n, 3), and the weight of each slice (n,)."""

    fibres: NDArray[np.float64]
    tangents: NDArray[np.float64]
    weights: NDArray[np.float64]

    def deviation_deg(self, change: Change, grid: Grid) -> float:
        """Return how far fibres would deviate from the cord, were the table changed."""
        return _angle_deg(changed_directions(self.fibres, grid, change), self.tangents, self.weights)

    def turn_deg(self, first: Change, second: Change, grid: Grid) -> float:
        """Return by how much two changes turn the course of the cord differently."""
        courses = [changed_directions(self.tangents, grid, change) for change in (first, second)]
        return _angle_deg(courses[0], courses[1], self.weights)


def _verdict(
    slices: _Slices,
    fibres: NDArray[np.float64],
    tangents: NDArray[np.float64],
    weights: NDArray[np.float64],
    core: NDArray[np.bool_],
    grid: Grid,
) -> GradientCheck:
    """Compare the change that fits best with the table as given."""
    deviations = [slices.deviation_deg(change, grid) for change in CHANGES]
    best = int(np.argmin(deviations))
    alike = [
        index
        for index, change in enumerate(CHANGES)
        if _ratio(deviations[index], deviations[best]) < TELLING_RATIO
        or slices.turn_deg(change, CHANGES[best], grid) < TELLING_ANGLE_DEG
    ]
    continuity = [
        fibre_continuity(fibres, changed_directions(fibres, grid, CHANGES[one]), weights, core, grid)
        for one in (0, best)
    ]
    seen = deviations[best] < LARGEST_DEVIATION_DEG
    wrong = seen and 0 not in alike and continuity[1] > continuity[0]
    chosen = best if wrong else 0
    axes, signs = CHANGES[chosen]
    others = tuple(CHANGES[index] for index in alike if index != chosen)
    scores = [_score(changed_directions(fibres, grid, CHANGES[one]), tangents, weights) for one in (0, best)]
    return GradientCheck(
        axes=axes,
        signs=signs,
        score_as_given=scores[0],
        score_best=scores[1],
        deviation_as_given_deg=deviations[0],
        deviation_best_deg=deviations[best],
        continuity_as_given=continuity[0],
        continuity_best=continuity[1],
        margin=_ratio(deviations[0], deviations[best]),
        alike=others,
        flags=_flags(CHANGES[best], others, deviations[0], deviations[best]) if wrong else (),
        notes=_notes(others) if seen else (UNSEEN,),
    )


def _flags(best: Change, alike: tuple[Change, ...], deviation_deg: float, best_deg: float) -> tuple[str, ...]:
    either = f" (or {_named(alike, ', or ')}: they cannot be told apart on this scan)" if alike else ""
    cause = "; x is negated once too often or not at all" if best == ((0, 1, 2), (-1, 1, 1)) else ""
    return (
        f"gradient directions seem wrong: fibres deviate from the cord by {deviation_deg:.1f} degrees as given, by "
        f"{best_deg:.1f} with {describe_change(best)}{either}{cause}. FA and MD are not affected by a change of all "
        "directions alike; fibre directions are, and the colour map if axes are swapped or the stack is oblique",
    )


def _notes(alike: tuple[Change, ...]) -> tuple[str, ...]:
    if not alike:
        return ()
    return (
        "whether the table needs a change cannot be told on this scan (a cord too straight along an axis, or fibres "
        f"too noisy) for: {_named(alike, '; ')}",
    )


def _named(changes: tuple[Change, ...], between: str) -> str:
    return between.join(describe_change(change) for change in changes)


def _tangents(course: Centerline | NDArray, grid: Grid, core: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return unit vectors along the cord at each voxel of the core, RAS, shape (v, 3)."""
    if isinstance(course, Centerline):
        return course.tangent(course.nearest_arc(grid.voxel_to_mm(np.argwhere(core))))
    vectors = np.asarray(course, dtype=float)[core]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _slices(core: NDArray[np.bool_], grid: Grid) -> NDArray[np.int_]:
    """Return the slice of each voxel of the core, along the axis nearest to superior."""
    axis = next(index for index, code in enumerate(grid.axis_codes) if code in "SI")
    return np.argwhere(core)[:, axis]


def _by_slice(
    fibres: NDArray[np.float64], tangents: NDArray[np.float64], weights: NDArray[np.float64], slices: NDArray[np.int_]
) -> _Slices:
    """Return the common direction of fibres and of the cord in each slice.

    It is the first eigenvector of the weighted mean of v v', which knows no sign. Voxels of a slice share errors
    (motion, distortion), so that slices are what is compared.
    """
    chosen = [slices == number for number in np.unique(slices)]
    common = [_common_direction(fibres[one], weights[one]) for one in chosen]
    course = [_common_direction(tangents[one], weights[one]) for one in chosen]
    return _Slices(np.array(common), np.array(course), np.array([weights[one].sum() for one in chosen]))


def _common_direction(vectors: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.eigh((vectors * weights[:, None]).T @ vectors)[1][:, -1]


def _angle_deg(first: NDArray[np.float64], second: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the root mean square angle between directions, degrees, whichever way they point."""
    angles = np.arccos(np.clip(np.abs(np.einsum("ij,ij->i", first, second)), 0.0, 1.0))
    return float(np.degrees(np.sqrt(weights @ angles**2 / weights.sum())))


def _ratio(deviation_deg: float, best_deg: float) -> float:
    return float(np.hypot(deviation_deg, ACCURACY_DEG) / np.hypot(best_deg, ACCURACY_DEG))


def _score(fibres: NDArray[np.float64], tangents: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(weights @ np.einsum("ij,ij->i", fibres, tangents) ** 2 / weights.sum())
