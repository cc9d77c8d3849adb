"""Labelled scans: real ones with their references, and digital exams with their truth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from draws.perturbations import Case
from napari_spinalq.io.nifti import load_scan

LABELLED = (
    ("t2/t2", "t2/t2_seg-manual"),
    ("t2s/t2s", "t2s/t2s_seg"),
    ("mt/mt1", "mt/mt1_seg"),
    ("template/PAM50_small_t2", "template/PAM50_small_cord"),
)
"""Image and reference of the real scans on which Dice and area are judged."""

GREY = (("t2s/t2s", "t2s/t2s_gmseg_manual"), ("t2s/t2s_uncropped", "t2s/t2s_uncropped_gmseg_manual"))
"""Image and hand-drawn grey matter."""


def real_folder() -> Path:
    """Return the folder of real scans: under ``SPINALQ_SHARED``, by default ``../shared``."""
    return Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "sct_testing"


def load_case(image: Path, reference: Path) -> Case:
    """Return a scan and its reference (0 or 1) in work order."""
    scan, truth = (load_scan(path).in_work_order() for path in (image, reference))
    return Case(np.asarray(scan.data, np.float32), (np.asarray(truth.data) >= 0.5).astype(np.float32), scan.grid)


def real_cases() -> Iterator[tuple[str, Case]]:
    """Yield the labelled real scans by name."""
    folder = real_folder()
    for image, reference in LABELLED:
        yield image, load_case(folder / f"{image}.nii.gz", folder / f"{reference}.nii.gz")


def digital_cases() -> Iterator[tuple[str, Case]]:
    """Yield the anatomical scans of the sample exams by name."""
    folder = Path(__file__).parents[2] / "sample_data"
    for image in sorted(folder.glob("sub-*/anat/*.nii.gz")):
        name = image.name.removesuffix(".nii.gz")
        truth = folder / "derivatives" / "truth" / image.relative_to(folder).parent / f"{name}_label-cord_mask.nii.gz"
        yield name, load_case(image, truth)


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the Dice overlap of two masks."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def area_errors(soft: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the error of the area of a soft mask in each slice of the reference, percent."""
    slices = (reference >= 0.5).any(axis=(1, 2))
    return 100 * (soft[slices].sum(axis=(1, 2)) / reference[slices].sum(axis=(1, 2), dtype=float) - 1)
