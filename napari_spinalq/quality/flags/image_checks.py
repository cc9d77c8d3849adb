"""Checks of the image around the cord: contrast to noise, and how far the field of view reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.quality.flags.checks import RULES, Check
from napari_spinalq.quality.flags.evidence import MARGIN_MM, Evidence
from napari_spinalq.quality.flags.finding import NOT_ASSESSABLE, Finding, beyond

LAPLACIAN = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
"""Difference of two Laplacians: blind to any even course of the signal (Immerkaer 1996, Comput Vis Image Underst 64,
300-302, doi:10.1006/cviu.1996.0060). Noise of standard deviation s gives values of standard deviation 6 s."""

LAPLACIAN_GAIN = 6.0
MEDIAN_TO_SD = 0.6745
"""The median of the absolute value of a normal variable over its standard deviation."""

AROUND_MM = (1.0, 3.0)
"""What surrounds the cord is read this far outside of it, mm: beyond the blurred rim, within the CSF."""

MIN_VOXELS = 30
"""Fewer voxels within the cord, all slices together, tell no noise."""


def low_snr(evidence: Evidence) -> Finding:
    """Measure how far the cord stands out from what surrounds it, against the noise.

    The contrast-to-noise ratio is the difference of the medians of the cord and of its surroundings, median over
    slices, over the standard deviation of the noise within the cord. MRIQC divides by the spread within both tissues
    (Magnotta and Friedman 2006, J Digit Imaging 19, 140-147, doi:10.1007/s10278-006-0264-x), which in a small cord
    with grey matter is anatomy rather than noise.
    """
    noise = noise_sd(evidence)
    contrast, signal = _contrast(evidence)
    if not np.isfinite(noise) or not np.isfinite(contrast).any():
        return NOT_ASSESSABLE
    ratios = contrast / max(noise, 1e-6 * float(np.ptp(evidence.image)) + 1e-12)
    score = float(np.nanmedian(ratios))
    low = beyond(Check.LOW_SNR, ratios).tolist() if RULES[Check.LOW_SNR].is_flagged(score) else []
    sentence = (
        f"the cord stands out from its surroundings by only {score:.1f} times the noise "
        f"(signal {np.nanmedian(signal) / max(noise, 1e-12):.0f} times the noise)"
    )
    return Finding(score, evidence.numbers(evidence.filled[low]), sentence)


def noise_sd(evidence: Evidence) -> float:
    """Estimate the standard deviation of the noise within the cord, in units of the image; NaN with too few voxels."""
    inner = ndimage.binary_erosion(evidence.main, np.ones((1, 3, 3), dtype=bool))
    if np.count_nonzero(inner) < MIN_VOXELS:
        return float("nan")
    response = ndimage.convolve(evidence.image, LAPLACIAN[None].astype(np.float32), mode="nearest")
    return float(np.median(np.abs(response[inner])) / MEDIAN_TO_SD / LAPLACIAN_GAIN)


def _contrast(evidence: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by slice the size of the difference between cord and surroundings, and the size of the cord's signal."""
    found = np.full((2, len(evidence.filled)), np.nan)
    for place, index in enumerate(evidence.filled):
        away = ndimage.distance_transform_edt(~evidence.main[index], sampling=evidence.spacing_mm[1:])
        around = (away > AROUND_MM[0]) & (away <= AROUND_MM[1])
        if around.any():
            cord, outside = (float(np.median(evidence.image[index][part])) for part in (evidence.main[index], around))
            found[:, place] = abs(cord - outside), abs(cord)
    return found[0], found[1]


def partial_field_of_view(evidence: Evidence) -> Finding:
    """Measure how near the cord comes to where the image ends or is blank, within its slices."""
    distances = np.array([_distance_to_end(evidence, int(index)) for index in evidence.filled])
    place = int(distances.argmin())
    number = evidence.numbers([int(evidence.filled[place])])[0]
    sentence = (
        f"image ends or is blank {distances[place]:.1f} mm from the cord at slice {number}{evidence.level_at(number)}"
    )
    slices = evidence.filled[beyond(Check.PARTIAL_FIELD_OF_VIEW, distances)]
    return Finding(float(distances[place]), evidence.numbers(list(slices)), sentence)


def _distance_to_end(evidence: Evidence, index: int) -> float:
    """Return the least width of image between the mask and the end of what was imaged, mm, ``MARGIN_MM`` at most."""
    plane = evidence.image[index]
    # A patch of 3 x 3 voxels without any difference was not measured: noise would differ.
    flat = ndimage.maximum_filter(plane, 3) == ndimage.minimum_filter(plane, 3)
    blank = np.pad(ndimage.binary_dilation(flat, np.ones((3, 3))) & ~evidence.main[index], 1)
    for axis in (0, 1):
        span, edge = evidence.box[axis + 1], np.moveaxis(blank, axis, 0)
        edge[0] |= span.start == 0
        edge[-1] |= span.stop == evidence.work_grid.shape[axis + 1]
    if not blank.any():
        return MARGIN_MM
    pixel_mm = evidence.spacing_mm[1:]
    away = ndimage.distance_transform_edt(~blank, sampling=pixel_mm)[1:-1, 1:-1]
    between = float(away[evidence.main[index]].min()) - min(pixel_mm)  # of centres: neighbours have nothing between
    return float(np.clip(between, 0.0, MARGIN_MM))
