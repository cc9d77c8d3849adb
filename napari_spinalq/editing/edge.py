"""Which voxels under a brush belong to the tissue that the stroke began on.

The grey level r of the tissue is read under the start of the stroke; where two tissues meet there, it is that of the
one whose side the start lies on (Otsu's threshold), so that a stroke may begin on a voxel that is partly another. A
voxel of value v next to another tissue of extreme value e (the largest or smallest value around it) is more than half
of that other tissue, by partial volume, once |v - r| > |e - r| / 2: the half-maximum edge, which is also where
:mod:`napari_spinalq.cord.boundary` puts the outline. Where nothing else is near, e differs from r by noise alone, and
noise is no edge: a voxel within ``NOISE_FACTOR`` standard deviations always belongs. Of the voxels that pass, those are
painted that touch the pointer's voxel through faces, so that the same grey level beyond an edge (a ring of partial
volume between CSF and bone has that of the cord) is left alone.

References
----------
Adams and Bischof 1994, IEEE Trans Pattern Anal Mach Intell 16:641, doi:10.1109/34.295913 (growing from a seed).
Otsu 1979, IEEE Trans Syst Man Cybern 9:62, doi:10.1109/TSMC.1979.4310076.
Rousseeuw and Croux 1993, J Am Stat Assoc 88:1273, doi:10.1080/01621459.1993.10476408 (scale from the median of
absolute values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_spinalq.editing.planes import Window
from napari_spinalq.editing.stroke import nearest_voxel
from napari_spinalq.errors import InputError

NEIGHBOURHOOD = 5
"""The extreme value near a voxel is taken over this many voxels a side: an edge is blurred over two or three, so the
pure tissue beyond it is within two."""

SEED_SIDE = 3
"""The value under the start is the median over this many voxels a side: one voxel alone is noisy."""

CLEAR_STEP = 4.0
"""Two tissues around the start are told apart if their means differ by this many standard deviations of the noise: half
of noise alone differs from the other half by 1.6."""

NOISE_FACTOR = 2.5
"""Deviations up to this many standard deviations of the noise are no edge: 99 % of one tissue."""

NOISE_REACH = 8
"""Noise is measured over the brush and this many voxels around it: enough differences for a small brush."""

NORMAL_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal variable."""

SMALL_HOLE_VOXELS = 2
"""Gaps of up to this many voxels in what is painted are noise, and are painted too."""


@dataclass(frozen=True, eq=False)
class EdgeRule:
    """The tissue that a stroke began on.

    Attributes
    ----------
    image : array, shape (z, y, x)
        Grey values.
    level : float
        Grey level of the tissue.
    seed : (3,) array of int
        Voxel under the start of the stroke: it belongs to the tissue, whatever noise did to it.
    flat_axis : int
        Neighbours are looked at within planes across this axis.
    """

    image: NDArray
    level: float
    seed: NDArray[np.int_]
    flat_axis: int

    @classmethod
    def at(cls, image: NDArray | None, shape: tuple[int, ...], start: NDArray[np.float64], flat_axis: int) -> EdgeRule:
        """Read the tissue under the start of a stroke.

        Parameters
        ----------
        image : array, shape ``shape``
            Grey values.
        shape : tuple of int
            Of the mask.
        start : (3,) array
            Fractional voxel.
        flat_axis : int
            Axis across the planes in which neighbours are looked at: that of the displayed plane, or of the thickest
            voxels.

        Raises
        ------
        InputError
            If there is no image of that shape, or the start lies outside of it.
        """
        if image is None or image.shape != shape:
            raise InputError("An edge-aware brush needs the scan that the mask lies on; open it or turn edges off.")
        seed = nearest_voxel(start)
        if (seed < 0).any() or (seed >= np.asarray(shape)).any():
            raise InputError("An edge-aware stroke must begin inside of the image; begin on the tissue to paint.")
        inner, middle, wide = (
            image[_around(seed, side, flat_axis)].astype(np.float32)
            for side in (SEED_SIDE, NEIGHBOURHOOD, 2 * NOISE_REACH + 1)
        )
        level = _side_of_edge(float(np.median(inner)), middle.ravel(), _noise(wide, flat_axis))
        return cls(image, level, seed, flat_axis)

    def kept(self, window: Window, hit: NDArray[np.bool_], pointer: NDArray[np.int_]) -> NDArray[np.bool_]:
        """Return which voxels under the brush belong to the tissue.

        Parameters
        ----------
        window : three slices
            Box of voxels.
        hit : array of bool, shape of the box
            Under the brush.
        pointer : (n, 3) array of int
            Voxels under the pointer, counted within the box; without one of the tissue nothing is kept.
        """
        alike = hit & self._alike(window)
        local = tuple(int(at) - box.start for at, box in zip(self.seed, window, strict=True))
        if all(0 <= at < size for at, size in zip(local, hit.shape, strict=True)):
            alike[local] |= hit[local]
        labels = ndimage.label(alike)[0]
        reached = np.unique(labels[tuple(pointer.T)])
        kept = np.isin(labels, reached[reached > 0])
        return kept | (hit & _small_gaps(kept)) if kept.any() else kept

    def _alike(self, window: Window) -> NDArray[np.bool_]:
        wide = tuple(
            box if axis == self.flat_axis else slice(max(0, box.start - NOISE_REACH), box.stop + NOISE_REACH)
            for axis, box in enumerate(window)
        )
        values = self.image[wide].astype(np.float32) - np.float32(self.level)
        size = [1 if axis == self.flat_axis else NEIGHBOURHOOD for axis in range(3)]
        noise = NOISE_FACTOR * _noise(values, self.flat_axis)
        above = np.maximum(ndimage.maximum_filter(values, size) / 2, noise)
        below = np.minimum(ndimage.minimum_filter(values, size) / 2, -noise)
        inner = tuple(
            slice(box.start - outer.start, box.stop - outer.start) for box, outer in zip(window, wide, strict=True)
        )
        return ((values <= above) & (values >= below))[inner]


def _around(voxel: NDArray[np.int_], side: int, flat_axis: int) -> Window:
    """Return the box of some voxels a side around a voxel, one voxel thick along ``flat_axis``."""
    z, y, x = (
        slice(max(0, at - reach), at + reach + 1)
        for at, reach in zip(voxel.tolist(), (0 if axis == flat_axis else side // 2 for axis in range(3)), strict=True)
    )
    return z, y, x


def _noise(values: NDArray[np.float32], flat_axis: int) -> float:
    """Return the standard deviation of the noise: from differences of neighbours, of which edges spoil a minority."""
    axes = [axis for axis in range(3) if axis != flat_axis]
    steps = np.concatenate([np.abs(np.diff(values, axis=axis)).ravel() for axis in axes])
    return float(np.median(steps)) / (NORMAL_MEDIAN * np.sqrt(2.0)) if len(steps) else 0.0


def _side_of_edge(value: float, around: NDArray[np.float32], noise: float) -> float:
    """Return the level of the tissue on whose side a value lies, the value itself where there is one tissue."""
    around = around[np.isfinite(around)]
    if not len(around) or around.min() == around.max():
        return value
    threshold = threshold_otsu(around)
    low, high = around[around <= threshold], around[around > threshold]
    if high.mean() - low.mean() <= CLEAR_STEP * noise:
        return value
    return float(np.median(low if value <= threshold else high))


def _small_gaps(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(~kept)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= SMALL_HOLE_VOXELS
    small[0] = False
    return small[labels]
