"""Grey matter and canal on labelled real scans and digital exams: agreement, area and time beside their targets.

Run ``python benchmarks/grey_matter.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``), the
digital exams in ``sample_data``. ``--null`` adds the spread of the measured contrast where there is none.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.cord.canal import segment_canal
from napari_spinalq.cord.grey_matter import PHYSICAL_EDGE, READER_EDGE, segment_grey_matter
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.phantom.make import SAMPLING
from napari_spinalq.phantom.sample import SAMPLE_DESIGNS
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, Tissue, membership
from napari_spinalq.scan import Scan

ROOT = Path(__file__).parents[1]
DRAWN = (("t2s/t2s", "t2s/t2s_gmseg_manual", 0.88), ("t2s/t2s_uncropped", "t2s/t2s_uncropped_gmseg_manual", 0.87))
"""Image, hand-drawn grey matter, Dice target."""

TEMPLATE_LABEL = "mt/label/template/PAM50_gm"
"""Template grey matter warped to two slices of the MT-on scan: a prior of its own, known to be too thick."""

UNLABELLED = ("mt/mt0", "t2/t2", "mt/label/template/PAM50_t1", "dmri/dwi_mean", "template/PAM50_small_t2")
CONTRASTS = ("T2star", "PSIR", "mt-on_MTS", "mt-off_MTS", "T2w")
TARGET_SECONDS = 1.0
TARGET_AREA_PERCENT = 5.0
NULL_DRAWS = 40


def main() -> None:
    """Print one row a scan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--null", action="store_true", help="also measure contrast where there is none")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("SPINALQ_SHARED", ROOT.parent / "shared")) / "data" / "sct_testing"
    print(
        f"{'grey matter':34}{'edge':>6}{'CNR':>7}{'Dice':>8}{'target':>8}{'area %':>8}{'abs %':>7}{'target':>8}{'s':>6}"
        f"{'without network: Dice, area %, abs %':>38}"
    )
    if folder.is_dir():
        _drawn_scans(folder)
        _warped_label(folder)
        for name in UNLABELLED:
            _grey_matter(name, load_scan(folder / f"{name}.nii.gz"), None, None, READER_EDGE)
    else:
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
    for subject in SAMPLE_DESIGNS:
        for contrast in CONTRASTS:
            _digital_grey_matter(subject, contrast)
    print(f"\n{'canal':44}{'Dice':>8}{'area %':>8}{'abs %':>7}{'target':>8}{'s':>6}  left out")
    if folder.is_dir():
        _template_canal(folder)
    for subject in SAMPLE_DESIGNS:
        for contrast in CONTRASTS:
            _digital_canal(subject, contrast)
    if arguments.null:
        _null(load_scan(ROOT / "sample_data" / "sub-healthy01" / "anat" / "sub-healthy01_T2star.nii.gz"))


def _drawn_scans(folder: Path) -> None:
    for image, reference, target in DRAWN:
        scan = load_scan(folder / f"{image}.nii.gz")
        truth = np.asarray(load_scan(folder / f"{reference}.nii.gz").data, dtype=np.float32)
        for edge_level in (READER_EDGE, PHYSICAL_EDGE):
            _grey_matter(image, scan, truth, target, edge_level)


def _warped_label(folder: Path) -> None:
    label = np.asarray(load_scan(folder / f"{TEMPLATE_LABEL}.nii.gz").data, dtype=np.float32)
    _grey_matter("mt/mt1 (template label)", load_scan(folder / "mt" / "mt1.nii.gz"), label, None, READER_EDGE)


def _digital(subject: str, contrast: str) -> tuple[Scan, NDArray, NDArray]:
    """Return a sample scan, its true grey matter, and which slices are wholly known."""
    scan = load_scan(ROOT / "sample_data" / f"sub-{subject}" / "anat" / f"sub-{subject}_{contrast}.nii.gz")
    place = ROOT / "sample_data" / "derivatives" / "truth" / f"sub-{subject}" / "anat"
    truth = load_scan(place / f"sub-{subject}_{contrast}_label-GM_probseg.nii.gz")
    table = pd.read_csv(place / f"sub-{subject}_{contrast}_areas.tsv", sep="\t")
    return scan, np.asarray(truth.data, dtype=np.float32), table["slice"].to_numpy()


def _digital_grey_matter(subject: str, contrast: str) -> None:
    scan, truth, whole = _digital(subject, contrast)
    _grey_matter(f"phantom {subject} {contrast}", scan, truth, None, PHYSICAL_EDGE, whole)


def _grey_matter(
    name: str, scan: Scan, truth: NDArray | None, target: float | None, edge_level: float, whole: NDArray | None = None
) -> None:
    cord = segment_cord(scan, edge_offset_mm=0.0 if edge_level == PHYSICAL_EDGE else None)
    start = time.perf_counter()
    found = segment_grey_matter(scan, cord.soft, cord.centerline, edge_level=edge_level)
    seconds = time.perf_counter() - start
    row = f"{name:34}{edge_level:6.2f}{found.contrast_to_noise:+7.2f}"
    if not found.measurable:
        print(row + f"{'GM not measurable':>23}{seconds:22.2f}")
        return
    if truth is None:
        print(row + f"{'(no reference)':>23}{seconds:22.2f}")
        return
    overlap, error = agreement(found.soft, truth, scan, whole)
    alone = segment_grey_matter(scan, cord.soft, cord.centerline, edge_level=edge_level, with_network=False)
    alone_overlap, alone_error = agreement(alone.soft, truth, scan, whole)
    wanted = "" if target is None else f"{target:.2f}"
    area_target = TARGET_AREA_PERCENT if edge_level == PHYSICAL_EDGE and target is None else None
    print(
        row + f"{overlap:8.3f}{wanted:>8}{100 * error.mean():+8.1f}{100 * np.abs(error).mean():7.1f}"
        f"{'' if area_target is None else f'{area_target:.0f}':>8}{seconds:6.2f}"
        f"{alone_overlap:22.3f}{100 * alone_error.mean():+8.1f}{100 * np.abs(alone_error).mean():8.1f}"
        f"  {'; '.join(found.flags)}"
    )


def agreement(
    soft: NDArray, truth: NDArray, scan: Scan, whole: NDArray | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Return Dice of the masks, and the relative error of the soft area of each slice that both hold."""
    found, known = (reorient_array(values, scan.grid, "SAR")[0] for values in (soft, truth))
    both = (known >= 0.5).any(axis=(1, 2)) & (found > 0).any(axis=(1, 2))
    slices = np.flatnonzero(both) if whole is None else np.intersect1d(np.flatnonzero(both), whole)
    a, b = found[slices] >= 0.5, known[slices] >= 0.5
    error = found[slices].sum(axis=(1, 2)) / known[slices].sum(axis=(1, 2)) - 1
    return float(2 * (a & b).sum() / (a.sum() + b.sum())), error


def _canal(name: str, scan: Scan, truth: NDArray, whole: NDArray | None = None) -> None:
    cord = segment_cord(scan, edge_offset_mm=0.0)
    start = time.perf_counter()
    found = segment_canal(scan, cord.soft, cord.centerline)
    seconds = time.perf_counter() - start
    if not found.measurable:
        print(f"{name:44}{found.flags[0]}")
        return
    overlap, error = agreement(found.soft, truth, scan, whole)
    print(
        f"{name:44}{overlap:8.3f}{100 * error.mean():+8.1f}{100 * np.abs(error).mean():7.1f}{TARGET_AREA_PERCENT:8.0f}"
        f"{seconds:6.2f}  {'; '.join(found.flags)}"
    )


def _digital_canal(subject: str, contrast: str) -> None:
    scan, _, whole = _digital(subject, contrast)
    weights = membership((Tissue.CSF, *CORD_TISSUES))[:, None]
    truth = average_over_voxels(SAMPLE_DESIGNS[subject].anatomy().tissues, scan.grid, weights, SAMPLING)[0]
    _canal(f"phantom {subject} {contrast}", scan, truth, whole)


def _template_canal(folder: Path) -> None:
    """Compare with the template's CSF label, which was warped to the MT slices: two slices at C4 and C5."""
    place = folder / "mt" / "label" / "template"
    label = sum(
        np.asarray(load_scan(place / f"PAM50_{part}.nii.gz").data, dtype=np.float32) for part in ("cord", "csf")
    )
    for name in ("mt/label/template/PAM50_t2", "mt/mt1"):
        _canal(f"{name} (template label)", load_scan(folder / f"{name}.nii.gz"), label)


def _null(scan: Scan) -> None:
    """Measure contrast in noise of the sample T2* scan's cord with grey matter taken out."""
    cord = segment_cord(scan, edge_offset_mm=0.0)
    ratio, significance = [], []
    for seed in range(NULL_DRAWS):
        values = np.random.default_rng(seed).normal(0.0, 1.0, scan.grid.shape) + 20.0 * (1 - cord.soft)
        found = segment_grey_matter(Scan(values.astype(np.float32), scan.grid), cord.soft, cord.centerline)
        ratio.append(found.contrast_to_noise)
        significance.append(found.parameters["contrast_significance"])
    print(f"\nwithout contrast, {NULL_DRAWS} draws: CNR {np.mean(ratio):+.2f} +- {np.std(ratio):.2f}, ", end="")
    print(f"largest {np.abs(ratio).max():.2f}; significance {np.std(significance):.2f}, ", end="")
    print(f"largest {np.abs(significance).max():.2f}")


if __name__ == "__main__":
    main()
