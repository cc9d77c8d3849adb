"""A digital scan of the size of a large clinical one."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder

BIG = (200, 320, 320)
"""Slices, rows and columns."""


def large_scan(folder: Path) -> Path:
    """Write the digital T2w scan, mirrored at its borders to the full size; return its path."""
    scan = load_scan(sample_folder() / "sub-healthy01" / "anat" / "sub-healthy01_T2w.nii.gz").in_work_order()
    missing = [max(0, want - have) for want, have in zip(BIG, scan.data.shape, strict=True)]
    pad = [(count // 2, count - count // 2) for count in missing]
    data = np.pad(scan.data, pad, mode="reflect")[: BIG[0], : BIG[1], : BIG[2]].astype(np.float32)
    path = folder / "sub-large_T2w.nii"
    nib.save(nib.Nifti1Image(data, scan.grid.cropped(tuple(-before for before, _ in pad), BIG).affine), path)
    return path
