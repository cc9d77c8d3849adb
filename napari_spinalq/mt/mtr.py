"""The magnetisation transfer ratio of two images, with and without the saturating pulse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError

FLOOR_SHARE = 0.05
"""An unsaturated signal below this share of its median in the cord (or, without a mask, of its 99th percentile in the
image) is taken for noise: a ratio to it means nothing. Cord and fluid lie near 1, air below 0.03 in usual scans."""

BRIGHT_PERCENTILE = 99.0
"""What stands for the signal of tissue where the cord is not known, percent."""


def mtr(on: NDArray, off: NDArray, *, mask: NDArray | None = None, floor: float | None = None) -> NDArray[np.float32]:
    """Return the magnetisation transfer ratio, 100 (off - on) / off, in percent.

    Definition by Dousset et al. 1992, Radiology 182:483, doi:10.1148/radiology.182.2.1732968. Both images must lie on
    one grid, the cord in the same place. Values below zero (noise, or motion between the scans) are kept.

    Parameters
    ----------
    on, off : arrays of one shape
        Signal with and without the pulse, the same scale; NaN where one was not measured.
    mask : array, optional
        Cord, above 0.5: used to find the floor and to notice images given the wrong way round.
    floor : float, optional
        Unsaturated signal that counts as none, in units of the images; by default ``FLOOR_SHARE`` of the signal.

    Returns
    -------
    array of float32
        NaN where ``off`` is not above the floor; never infinite.

    Raises
    ------
    InputError
        If the shapes differ, the mask is empty or lies where nothing was measured, or the cord is brighter with the
        pulse than without it.

    Examples
    --------
    >>> mtr(np.array([60.0, 5.0]), np.array([100.0, 0.0]), floor=0.0).tolist()
    [40.0, nan]
    """
    if on.shape != off.shape:
        raise InputError(
            f"The images with and without the MT pulse have different shapes ({on.shape} and {off.shape}); "
            "align one to the other first."
        )
    saturated, reference = np.asarray(on, dtype=np.float64), np.asarray(off, dtype=np.float64)
    low = signal_floor(reference, mask) if floor is None else max(floor, 0.0)
    if mask is not None:
        _check_order(saturated, reference, _inside(mask, on.shape))
    known = reference > low
    ratio = np.full(on.shape, np.nan)
    ratio[known] = 100 * (1 - saturated[known] / reference[known])
    return ratio.astype(np.float32)


def signal_floor(off: NDArray, mask: NDArray | None = None) -> float:
    """Return the unsaturated signal at and below which a voxel holds no measurable tissue, in units of the image."""
    tissue = off if mask is None else off[_inside(mask, off.shape)]
    measured = tissue[np.isfinite(tissue)]
    if not measured.size:
        raise InputError("The image without the MT pulse does not cover the cord; check the headers of both images.")
    return FLOOR_SHARE * max(float(np.percentile(measured, BRIGHT_PERCENTILE if mask is None else 50.0)), 0.0)


def _inside(mask: NDArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape != shape:
        raise InputError(f"The cord mask has the shape {mask.shape}, the MT images {shape}; resample it to them.")
    inside = np.asarray(mask) > 0.5
    if not inside.any():
        raise InputError("The cord mask of the MT images is empty; segment the cord first.")
    return inside


def _check_order(on: NDArray[np.float64], off: NDArray[np.float64], cord: NDArray[np.bool_]) -> None:
    """Refuse images given the wrong way round: the pulse takes signal from the cord and never adds any."""
    with_pulse, without = float(np.nanmedian(on[cord])), float(np.nanmedian(off[cord]))
    if with_pulse > without:
        raise InputError(
            f"The cord is brighter with the MT pulse than without it (median {with_pulse:.4g} against {without:.4g}); "
            "the two images seem to be swapped, or differ in scale: check which is which."
        )
