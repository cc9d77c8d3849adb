"""One stack of a digital neck, integrated once and shown in any contrast: many scans of known truth at little cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom import corruption
from napari_spinalq.phantom.contrasts import contrast_signals
from napari_spinalq.phantom.make import SAMPLING
from napari_spinalq.phantom.sampling import LabelAt, average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, WHITE_TISSUES, Tissue
from napari_spinalq.phantom.variants import CAUDA, LESION, N_LABELS
from napari_spinalq.scan import Scan

SIGNED = "psir"
"""The contrast whose values keep their sign."""

CONTRAST_OF = {"mt_on": Contrast.MT, "mt_off": Contrast.MT, "b0": Contrast.DWI, "mean_dwi": Contrast.DWI}
"""What a scan of a contrast says it is, where that is not its name up to the first ``_``."""

BLOCK_MM3 = 150_000.0
"""Volume that is integrated at a time, mm3: some 200 MB on 0.35 x 0.35 x 1 mm cells."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Share of each tissue in every voxel, (N_LABELS,) + grid.shape, then of lesions and of roots within the sac."""

    shares: NDArray[np.float32]
    grid: Grid

    def _sum(self, *tissues: int) -> NDArray[np.float32]:
        return self.shares[list(tissues)].sum(axis=0)

    @property
    def cord(self) -> NDArray[np.float32]:
        """Share of the cord, lesions included."""
        return self._sum(*CORD_TISSUES, LESION)

    @property
    def grey_matter(self) -> NDArray[np.float32]:
        """Share of grey matter."""
        return self._sum(Tissue.GREY_MATTER)

    @property
    def sac(self) -> NDArray[np.float32]:
        """Share of cord, fluid and the roots in it."""
        return self.cord + self._sum(Tissue.CSF, CAUDA)

    def scan(
        self, contrast: str, *, snr: float = np.inf, lesion: float = 1.0, bias: float = 0.25, seed: int = 0
    ) -> Scan:
        """Show the piece in a contrast.

        Parameters
        ----------
        contrast : str
            One of :data:`~napari_spinalq.phantom.contrasts.CONTRASTS`.
        snr : float
            The brighter of white and grey matter over the standard deviation of the noise in each channel.
        lesion : float
            Signal of lesions between white matter (0) and fluid (1).
        bias : float
            Swing of the smooth intensity bias.
        seed : int
            Of bias and noise.
        """
        signals = contrast_signals(contrast)
        white, fluid = signals[Tissue.WHITE_MATTER], signals[Tissue.CSF]
        row = np.r_[signals, white + lesion * (fluid - white), signals[Tissue.NERVE_ROOT]]
        random = np.random.default_rng(seed)
        clean = np.tensordot(row, self.shares, axes=1) * corruption.bias_field(self.grid, bias, random)
        noise_sd = np.abs(signals[[*WHITE_TISSUES, Tissue.GREY_MATTER]]).max() / snr
        add_noise = corruption.add_gaussian_noise if contrast == SIGNED else corruption.add_rician_noise
        kind = CONTRAST_OF.get(contrast) or _kind(contrast)
        return Scan(add_noise(clean, float(noise_sd), random).astype(np.float32), self.grid, kind)


def _kind(contrast: str) -> Contrast:
    name = contrast.split("_")[0]
    return Contrast(name) if name in set(Contrast) else Contrast.UNKNOWN


def integrate(label_at: LabelAt, grid: Grid) -> Piece:
    """Integrate an anatomy over the voxels of a grid, block after block of slices to bound the memory."""
    shares = np.empty((N_LABELS, *grid.shape), np.float32)
    weights = np.eye(N_LABELS)
    axis = int(np.argmax(grid.spacing))
    slice_mm3 = grid.voxel_volume_mm3 * np.prod(grid.shape) / grid.shape[axis]
    step = max(1, int(BLOCK_MM3 / slice_mm3))
    for first in range(0, grid.shape[axis], step):
        start, shape = [0, 0, 0], list(grid.shape)
        start[axis], shape[axis] = first, min(step, grid.shape[axis] - first)
        block = grid.cropped((start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))
        where = (slice(None), *(slice(a, a + n) for a, n in zip(start, shape, strict=True)))
        shares[where] = average_over_voxels(label_at, block, weights, SAMPLING)
    return Piece(shares, grid)
