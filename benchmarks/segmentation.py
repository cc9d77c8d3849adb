"""Cord segmentation on labelled real scans and on a digital exam: agreement and time beside their targets.

Run ``python benchmarks/segmentation.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``).
``--phantom`` adds a digital exam of known truth (about a minute to make).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.scan import Scan

TARGET_SECONDS = 5.0
LABELLED = (
    ("t2/t2", "t2/t2_seg-manual", 0.93),
    ("t2s/t2s", "t2s/t2s_seg", 0.93),
    ("mt/mt1", "mt/mt1_seg", None),
    ("mt/label/template/PAM50_t1", "mt/label/template/PAM50_cord", None),
    ("mt/label/template/PAM50_t2s", "mt/label/template/PAM50_cord", None),
    ("template/PAM50_small_t2", "template/PAM50_small_cord", None),
)
"""Image, reference and Dice target, where one was set."""


@dataclass(frozen=True)
class Agreement:
    """How a segmentation agrees with a reference over the slices of the reference."""

    dice: float
    hd95_mm: float
    area_error_percent: float


def main() -> None:
    """Print one row a scan and convention."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phantom", action="store_true", help="also segment a digital exam of known truth")
    arguments = parser.parse_args()
    print(
        f"{'scan':32}{'offset mm':>10}{'Dice':>8}{'target':>8}{'HD95 mm':>9}{'area %':>8}{'s':>7}{'target':>8}  flags"
    )
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "sct_testing"
    if not folder.is_dir():
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
    else:
        _real_scans(folder)
    if arguments.phantom:
        _digital_exam()


def _real_scans(folder: Path) -> None:
    for image, reference, target in LABELLED:
        truth = load_scan(folder / f"{reference}.nii.gz")
        for offset_mm in (None, 0.0):
            _row(image, load_scan(folder / f"{image}.nii.gz"), truth, target, offset_mm)


def _digital_exam() -> None:
    from napari_spinalq.phantom.design import ExamDesign
    from napari_spinalq.phantom.make import make_exam

    exam = make_exam(ExamDesign())
    for name, scan in exam.scans.items():
        # Above the foramen magnum the phantom's truth has no cord: its own table says which slices are whole.
        whole = exam.truth[name].areas["slice"].to_numpy()
        work, grid = reorient_array(exam.truth[name].cord, scan.grid, "SAR")
        kept = np.zeros_like(work)
        kept[whole] = work[whole]
        truth = Scan(kept, grid).reoriented(scan.grid.axis_codes)
        _row(f"phantom {name}", scan, truth, None, 0.0)


def _row(name: str, scan: Scan, truth: Scan, target: float | None, offset_mm: float | None) -> None:
    start = time.perf_counter()
    result = segment_cord(scan, edge_offset_mm=offset_mm)
    seconds = time.perf_counter() - start
    found = agreement(result.soft, truth, scan)
    wanted = "" if target is None else f"{target:.2f}"
    print(
        f"{name:32}{result.parameters['edge_offset_mm']:10.2f}{found.dice:8.3f}{wanted:>8}{found.hd95_mm:9.2f}"
        f"{found.area_error_percent:+8.1f}{seconds:7.2f}{TARGET_SECONDS:8.0f}  {'; '.join(result.flags)}"
    )


def agreement(soft: NDArray[np.float32], truth: Scan, scan: Scan) -> Agreement:
    """Compare a soft mask with a reference on the same grid, over the slices in which the reference is present."""
    found, grid = reorient_array(soft, scan.grid, "SAR")
    known, _ = reorient_array(np.asarray(truth.data, dtype=np.float32), truth.grid, "SAR")
    slices = np.flatnonzero((known >= 0.5).any(axis=(1, 2)))
    found, known = found[slices], known[slices]
    a, b = found >= 0.5, known >= 0.5
    distances = np.r_[_surface_distances(a, b, grid.spacing), _surface_distances(b, a, grid.spacing)]
    error = found.sum(axis=(1, 2)) / known.sum(axis=(1, 2)) - 1
    return Agreement(2 * (a & b).sum() / (a.sum() + b.sum()), float(np.percentile(distances, 95)), 100 * error.mean())


def _surface_distances(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: tuple[float, float, float]) -> NDArray:
    edge_a, edge_b = (mask & ~ndimage.binary_erosion(mask) for mask in (a, b))
    return ndimage.distance_transform_edt(~edge_b, sampling=spacing)[edge_a]


if __name__ == "__main__":
    main()
