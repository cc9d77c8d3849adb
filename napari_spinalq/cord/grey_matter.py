"""Grey matter of the cord: an expected butterfly fitted to every slice, then weighed against each voxel's own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.cord.butterfly_fit import ButterflyFit, fit_butterfly
from napari_spinalq.cord.butterfly_model import GENERIC_LEVEL, butterfly_model
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.cord_slices import CordSlice, arcs_mm, cord_of_scan
from napari_spinalq.cord.ends import slice_ranges
from napari_spinalq.cord.gm_contrast import MIN_CONTRAST_TO_NOISE, GreyMatterContrast, grey_matter_contrast
from napari_spinalq.cord.network import soft_maps
from napari_spinalq.cord.segment import MASK_LEVEL
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

NOT_MEASURABLE = "GM not measurable on this scan: no contrast between grey and white matter"
"""Said instead of drawing a butterfly that the scan does not show."""

PHYSICAL_EDGE, READER_EDGE = 0.5, 0.45
"""Share of the grey-white contrast at which a voxel counts as grey matter: half is the physical edge, unbiased on
phantoms; readers take in voxels that are a little darker, more so in horns one voxel wide."""

MAX_INTENSITY_WEIGHT = 12.0
"""A voxel's own value counts by the squared contrast-to-noise ratio (its inverse is the variance of the share of grey
matter read from it), up to this limit: texture that no noise figure describes leaves 0.3 of the contrast."""

PLACE_SPREAD_MM = 0.3
"""Standard deviation of the fitted edge's place, mm: voxels this near to it are uncertain."""

MAP_VARIANCE = 0.3
"""Variance of the network's share of grey matter in a voxel near the outline's edge. Weighing network and outline by
it explains the truth best in the median of 16 digital scans (0.05 at little contrast, 3 at very much); the network's
own error there is 0.02-0.04, but goes along with that of the outline, so it tells less than that."""

TRUSTED_DEPTH_MM = 0.5
"""The value of a voxel nearer than this (mm) to the edge of the cord counts less: it holds CSF."""

ALONG_CORD_MM = 5.0
"""A slice's expected shape is drawn from its neighbours with this standard deviation along the cord, mm."""

ALONG_CORD_SHARE = 0.5
"""Part of the neighbours' departure from the mean shape that is expected in a slice."""

COARSE_PIXEL_MM = 0.7
"""On larger pixels a dorsal horn is thinner than a pixel: on digital cords the area then errs by 10 %, towards the
expected shape, against 2 to 4 % at 0.5 mm."""

CONTRAST_WINDOW = 5
"""The contrast of a slice is the median over this many slices: coils shade a scan slowly along the cord."""


@dataclass(frozen=True, eq=False)
class GreyMatterSegmentation:
    """The grey matter of a scan.

    Attributes
    ----------
    mask : array of uint8, shape and axis order of the scan's grid
        1 for grey matter; empty where ``measurable`` is False.
    soft : array of float32, same shape
        Share of grey matter, 0..1.
    measurable : bool
        Whether the scan shows grey matter at all.
    contrast_to_noise : float
        Median over slices of grey less white over noise, negative where grey matter is darker.
    flags : tuple of str
        What a reader should look at.
    parameters : dict
        What was used and found, fit for JSON.
    """

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    measurable: bool
    contrast_to_noise: float
    flags: tuple[str, ...]
    parameters: dict[str, Any]


def segment_grey_matter(
    scan: Scan,
    cord_mask: NDArray,
    centerline: Centerline,
    *,
    slice_levels: ArrayLike | None = None,
    edge_level: float = READER_EDGE,
    other_soft: NDArray | None = None,
    with_network: bool = True,
    progress: Progress = silent,
) -> GreyMatterSegmentation:
    """Segment the grey matter of the cord, brighter or darker than white matter; see ``docs/segmentation.md``.

    Parameters
    ----------
    scan, cord_mask, centerline
        As for :func:`~napari_spinalq.cord.canal.segment_canal`.
    slice_levels : (n_slices,) array of int, optional
        Vertebral level of each slice from inferior (1 = C1, 0 = unknown); by default a mid-cervical shape is expected.
    edge_level : float
        Share of the grey-white contrast at which a voxel counts as grey matter: ``READER_EDGE`` as readers draw (the
        default), ``PHYSICAL_EDGE`` for areas without bias.
    other_soft : array, shape ``scan.grid.shape``, optional
        Share of grey matter from elsewhere (0..1), in place of the network's: see :func:`combine_evidence`.
    with_network : bool
        Whether the built-in network is asked, where no other map is given.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    GreyMatterSegmentation
        ``measurable`` is False, and nothing is drawn, where the scan shows no contrast.

    Raises
    ------
    InputError
        If the mask is empty or of another shape, or an argument is out of range.
    """
    _check(scan, edge_level, other_soft)
    work, _, slices = cord_of_scan(scan, cord_mask)
    levels = _levels_of(slices, slice_levels, work.grid.shape[0])
    contrast = grey_matter_contrast(slices, levels)
    fits: list[ButterflyFit | None] = [None] * len(slices)
    other = None if other_soft is None else reorient_array(np.asarray(other_soft, float), scan.grid, "SAR")[0]
    if contrast.measurable:
        places_mm = arcs_mm(slices, centerline, work.grid)
        fits = _fit_all(slices, levels, places_mm, contrast.polarity, portion(progress, 0.05, 0.95))
        if other is None and with_network:
            other = _network_map(work, slices, contrast.polarity)
    soft, _ = reorient_array(_drawn(slices, fits, work.grid, edge_level, other), work.grid, scan.grid.axis_codes)
    progress(1.0, "grey matter segmented")
    return GreyMatterSegmentation(
        mask=(soft >= MASK_LEVEL).astype(np.uint8),
        soft=soft,
        measurable=any(fit is not None for fit in fits),
        contrast_to_noise=contrast.contrast_to_noise,
        flags=_flags(slices, fits, work.grid.shape[0]),
        parameters=_parameters(contrast, fits, edge_level, slice_levels is not None, other is not None),
    )


def _network_map(work: Scan, slices: list[CordSlice], polarity: int) -> NDArray[np.float32]:
    """Return the share of grey matter that the fine model sees in the slices of the cord, work order.

    Values are turned so that grey matter is the brighter: a negated scan holds the same grey matter.
    """
    path_mm, chosen = np.zeros((work.grid.shape[0], 2)), np.zeros(work.grid.shape[0], dtype=bool)
    for piece in slices:
        path_mm[piece.index], chosen[piece.index] = piece.centre_mm, True
    return soft_maps(polarity * work.data, work.grid, path_mm, slices=chosen).gm


def _drawn(
    slices: list[CordSlice], fits: list[ButterflyFit | None], grid: Grid, edge_level: float, other: NDArray | None
) -> NDArray[np.float32]:
    """Put the evidence of all slices together, work order; a slice without a fit stays empty."""
    soft = np.zeros(grid.shape, np.float32)
    for piece, fit in zip(slices, fits, strict=True):
        if fit is not None:
            elsewhere = None if other is None else other[piece.index][piece.box]
            soft[piece.index][piece.box] = combine_evidence(piece, fit, edge_level, elsewhere)
    return soft


def combine_evidence(
    piece: CordSlice, fit: ButterflyFit, edge_level: float = READER_EDGE, other: NDArray | None = None
) -> NDArray[np.float32]:
    """Weigh the fitted outline, each voxel's own value and, if there is one, a map from elsewhere.

    The share of grey matter expected in a voxel is the outline's coverage c, with the variance p (1 - p) of being on
    either side of an edge whose place is known to ``PLACE_SPREAD_MM`` (p: coverage blurred by it). The value's place x
    between white (0) and grey (1) is a second measurement of the same share with variance 1 / CNR^2; the result is
    their mean weighted by the inverse variances (Kalman 1960, doi:10.1115/1.3662552). Another map is a third one, with
    the variance ``MAP_VARIANCE``: the less contrast the voxels show, the more it counts.

    Parameters
    ----------
    piece, fit : CordSlice, ButterflyFit
        A slice and its fitted outline.
    edge_level : float
        As in :func:`segment_grey_matter`; values are shifted so that this one counts as half.
    other : (n_y, n_x) array, optional
        Share or probability of grey matter from elsewhere.

    Returns
    -------
    (n_y, n_x) array of float32
        0..1, at most the cord's own share of the voxel.
    """
    expected = fit.cover
    nearby = ndimage.gaussian_filter(expected, [PLACE_SPREAD_MM / side for side in piece.block.pixel_mm])
    variance = nearby * (1.0 - nearby)
    if other is not None:
        gain = variance / (variance + MAP_VARIANCE)
        expected, variance = expected + gain * (other - expected), variance * (1.0 - gain)
    variance = variance * np.clip(piece.depth_mm / TRUSTED_DEPTH_MM, 0.0, 1.0)
    noise = 1.0 / max(min(MAX_INTENSITY_WEIGHT, fit.contrast_to_noise**2), 1e-6)
    value = np.clip((piece.values - fit.white) / fit.contrast, -0.5, 1.5) + PHYSICAL_EDGE - edge_level
    share = expected + variance / (variance + noise) * (value - expected)
    return np.minimum(np.clip(share, 0.0, 1.0), piece.cover).astype(np.float32)


def _check(scan: Scan, edge_level: float, other_soft: NDArray | None) -> None:
    if other_soft is not None and np.shape(other_soft) != scan.grid.shape:
        raise InputError(
            f"The other grey-matter map has shape {np.shape(other_soft)} but {scan.name} has {scan.grid.shape}; "
            "use its grid."
        )
    if not 0.2 <= edge_level <= 0.8:
        raise InputError(f"An edge level of {edge_level:g} is not sensible; give a share of the contrast, 0.2 to 0.8.")


def _levels_of(slices: list[CordSlice], slice_levels: ArrayLike | None, n_slices: int) -> NDArray[np.float64]:
    """Return the level of each piece; unknown ones take that of the nearest known slice, or the generic one."""
    if slice_levels is None:
        return np.full(len(slices), GENERIC_LEVEL)
    levels = np.asarray(slice_levels, dtype=float)
    if levels.shape != (n_slices,) or not np.isfinite(levels).all() or levels.min() < 0:
        raise InputError(
            f"The slice levels must be one number of 0 or more for each of the {n_slices} axial slices, "
            f"not an array of shape {levels.shape}."
        )
    known = np.flatnonzero(levels)
    if not len(known):
        return np.full(len(slices), GENERIC_LEVEL)
    return np.array([levels[known[np.argmin(np.abs(known - piece.index))]] for piece in slices])


def _fit_all(
    slices: list[CordSlice],
    levels: NDArray[np.float64],
    places_mm: NDArray[np.float64],
    polarity: int,
    progress: Progress,
) -> list[ButterflyFit | None]:
    """Fit every slice by itself, then again with what its neighbours say about shape and contrast.

    A slice in which grey matter does not stand out by itself gets no fit and tells its neighbours nothing.
    """
    models = [butterfly_model(float(level)) for level in levels]
    first: dict[int, ButterflyFit] = {}
    for index, (piece, model) in enumerate(zip(slices, models, strict=True)):
        progress(0.7 * index / len(slices), "fitting grey matter")
        fit = fit_butterfly(piece, model) if piece.readable else None
        if fit is not None and polarity * fit.contrast_to_noise >= MIN_CONTRAST_TO_NOISE:
            first[index] = fit
    clear = list(first)
    final: list[ButterflyFit | None] = [None] * len(slices)
    if not clear:
        return final
    expected = _expected_weights(list(first.values()), places_mm[clear])
    contrasts = ndimage.median_filter(
        np.array([fit.contrast for fit in first.values()]), min(CONTRAST_WINDOW, len(clear)), mode="nearest"
    )
    for done, index in enumerate(clear):
        progress(0.7 + 0.3 * done / len(clear), "fitting grey matter along the cord")
        final[index] = fit_butterfly(
            slices[index],
            models[index],
            start=first[index].weights,
            expected=expected[done],
            contrast=float(contrasts[done]),
        )
    return final


def _expected_weights(fits: list[ButterflyFit], places_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mode weights that a slice's neighbourhood lets expect in it, shape (n_slices, n_modes)."""
    weights = np.stack([fit.weights for fit in fits])
    near = np.exp(-((places_mm[:, None] - places_mm) ** 2) / (2 * ALONG_CORD_MM**2))
    return ALONG_CORD_SHARE * (near @ weights) / near.sum(axis=1, keepdims=True)


def _flags(slices: list[CordSlice], fits: list[ButterflyFit | None], n_slices: int) -> tuple[str, ...]:
    if not any(fit is not None for fit in fits):
        return (NOT_MEASURABLE,)
    flags = []
    empty = np.zeros(n_slices, dtype=bool)
    empty[[piece.index for piece, fit in zip(slices, fits, strict=True) if fit is None]] = True
    if empty.any():
        where = slice_ranges(empty)
        flags.append(f"grey matter left out in slices {where}: it does not stand out from white matter there")
    pixel_mm = max(slices[0].block.pixel_mm)
    if pixel_mm > COARSE_PIXEL_MM:
        flags.append(f"grey matter on pixels of {pixel_mm:.2g} mm: its area leans on the expected shape")
    return tuple(flags)


def _parameters(
    contrast: GreyMatterContrast, fits: list[ButterflyFit | None], edge_level: float, by_level: bool, with_other: bool
) -> dict[str, Any]:
    return {
        "method": "fitted butterfly and voxel values",
        "edge_level": edge_level,
        "measurable": any(fit is not None for fit in fits),
        "contrast_to_noise": round(contrast.contrast_to_noise, 3),
        "contrast_significance": round(contrast.significance, 2),
        "grey_matter_is": "brighter" if contrast.polarity > 0 else "darker",
        "shape_by_level": by_level,
        "with_other_map": with_other,
    }
