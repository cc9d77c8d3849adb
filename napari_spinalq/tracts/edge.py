"""How much of each voxel at the edge of the cord is cord, measured in a series: an outline is not exact enough.

Unmixing takes shares as known. A mask drawn by hand or by a network says inside or outside, and lies a fraction of a
voxel off; at 1 mm that alone moves the mean diffusivity of a tract at the edge by some 10 %. The signals of a
diffusion series tell cord and CSF apart in every voxel: CSF is bright without weighting and gone with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order, work_view
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.tracts.estimators import MIN_KNOWN_SHARE
from napari_spinalq.tracts.fit import fit_atlas
from napari_spinalq.tracts.maps import TractMaps, TractTissue
from napari_spinalq.tracts.unmixing import maximum_a_posteriori

ROUNDS = 6
"""Shares and signals are measured in turn; after this many rounds they change by less than noise does."""

NOISE_OVER_PRIOR = 1.0
"""Variance of a voxel's noise over that of a tract about its tissue: tracts with voxels of their own away from the edge
have a signal of their own, thin ones at the edge that of white matter."""

REACH_MM = 1.5
"""The edge moves no farther than this from the outline that was given: beyond it an outline is wrong, not inexact."""

SOME_CORD, ALL_CORD = 0.3, 0.95
"""Voxels with more cord than the first have a composition of tracts of their own; with more than the second, and
neighbours alike, they are not at the edge."""

LEAST_EXPLAINED = 0.5
"""Where cord and CSF together make up less than this of the signal that was expected, something else lies there."""

IN_PLANE = ndimage.generate_binary_structure(2, 1)[None]
"""Neighbours within a slice."""


def measured_edge(data: NDArray, tracts: TractMaps, *, slice_levels: ArrayLike, grid: Grid) -> TractMaps:
    """Return the atlas with the share of cord and CSF at the edge of the cord as the signals show it.

    Parameters
    ----------
    data : array, shape ``grid.shape + (n_volumes,)``
        Motion-corrected diffusion series (or any series in which cord and CSF behave differently), in the axis order
        of its file.
    tracts : TractMaps
        Fitted to an outline of the cord; its last part is CSF.
    slice_levels : (n_slices,) array of int
        Level of each work-order slice; the signals of the parts are taken as one within a level.
    grid : Grid
        Of both.

    Returns
    -------
    TractMaps
        Only voxels within ``REACH_MM`` of the outline change; in each the tracts keep their proportions, those of the
        nearest voxel of the cord where there were none.

    Raises
    ------
    InputError
        If the series has a single volume, or lies on another grid.

    Notes
    -----
    In turn: the signals of the parts by maximum a posteriori from the voxels away from the edge, then in each voxel at
    the edge the amounts c of its cord signal and f of CSF by non-negative least squares over all volumes. The share of
    cord is c / (c + f), which leaves out the gain of the coils and what is neither. As the cord signal of a voxel is
    that of its own tracts, a lesion does not pass for CSF. A level without CSF away from the edge stays as it was.
    """
    if data.ndim != 4 or data.shape[:3] != grid.shape or data.shape[3] < 2:
        raise InputError(
            f"The edge of the cord is measured in a series on the grid of the atlas {grid.shape} with two volumes or "
            f"more; this one has the shape {data.shape}."
        )
    fractions = tracts.fractions.copy()
    shares = np.stack([work_view(part, grid) for part in fractions])
    series, work = to_work_order(np.asarray(data), grid)
    tissues = tuple(one.tissue for one in tracts.tracts)
    cord = shares[[tissue is not TractTissue.CSF for tissue in tissues]]
    for slices in _together(np.asarray(slice_levels, dtype=int), np.asarray(cord.any(axis=(0, 2, 3)))):
        edge = _Edge(shares[:, slices].astype(float), series[slices].astype(float), tissues, work.spacing[1:])
        for _ in range(ROUNDS):
            edge = edge.measured()
        shares[:, slices] = edge.shares
    for part, measured in zip(fractions, shares, strict=True):
        work_view(part, grid)[...] = measured
    return replace(tracts, fractions=fractions)


def fit_atlas_to_series(
    atlas: Atlas,
    mask: NDArray,
    data: NDArray,
    *,
    slice_levels: ArrayLike,
    grid: Grid,
    grey_matter: NDArray | None = None,
    scan: Scan | None = None,
    progress: Progress = silent,
) -> TractMaps:
    """Lay an atlas over a cord whose edge is measured in a series.

    Parameters
    ----------
    atlas : Atlas
        Its parts.
    mask : array, shape ``grid.shape``
        The cord, drawn by hand or found; it may be a voxel off.
    data, slice_levels, grid
        As for :func:`measured_edge`.
    grey_matter, scan : optional
        Passed on to :func:`~napari_spinalq.tracts.fit.fit_atlas`.
    progress : Progress
        Told where the work stands; may stop it.

    Returns
    -------
    TractMaps
        Laid over the mask, then over the cord as the series shows it: on a mask that is too small the tracts would lie
        too far inside.
    """
    half = portion(progress, 0.0, 0.5), portion(progress, 0.5, 1.0)
    first = fit_atlas(atlas, mask, slice_levels, grid, grey_matter=grey_matter, scan=scan, progress=half[0])
    cord = cord_share(measured_edge(data, first, slice_levels=slice_levels, grid=grid))
    second = fit_atlas(atlas, cord, slice_levels, grid, grey_matter=grey_matter, scan=scan, progress=half[1])
    return measured_edge(data, second, slice_levels=slice_levels, grid=grid)


def cord_share(tracts: TractMaps) -> NDArray[np.float32]:
    """Return the share of the cord in every voxel, shape ``grid.shape``."""
    cord = [one.tissue is not TractTissue.CSF for one in tracts.tracts]
    return np.clip(tracts.fractions[cord].sum(axis=0), 0.0, 1.0)


def _together(slice_levels: NDArray[np.int_], present: NDArray[np.bool_]) -> Iterator[NDArray[np.int_]]:
    """Yield the slices of each level that hold cord; those without a level as one."""
    for level in np.unique(slice_levels[present]):
        yield np.flatnonzero(present & (slice_levels == level))


@dataclass(frozen=True, eq=False)
class _Edge:
    """Some slices: shares (n_parts, z, y, x), signals (z, y, x, n_volumes), tissues of the parts, pixel size in mm."""

    shares: NDArray[np.float64]
    series: NDArray[np.float64]
    tissues: tuple[TractTissue, ...]
    pixel_mm: tuple[float, ...]
    first_outline: NDArray[np.bool_] | None = None

    @property
    def csf(self) -> NDArray[np.bool_]:
        """Which parts are CSF, shape (n_parts,)."""
        return np.array([tissue is TractTissue.CSF for tissue in self.tissues])

    def measured(self) -> _Edge:
        """Return the same slices after one round."""
        cord, fluid = self.shares[~self.csf].sum(axis=0), self.shares[self.csf].sum(axis=0)
        outline = cord > 0.5 if self.first_outline is None else self.first_outline
        zone = self._zone(cord, outline) & (cord + fluid >= MIN_KNOWN_SHARE) & np.isfinite(self.series).all(axis=-1)
        if not zone.any() or not (cord > SOME_CORD).any():
            return self
        signals = self._signals((cord + fluid >= MIN_KNOWN_SHARE) & ~zone)
        if not signals[self.csf].any() or not signals[~self.csf].any():
            return self
        makeup = self._makeup(cord, zone)
        inside, explained = _amounts(self.series[zone], makeup.T @ signals[~self.csf], signals[self.csf].sum(axis=0))
        share = np.where(explained >= LEAST_EXPLAINED, inside, cord[zone]) * (cord + fluid)[zone]
        shares = self.shares.copy()
        new = np.empty((len(shares), int(zone.sum())))
        new[~self.csf], new[self.csf] = makeup * share, ((cord + fluid)[zone] - share) / self.csf.sum()
        shares[:, zone] = new
        return replace(self, shares=shares, first_outline=outline)

    def _zone(self, cord: NDArray[np.float64], outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the voxels at the edge: next to cord and not deep in it, and near the outline that was given."""
        deep = ndimage.binary_erosion(cord > ALL_CORD, IN_PLANE)
        near = ndimage.binary_dilation(cord > SOME_CORD, IN_PLANE) & ~deep
        sampling = (1e6, *self.pixel_mm)
        away = np.where(
            outline,
            ndimage.distance_transform_edt(outline, sampling=sampling),
            ndimage.distance_transform_edt(~outline, sampling=sampling),
        )
        return near & (away <= REACH_MM)

    def _signals(self, used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the signal of each part from voxels away from the edge, shape (n_parts, n_volumes)."""
        used = used & np.isfinite(self.series).all(axis=-1)
        prior = np.ones(len(self.tissues))
        unmixing = maximum_a_posteriori(self.shares[:, used].T, self.tissues, NOISE_OVER_PRIOR, prior)
        return unmixing.operator @ self.series[used]

    def _makeup(self, cord: NDArray[np.float64], zone: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return what the cord in each voxel of the zone is made of, shape (n_cord_parts, n_zone), sums 1."""
        _, places = ndimage.distance_transform_edt(
            cord <= SOME_CORD, sampling=(1e6, *self.pixel_mm), return_indices=True
        )
        own = tuple(axis[zone] for axis in places)
        return self.shares[~self.csf][(slice(None), *own)] / cord[own]


def _amounts(
    values: NDArray[np.float64], cord: NDArray[np.float64], csf: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of cord among cord and CSF, and how much of the signal both make up, each shape (n,).

    Non-negative least squares of values (n, n_volumes) on two signals, cord (n, n_volumes) and csf (n_volumes,), in
    closed form: where one amount would be negative it is zero, and the other is fitted alone.
    """
    both, cord_size, csf_size = cord @ csf, (cord**2).sum(axis=1), csf @ csf
    on_cord, on_csf = (cord * values).sum(axis=1), values @ csf
    apart = np.maximum(cord_size * csf_size - both**2, np.finfo(float).tiny)
    inside, outside = (on_cord * csf_size - on_csf * both) / apart, (on_csf * cord_size - on_cord * both) / apart
    alone = np.where(outside < 0, on_cord / cord_size, inside), np.where(inside < 0, on_csf / csf_size, outside)
    inside, outside = (np.maximum(amount, 0.0) for amount in alone)
    total = inside + outside
    return np.divide(inside, total, out=np.zeros_like(total), where=total > 0), total
