"""Print how the measures agree with Spinal Cord Toolbox 7.4 on real masks, beside the targets.

Run: python benchmarks/sct_agreement.py   (SPINALQ_SHARED names the folder of real scans, default ../shared)
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.metrics.sct_format import sct_slice_table
from napari_spinalq.metrics.shape import slice_shapes

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
MASKS = {
    "t2": ("t2/t2_seg-manual.nii.gz", "t2/t2_seg-manual_labeled.nii.gz"),
    "t2s": ("t2s/t2s_seg.nii.gz", "t2s/levels.nii.gz"),
    "mt1": ("mt/mt1_seg.nii.gz", "mt/label/template/PAM50_levels.nii.gz"),
}
TARGETS = {
    "MEAN(area)": "median 0.5, worst 1.5",
    "MEAN(diameter_AP)": "worst 3",
    "MEAN(diameter_AP_ellipse)": "worst 3",
    "MEAN(diameter_RL)": "worst 3",
}
ABSOLUTE = ("MEAN(eccentricity)", "MEAN(orientation)", "MEAN(solidity)", "MEAN(angle_AP)", "MEAN(angle_RL)")


def compare(name: str) -> None:
    """Print the table of one mask."""
    folder = SHARED / "data" / "sct_testing"
    mask = load_mask(folder / MASKS[name][0])
    levels = levels_per_slice(load_levels(folder / MASKS[name][1], like=mask.grid).in_work_order().data)
    ours = sct_slice_table(slice_shapes(mask.data, mask.grid), levels)
    theirs = pd.read_csv(
        SHARED / "reference" / "sct" / f"{name}_perslice.csv", dtype={"VertLevel": str}, keep_default_na=False
    )
    print(f"\n{name}: {len(ours)} slices, levels equal: {ours['VertLevel'].tolist() == theirs['VertLevel'].tolist()}")
    for column in (*TARGETS, "SUM(length)"):
        percent = 100 * (ours[column] / theirs[column] - 1)
        _row(column, percent, "%", TARGETS.get(column, "none"))
    for column in ABSOLUTE:
        _row(column, ours[column] - theirs[column], "", "none")


def _row(column: str, difference: pd.Series, unit: str, target: str) -> None:
    size = np.abs(difference)
    print(
        f"  {column:26s} mean {difference.mean():+7.3f}{unit}  median {size.median():6.3f}{unit}  "
        f"worst {size.max():6.3f}{unit}  target: {target}"
    )


if __name__ == "__main__":
    for mask_name in MASKS:
        compare(mask_name)
