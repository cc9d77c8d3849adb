"""The diffusion series of the sample exam with its true cord and levels, mapped and read with the built-in atlas."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.tensor import fit_tensor
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.results import DiffusionSeries, MapsResult, QuantityMap
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.extract import extract
from napari_spinalq.tracts.fit import fit_atlas

SUBJECT = "sub-healthy01"
OUTLIERS = (7, 20)
REMARK = "volumes that stand out (counted from 0): 7, 20"
MARGIN_VOXELS = 3
QUANTITIES = (("fa", "FA", ""), ("md", "MD", "1e-3 mm2/s"))


@cache
def diffusion_result() -> MapsResult:
    """Return FA and MD of the sample series per tract and level, without motion correction or registration."""
    scan = load_scan(sample_folder() / SUBJECT / "dwi" / f"{SUBJECT}_dwi.nii.gz")
    truth = sample_folder() / "derivatives" / "truth" / SUBJECT / "anat"
    mask = np.asarray(load_mask(truth / f"{SUBJECT}_dwi_label-cord_mask.nii.gz", like=scan.grid).data)
    named = load_levels(truth / f"{SUBJECT}_dwi_label-levels_dseg.nii.gz", like=scan.grid).data
    levels = levels_per_slice(to_work_order(named, scan.grid)[0])
    gradients = read_gradients(scan.source.path, scan.grid, scan.volumes)
    wide = ndimage.binary_dilation(mask, iterations=MARGIN_VOXELS)
    fit = fit_tensor(scan.data, gradients, wide, grid=scan.grid)
    tracts = fit_atlas(builtin_atlas(), mask, levels, scan.grid)
    maps = tuple(QuantityMap(name, title, unit, getattr(fit, name)) for name, title, unit in QUANTITIES)
    values = tuple(
        value
        for one in maps
        for value in extract(one.data, tracts, metric=one.name, unit=one.unit, slice_levels=levels, grid=scan.grid)
    )
    series = DiffusionSeries(scan, gradients, some_motion(scan.volumes, len(levels)), fit)
    mean = scan.mean_volume()
    return MapsResult("dwi", mean, mask.astype(np.uint8), levels, maps, tracts, values, series, flags=(REMARK,))


def some_motion(n_volumes: int, n_slices: int) -> Motion:
    """Return a cord that moves 2 mm to anterior and back in two volumes, which stand out."""
    shifts = np.zeros((n_volumes, n_slices, 2))
    shifts[list(OUTLIERS), :, 0] = 2.0
    moved = np.abs(np.diff(shifts[:, 0, 0], prepend=0.0))
    outliers = np.isin(np.arange(n_volumes), OUTLIERS)
    return Motion(shifts, np.zeros((n_volumes, n_slices)), moved, outliers, np.zeros(n_volumes, int))
