"""Values of a map per tract and level: which slices, which voxels, by which method, and when none is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, resample_array
from napari_spinalq.io.nifti import check_same_grid, load_scan
from napari_spinalq.tracts.estimators import Estimates, Settings, estimate, structure_shares
from napari_spinalq.tracts.maps import TractMaps, TractTissue
from napari_spinalq.tracts.values import Method, TractValue
from napari_spinalq.tracts.voxels import Per, SliceGroup, Voxels, gather_voxels, slice_groups

MIN_EFFECTIVE_VOXELS = 5.0
"""A value from fewer voxels' worth of a tract is refused: its interval would be wider than what disease changes."""

TOO_FEW = f"< {MIN_EFFECTIVE_VOXELS:g} effective voxels"
"""Why such a value is refused."""


def extract(
    map_data: NDArray,
    tracts: TractMaps,
    *,
    metric: str,
    unit: str,
    slice_levels: ArrayLike,
    grid: Grid,
    structures: Sequence[str] | None = None,
    per: Per = "level",
    levels: Iterable[int] | None = None,
    method: Method = Method.MAP,
    mask: NDArray | None = None,
    noise_sd: float | None = None,
    prior_sd: float | None = None,
) -> tuple[TractValue, ...]:
    """Return the values of a map in each structure, per level.

    Parameters
    ----------
    map_data : array, shape ``grid.shape``
        Any quantity, in the axis order of its file. Voxels that are not finite are left out, and counted in the flag.
    tracts : TractMaps
        Shares of the parts on the same grid.
    metric, unit : str
        What the map shows, such as ``"mtr"`` and ``"%"``; passed on.
    slice_levels : (n_slices,) array of int
        Vertebral level of each work-order slice, 0 = none.
    grid : Grid
        Of the map.
    structures : sequence of str, optional
        Keys of tracts and groups; by default all but CSF.
    per : str
        ``"level"``, ``"slice"`` or ``"all"``; see :func:`~napari_spinalq.tracts.voxels.slice_groups`.
    levels : iterable of int, optional
        Only slices of these levels.
    method : Method
        How values are taken.
    mask : array, shape ``grid.shape``, optional
        Only voxels in which it is not zero are used.
    noise_sd, prior_sd : float, optional
        See :class:`~napari_spinalq.tracts.estimators.Settings`.

    Returns
    -------
    tuple of TractValue
        Levels from superior, then structures in the order of the atlas. The value of a group is the mean of its
        tracts by volume. ``sd`` is the weighted standard deviation of the map about its weighted average whatever the
        method: it holds noise, partial volume and what the tract differs by within.

    Raises
    ------
    InputError
        If the map lies on another grid, a structure is not in the atlas, or a wanted level has no slice.
    """
    if map_data.ndim != 3:
        raise InputError(f"A map is 3-D; this one has {map_data.ndim} dimensions.")
    voxels = gather_voxels(map_data, tracts, grid, mask)
    check_slice_levels(slice_levels, grid)
    keys = chosen_structures(tracts, structures)
    groups = slice_groups(cord_slices(voxels, tracts), slice_levels, per, levels)
    settings = Settings(method, noise_sd, prior_sd)
    return tuple(
        value
        for group in groups
        for value in _values(voxels.in_slices(group.slices), tracts, keys, group, settings, metric, unit)
    )


def load_map(path: str | Path, like: Grid, *, resample: bool = False) -> NDArray[np.float32]:
    """Read a map that lies on the grid of a scan.

    Parameters
    ----------
    path : str or Path
        NIfTI file, 3-D; it may hold NaN and Inf where the quantity is not known.
    like : Grid
        Grid of the scan.
    resample : bool
        Interpolate a map on another grid (linear, by RAS position; NaN beyond its field of view and next to unknown
        voxels) instead of refusing it.

    Raises
    ------
    InputError
        If the file is no usable 3-D NIfTI, or lies on another grid.
    """
    scan = load_scan(path, allow_missing=True)
    if scan.data.ndim != 3:
        raise InputError(f"The map {path} has {scan.volumes} volumes; a map is 3-D.")
    if scan.grid.matches(like):
        return np.asarray(scan.data, dtype=np.float32)
    if not resample:
        check_same_grid(scan.grid, like, f"The map {path}")
    data = np.where(np.isfinite(scan.data), scan.data, np.nan)
    return resample_array(data, scan.grid, like, order=1, fill=float("nan"))


def chosen_structures(tracts: TractMaps, structures: Sequence[str] | None) -> tuple[str, ...]:
    """Return the wanted keys, by default all tracts and groups but CSF.

    Raises
    ------
    InputError
        If the atlas has no such structure.
    """
    named = [one.key for one in tracts.tracts if one.tissue is not TractTissue.CSF]
    named += [group.key for group in tracts.groups]
    if structures is None:
        return tuple(named)
    known = {*named, *(one.key for one in tracts.tracts)}
    for key in structures:
        if key not in known:
            raise InputError(f"The atlas {tracts.atlas} has no structure {key!r}; it has {', '.join(named)}.")
    return tuple(structures)


def check_slice_levels(slice_levels: ArrayLike, grid: Grid) -> None:
    """Refuse levels that were made for another number of slices.

    Raises
    ------
    InputError
        If there is not one level for each slice.
    """
    slices = grid.reoriented("SAR").shape[0]
    if np.shape(slice_levels) != (slices,):
        raise InputError(f"There are {np.size(slice_levels)} slice levels for {slices} slices; give one for each.")


def cord_slices(voxels: Voxels, tracts: TractMaps) -> NDArray[np.int_]:
    """Return the work-order slices that hold any part of the cord."""
    cord = [number for number, one in enumerate(tracts.tracts) if one.tissue is not TractTissue.CSF]
    return np.unique(voxels.places[voxels.shares[:, cord].any(axis=1), 0])


def _values(
    voxels: Voxels,
    tracts: TractMaps,
    keys: Sequence[str],
    group: SliceGroup,
    settings: Settings,
    metric: str,
    unit: str,
) -> list[TractValue]:
    """Return the values of all structures in some slices."""
    members = [tracts.index(key) for key in keys]
    lost = missing_voxels(voxels, members)
    finite = voxels.kept(voxels.finite)
    found = estimate(finite, tuple(one.tissue for one in tracts.tracts), members, settings)
    spreads = weighted_spreads(finite, members)[0]
    halves = found.half_widths[0]
    values = []
    for place, key in enumerate(keys):
        value, half = float(found.values[0, place]), float(halves[place])
        numbers = Numbers(value, float(spreads[place]), value - half, value + half)
        values.append(tract_value(key, metric, unit, group, numbers, found, place, lost[place], settings.method))
    return values


class Numbers(NamedTuple):
    """A value, its spread over voxels, and both ends of its interval."""

    value: float
    sd: float
    low: float
    high: float


def tract_value(
    key: str,
    metric: str,
    unit: str,
    group: SliceGroup,
    numbers: Numbers,
    found: Estimates,
    place: int,
    lost: int,
    method: Method,
) -> TractValue:
    """Return the value of a structure, or the refusal of it, with what a reader must know."""
    flag, refused = told(found, place, lost)
    kept = Numbers(*(float("nan"),) * 4) if refused else numbers
    effective = float(found.effective_voxels[place])
    return TractValue(
        key, metric, unit, group.level, group.slices, kept.value, kept.sd, kept.low, kept.high, effective, method, flag
    )


def told(found: Estimates, place: int, lost: int) -> tuple[str, bool]:
    """Return what a reader must know of a structure, and whether its value is refused."""
    parts = [found.refusals[place] or found.remarks[place]]
    few = found.effective_voxels[place] < MIN_EFFECTIVE_VOXELS
    if few:
        parts = [TOO_FEW]
    if lost:
        parts.append(f"{lost} voxel{'s' * (lost > 1)} without a finite value left out")
    return "; ".join(part for part in parts if part), few or bool(found.refusals[place])


def missing_voxels(voxels: Voxels, members: Sequence[tuple[int, ...]]) -> list[int]:
    """Return how many voxels of each structure have no finite value."""
    missing = ~voxels.finite
    return ((structure_shares(voxels.shares, members) > 0) & missing).sum(axis=1).tolist()


def weighted_spreads(voxels: Voxels, members: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return the weighted standard deviation about the weighted average, shape (n_volumes, n_structures).

    NaN for a structure that is not there.
    """
    shares = structure_shares(voxels.shares, members)
    total = shares.sum(axis=1)
    weights = np.divide(shares, total[:, None], out=np.zeros_like(shares), where=total[:, None] > 0)
    means = (weights @ voxels.values).T
    squares = (voxels.values.T[:, None, :] - means[..., None]) ** 2
    return np.where(total > 0, np.sqrt(np.einsum("sn,vsn->vs", weights, squares)), np.nan)
