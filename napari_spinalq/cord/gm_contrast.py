"""How far grey matter stands out from white matter in a scan, before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.butterfly_model import butterfly_model
from napari_spinalq.cord.butterfly_raster import coverage
from napari_spinalq.cord.cord_slices import CordSlice

BLUR_MM = 0.6
"""Width of the ramp of the expected outline, mm: about how far a person's grey matter lies off the mean."""

MIN_CONTRAST_TO_NOISE = 1.0
"""Grey matter is measurable from this median contrast-to-noise ratio of the slices on. Scans that do not show it give
0.1 to 0.3 (digital cords without contrast, T1w), and up to 0.8 where structured noise mimics it (T2w at 1 mm,
diffusion); scans that do show it give 1.5 and more (MT at 0.84 mm; T2* at 0.5 mm has 2 to 3)."""

MIN_SIGNIFICANCE = 4.0
"""... and if the slices together put it this many standard errors from zero: noise spreads by 1.1. One slice with a
contrast-to-noise ratio of 1 gives 5 on pixels of 0.5 mm, and 2 on pixels of 1 mm: too few."""


@dataclass(frozen=True)
class GreyMatterContrast:
    """Contrast of grey against white matter.

    Attributes
    ----------
    contrast_to_noise : float
        Median over slices of (grey - white) / residual standard deviation of the voxels; negative where grey matter is
        darker.
    significance : float
        Sum of the slices' t values over the root of their number (Stouffer).
    per_slice : tuple of float
        Contrast-to-noise ratio of each slice that could be read.
    """

    contrast_to_noise: float
    significance: float
    per_slice: tuple[float, ...]

    @property
    def measurable(self) -> bool:
        """Whether grey matter stands out from white matter."""
        strong = abs(self.contrast_to_noise) >= MIN_CONTRAST_TO_NOISE
        sure = abs(self.significance) >= MIN_SIGNIFICANCE
        return strong and sure and self.significance * self.contrast_to_noise > 0

    @property
    def polarity(self) -> int:
        """+1 where grey matter is brighter than white matter, -1 where darker."""
        return 1 if self.contrast_to_noise >= 0 else -1


def grey_matter_contrast(slices: list[CordSlice], levels: NDArray[np.float64]) -> GreyMatterContrast:
    """Measure the contrast by regression of each slice on the expected outline.

    Values inside the cord are explained by a quadratic bias field, a term that grows with the fourth power of the
    normalised radius (rings of truncation and partial volume at the edge) and the expected coverage by grey matter.

    Parameters
    ----------
    slices : list of CordSlice
        Slices of the scan.
    levels : (n_slices,) array
        Vertebral level of each.
    """
    found = [_slice_contrast(piece, float(level)) for piece, level in zip(slices, levels, strict=True)]
    pairs = np.array([pair for pair in found if pair is not None]).reshape(-1, 2)
    if not len(pairs):
        return GreyMatterContrast(0.0, 0.0, ())
    ratio, t = pairs.T
    return GreyMatterContrast(
        float(np.median(ratio)), float(t.sum() / np.sqrt(len(t))), tuple(float(value) for value in ratio)
    )


def _slice_contrast(piece: CordSlice, level: float) -> tuple[float, float] | None:
    """Return contrast-to-noise ratio and t value, or None where too few voxels, or equal ones, are left."""
    expected = coverage(piece.block, butterfly_model(level).outline @ piece.to_mm.T, BLUR_MM)
    x, y = piece.normalised
    radius_fourth = ((x**2 + y**2) ** 2)[..., None]
    terms = np.concatenate([bias_terms(piece), radius_fourth, expected[..., None]], axis=-1)
    design, values = terms[piece.inner], piece.values[piece.inner]
    if not piece.readable or np.ptp(values) == 0:
        return None
    spare = len(values) - design.shape[1]
    inverse = np.linalg.pinv(design.T @ design)
    solution = inverse @ (design.T @ values)
    noise = np.sqrt(((values - design @ solution) ** 2).sum() / spare)
    if noise == 0 or inverse[-1, -1] <= 0:  # nothing left over, or no grey matter expected within this outline
        return None
    return float(solution[-1] / noise), float(solution[-1] / (noise * np.sqrt(inverse[-1, -1])))


def bias_terms(piece: CordSlice) -> NDArray[np.float64]:
    """Return the six terms of a quadratic bias field in normalised coordinates, shape (n_y, n_x, 6)."""
    x, y = piece.normalised
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
