"""A scan: voxel values, where they lie, what contrast they show, and which file they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import WORK_AXES, Grid, reorient_array


@dataclass(frozen=True)
class Source:
    """The file that a scan was read from.

    Attributes
    ----------
    path : Path
        Absolute path of the file (:func:`place_of`).
    header : nibabel header
        A copy of its header: a mask is saved with the same sform, qform and codes.
    """

    path: Path
    header: Any

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file as it lies on disk, hexadecimal."""
        return file_sha256(self.path)


def place_of(path: str | Path) -> Path:
    """Return the absolute path of a file, links of its folders followed, under its own name.

    A file may itself be a link to a store in which files are named by their content (git-annex, DataLad): its subject,
    contrast and results go by the name that it has in the data set.
    """
    path = Path(path)
    return path.parent.resolve() / path.name


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on disk, hexadecimal."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, eq=False)
class Scan:
    """One image of an exam.

    Attributes
    ----------
    data : array, shape ``grid.shape`` or ``grid.shape + (n,)``
        Voxel values (scaled by the header), possibly memory-mapped and then read-only.
    grid : Grid
        Where the voxels lie.
    contrast : Contrast
        What the values show.
    source : Source, optional
        Where they came from; None for an image made in memory.
    """

    data: NDArray
    grid: Grid
    contrast: Contrast = Contrast.UNKNOWN
    source: Source | None = None

    @property
    def name(self) -> str:
        """File name without its ending, or the contrast for an image made in memory."""
        if self.source is None:
            return self.contrast.value
        return self.source.path.name.removesuffix(".gz").removesuffix(".nii")

    @property
    def volumes(self) -> int:
        """Number of volumes: 1 for a 3-D scan."""
        return 1 if self.data.ndim == 3 else int(self.data.shape[3])

    def reoriented(self, codes: str) -> Scan:
        """Return the same scan with its axes in the order ``codes``."""
        data, grid = reorient_array(self.data, self.grid, codes)
        return replace(self, data=data, grid=grid)

    def in_work_order(self) -> Scan:
        """Return the scan in z, y, x order, indices growing to Superior, Anterior, Right."""
        return self.reoriented(WORK_AXES)

    def mean_volume(self) -> Scan:
        """Return a 3-D scan: itself, or the mean over its volumes."""
        if self.data.ndim == 3:
            return self
        return replace(self, data=np.asarray(np.mean(self.data, axis=3, dtype=np.float32)))
