"""What lies between two scans of an exam: the person moves, and echo-planar images bend. Known in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom import corruption
from napari_spinalq.phantom.design import ExamDesign
from napari_spinalq.phantom.diffusion import default_scheme, tensor_signals
from napari_spinalq.phantom.make import SAMPLING
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, N_TISSUES, Tissue, membership, signal_row
from napari_spinalq.scan import Scan

BEND_ACROSS_MM, BEND_ALONG_MM = 60.0, 70.0
"""Wavelengths of the bend from left to right and along the stack, mm: the field of the magnet varies over lengths like
those of the neck and of two or three vertebrae."""


@dataclass(frozen=True, eq=False)
class Distortion:
    """Where a point of the body is seen in a scan: turned and shifted within the slice, then bent along one axis.

    With offsets x to the right and y to anterior of the slice from ``centre_mm`` after the motion, and z along the
    stack, y is seen at ``(1 + scale) y + shear x + bend sin(2 pi z / BEND_ALONG_MM) cos(2 pi x / BEND_ACROSS_MM)``.
    x and z stay, so the way back is known exactly.

    Attributes
    ----------
    frame : (3, 3) array
        Unit vectors right, anterior and normal of the slices, as columns in RAS.
    centre_mm : (3,) array
        RAS mm.
    shift_mm : tuple of 2 float
        Motion to the right and to anterior, mm.
    turn_deg : float
        Motion about the normal, degrees, right towards anterior.
    scale, shear : float
        Along the phase-encoding axis (anterior), per mm.
    bend_mm : float
        Amplitude of the smooth part along that axis, mm.
    """

    frame: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    shift_mm: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    bend_mm: float = 0.0

    def seen_at(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the body, shape (..., 3), RAS mm, are seen in the scan."""
        x, y, z = np.moveaxis((np.asarray(points_mm) - self.centre_mm) @ self.frame, -1, 0)
        cosine, sine = self._turn
        x, y = cosine * x - sine * y + self.shift_mm[0], sine * x + cosine * y + self.shift_mm[1]
        return self._world(x, (1 + self.scale) * y + self.shear * x + self._bend(x, z), z)

    def body_at(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return which points of the body are seen at points of the scan, the inverse of :meth:`seen_at`."""
        x, y, z = np.moveaxis((np.asarray(points_mm) - self.centre_mm) @ self.frame, -1, 0)
        y = (y - self.shear * x - self._bend(x, z)) / (1 + self.scale)
        x, y = x - self.shift_mm[0], y - self.shift_mm[1]
        cosine, sine = self._turn
        return self._world(cosine * x + sine * y, -sine * x + cosine * y, z)

    @property
    def _turn(self) -> tuple[float, float]:
        angle = np.radians(self.turn_deg)
        return float(np.cos(angle)), float(np.sin(angle))

    def _bend(self, x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.bend_mm * np.sin(2 * np.pi * z / BEND_ALONG_MM) * np.cos(2 * np.pi * x / BEND_ACROSS_MM)

    def _world(self, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([x, y, z], axis=-1) @ self.frame.T + self.centre_mm


@dataclass(frozen=True, eq=False)
class DistortedScan:
    """A scan of a body that moved and was bent, with its truth on the scan's own grid.

    Attributes
    ----------
    scan : Scan
        3-D image; the mean over the diffusion weighted volumes where the contrast is diffusion.
    cord, grey_matter : arrays of float32
        Share of each voxel.
    levels : array of uint8
        Vertebral level of voxels at least half in the cord.
    """

    scan: Scan
    cord: NDArray[np.float32]
    grey_matter: NDArray[np.float32]
    levels: NDArray[np.uint8]


def slice_frame(grid: Grid) -> NDArray[np.float64]:
    """Return the directions right, anterior and normal (to superior) of axial slices, as columns in RAS."""
    work = grid.reoriented("RAS")
    return work.affine[:3, :3] / np.asarray(work.spacing)


def distorted_scan(
    design: ExamDesign, grid: Grid, contrast: Contrast, distortion: Distortion, *, noise_sd: float = 0.0, seed: int = 0
) -> DistortedScan:
    """Simulate a scan of a body that moved and was bent.

    Parameters
    ----------
    design : ExamDesign
        Who is scanned.
    grid : Grid
        Of the scan.
    contrast : Contrast
        ``T2W``, ``T2STAR``, ``MT`` (with the pulse) or ``DWI`` (mean weighted image).
    distortion : Distortion
        What happened.
    noise_sd : float
        Standard deviation of Rician noise, signal units.
    seed : int
        Of the noise.
    """
    anatomy = design.anatomy()
    columns = [_mean_signal(contrast), membership(CORD_TISSUES), membership((Tissue.GREY_MATTER,))]
    bent = _through(anatomy.tissues, distortion)
    image, cord, grey = average_over_voxels(bent, grid, np.stack(columns, axis=1), SAMPLING)
    levels = np.zeros(grid.shape, dtype=np.uint8)
    index = np.argwhere(cord >= 0.5)
    arcs = anatomy.curvilinear(distortion.body_at(grid.voxel_to_mm(index)))[0]
    levels[tuple(index.T)] = anatomy.cord.levels(np.minimum(arcs, anatomy.cord.top_mm - 1e-6))
    noisy = corruption.add_rician_noise(image, noise_sd, np.random.default_rng(seed)) if noise_sd else image
    return DistortedScan(
        Scan(noisy.astype(np.float32), grid, contrast), cord.astype(np.float32), grey.astype(np.float32), levels
    )


def _through(
    tissues: Callable[[NDArray[np.float64]], NDArray[np.uint8]], distortion: Distortion
) -> Callable[[NDArray[np.float64]], NDArray[np.uint8]]:
    return lambda points_mm: tissues(distortion.body_at(points_mm))


def _mean_signal(contrast: Contrast) -> NDArray[np.float64]:
    """Return the signal of each tissue; of diffusion the mean over the weighted volumes, fibres along the stack."""
    if contrast is Contrast.MT:
        return signal_row("mt_off") * (1 - signal_row("mtr_percent") / 100)
    if contrast is not Contrast.DWI:
        return signal_row(contrast.value)
    scheme = default_scheme()
    fibres = np.tile([0.0, 0.0, 1.0], (N_TISSUES, 1))
    b0, fa, md = (signal_row(name) for name in ("b0", "fa", "md"))
    return tensor_signals(np.eye(N_TISSUES), fibres, b0, fa, md, scheme)[:, ~scheme.unweighted].mean(axis=1)
