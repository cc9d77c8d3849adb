"""Small exams on disk: an image with a bright cord, and masks named as several programs name them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (30, 26, 16)
"""x, y, z voxels of 1 x 1 x 2 mm."""

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
CENTRE = (15.0, 12.0)
RADIUS = 5.0


def cord(radius: float = RADIUS) -> np.ndarray:
    """Return a straight cord along z, 0 and 1."""
    x, y, _ = np.indices(SHAPE)
    return ((x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2 <= radius**2).astype(np.uint8)


def write(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    """Write a NIfTI file with both codes set, as scanners' converters do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    nib.save(image, path)
    return path


def write_image(path: Path, seed: int = 0) -> Path:
    """Write an image of the cord with some noise, so that no two have the same checksum."""
    noise = np.random.default_rng(seed).normal(0, 3, SHAPE)
    return write(path, (100 + 60 * cord() + noise).astype(np.float32))


def write_mask(path: Path, mask: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    """Write a mask, by default of the whole cord."""
    return write(path, cord() if mask is None else mask, affine)
