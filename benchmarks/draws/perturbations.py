"""Random harm done to a scan and its reference together: what scanners, coils and patients do, in numbers.

Used by the accuracy benchmark and to calibrate the confidence; the draws depend on the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry import Grid

NOISE = 0.08
"""Standard deviation of Rician noise as a share of the scan's 99th percentile."""

GAMMA = (0.5, 2.0)
BIAS = 0.5
"""Half the logarithmic range of a smooth bias field: from 0.6 to 1.6 times."""

TURN_DEG = 18.0
THICK_MM = 4.0
FIELD_MARGIN_MM = (10.0, 20.0)
"""A cropped field of view ends this far beyond the cord."""

ISOTROPIC_RATIO = 2.5
"""A scan whose slices are thicker than this many pixels is turned in plane only: between them nothing is known."""

KINDS_A_DRAW = 3
"""A draw does one to this many kinds of harm."""


@dataclass(frozen=True, eq=False)
class Case:
    """A scan and its reference in work order (S, A, R), and what was done to them."""

    values: NDArray[np.float32]
    reference: NDArray[np.float32]
    grid: Grid
    done: tuple[str, ...] = ()


def drawn(case: Case, rng: np.random.Generator) -> Case:
    """Return the case after one to ``KINDS_A_DRAW`` kinds of harm in the order in which they come about."""
    count = int(rng.integers(1, KINDS_A_DRAW + 1))
    chosen = sorted(rng.choice(len(KINDS), count, replace=False))
    for index in chosen:
        name, harm = KINDS[index]
        case = harm(case, rng)
        case = Case(case.values, case.reference, case.grid, (*case.done, name))
    return case


def turned(case: Case, rng: np.random.Generator) -> Case:
    """Turn by up to 18 degrees about the cord's middle; the field of view stays."""
    spacing = np.asarray(case.grid.spacing)
    axis = rng.normal(size=3) if spacing[0] < ISOTROPIC_RATIO * spacing[1:].min() else np.array([1.0, 0.0, 0.0])
    turn = _rotation(axis / np.linalg.norm(axis), np.deg2rad(TURN_DEG) * rng.choice([-1.0, 1.0]))
    middle = np.array(ndimage.center_of_mass(case.reference)) * spacing
    matrix = turn * spacing[None, :] / spacing[:, None]
    offset = (middle - turn @ middle) / spacing
    values = ndimage.affine_transform(case.values, matrix, offset, order=1, mode="constant", cval=case.values.min())
    reference = ndimage.affine_transform(case.reference, matrix, offset, order=1)
    return Case(values, reference, case.grid, case.done)


def cropped(case: Case, rng: np.random.Generator) -> Case:
    """Cut the field of view to the cord and a margin, and leave out up to a third of its slices at each end."""
    slices = np.flatnonzero(case.reference.any(axis=(1, 2)))
    cut = rng.integers(0, max(1, len(slices) // 3), 2)
    bounds = [(int(slices[0] + cut[0]), int(slices[-1] + 1 - cut[1]))]
    for axis in (1, 2):
        seen = np.flatnonzero(case.reference.any(axis=(0, 3 - axis)))
        margin = np.round(rng.uniform(*FIELD_MARGIN_MM, 2) / case.grid.spacing[axis]).astype(int)
        bounds.append((max(0, int(seen[0] - margin[0])), min(case.grid.shape[axis], int(seen[-1] + 1 + margin[1]))))
    window = tuple(slice(a, b) for a, b in bounds)
    affine = case.grid.affine.copy()
    affine[:3, 3] = case.grid.voxel_to_mm([a for a, _ in bounds])
    values = np.ascontiguousarray(case.values[window])
    return Case(values, np.ascontiguousarray(case.reference[window]), Grid(values.shape, affine), case.done)


def thickened(case: Case, rng: np.random.Generator) -> Case:
    """Average slices to at least ``THICK_MM``."""
    group = int(np.ceil(THICK_MM / case.grid.spacing[0] - 1e-6))
    count = case.grid.shape[0] // group
    if group < 2 or count < 2:
        return case
    values, reference = (
        part[: count * group].reshape(count, group, *part.shape[1:]).mean(axis=1)
        for part in (case.values, case.reference)
    )
    affine = case.grid.affine.copy()
    affine[:3, 3] = case.grid.voxel_to_mm([(group - 1) / 2, 0, 0])
    affine[:3, 0] *= group
    return Case(values, reference, Grid(values.shape, affine), case.done)


def biased(case: Case, rng: np.random.Generator) -> Case:
    """Multiply by a smooth field, as of a surface coil."""
    coarse = rng.normal(size=(4, 4, 4))
    zoom = [n / 4 for n in case.values.shape]
    field = ndimage.zoom(coarse, zoom, order=3, mode="nearest", grid_mode=True)[tuple(map(slice, case.values.shape))]
    field = 2 * BIAS * (field - field.min()) / np.ptp(field) - BIAS
    low = min(float(case.values.min()), 0.0)
    return _valued(case, (case.values - low) * np.exp(field) + low)


def raised(case: Case, rng: np.random.Generator) -> Case:
    """Raise grey values to a power between ``GAMMA``."""
    unit, low, high = _unit(case.values)
    return _valued(case, low + (high - low) * unit ** np.exp(rng.uniform(*np.log(GAMMA))))


def inverted(case: Case, rng: np.random.Generator) -> Case:
    """Exchange bright and dark."""
    unit, low, high = _unit(case.values)
    return _valued(case, low + (high - low) * (1 - unit))


def noisy(case: Case, rng: np.random.Generator) -> Case:
    """Add the noise of a magnitude image."""
    level = NOISE * float(np.percentile(case.values, 99) - min(float(case.values.min()), 0.0))
    real, imaginary = rng.normal(0, level, (2, *case.values.shape))
    return _valued(case, np.hypot(case.values + real, imaginary))


KINDS: tuple[tuple[str, Callable[[Case, np.random.Generator], Case]], ...] = (
    ("turn", turned),
    ("crop", cropped),
    ("thick", thickened),
    ("bias", biased),
    ("gamma", raised),
    ("invert", inverted),
    ("noise", noisy),
)


def _valued(case: Case, values: NDArray) -> Case:
    return Case(values.astype(np.float32), case.reference, case.grid, case.done)


def _unit(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, float]:
    low, high = (float(v) for v in np.percentile(values, [0.1, 99.9]))
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1), low, high


def _rotation(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Return the matrix of a turn about a unit axis (Rodrigues)."""
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
