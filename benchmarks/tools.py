"""Time each editing tool on 320 x 320 x 200 voxels, and show what it does to areas; each figure beside its target.

Run: python benchmarks/tools.py   (SPINALQ_SHARED names the folder of real scans, default ../shared)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import fit_centerline
from napari_spinalq.cord.straighten import straight_frame
from napari_spinalq.editing.along import copied, interpolated, smoothed
from napari_spinalq.editing.brush import Brush, painted
from napari_spinalq.editing.mirror import mirrored
from napari_spinalq.editing.region import flooded, holes_filled, largest_component, polygon
from napari_spinalq.editing.size import resized
from napari_spinalq.editing.straight import straight_painted
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
SHAPE = (200, 320, 320)
SPACING = (0.8, 0.8, 0.8)
STEP_TARGET_MS, EDGE_TARGET_MS, STRAIGHT_TARGET_MS, RESIZE_TARGET_MS, SMOOTH_TARGET_MS = 2.0, 5.0, 5.0, 20.0, 1000.0


def large_cord() -> tuple[NDArray[np.uint8], NDArray[np.float32], Grid, NDArray[np.float64]]:
    """Return a bent cord in a large volume, its image (cord 300, CSF 900, noise 20), grid, and its centres (voxels)."""
    z = np.arange(SHAPE[0])
    centres = np.stack([z, 160 + 15 * np.cos(z / 60), 160 + 8 * np.sin(z / 40)], axis=1)
    y, x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    mask = np.stack([((x - c[2]) / 8) ** 2 + ((y - c[1]) / 5) ** 2 <= 1 for c in centres]).astype(np.uint8)
    image = np.where(mask == 1, 300.0, 900.0) + np.random.default_rng(0).normal(0, 20, SHAPE)
    affine = np.array([[0, 0, 0.8, -128], [0, 0.8, 0, -128], [0.8, 0, 0, -80], [0, 0, 0, 1.0]])
    return mask, image.astype(np.float32), Grid(SHAPE, affine), centres


def milliseconds(action: Callable[[], object], repeats: int = 30) -> tuple[float, float, float]:
    """Return the median and the 95th percentile of the time of an action, and the median of its processor time."""
    action()
    times, processor = [], []
    for _ in range(repeats):
        start, begun = time.perf_counter(), time.process_time()
        action()
        times.append(1e3 * (time.perf_counter() - start))
        processor.append(1e3 * (time.process_time() - begun))
    return float(np.median(times)), float(np.percentile(times, 95)), float(np.median(processor))


def row(name: str, action: Callable[[], object], target_ms: float | None, repeats: int = 30) -> None:
    """Print how long a tool takes."""
    median, slow, processor = milliseconds(action, repeats)
    target = "" if target_ms is None else f"   target < {target_ms:g} ms"
    print(f"{name:44}{median:8.2f} ms   95 % under {slow:8.2f} ms   processor {processor:8.2f} ms{target}")


def time_brushes() -> None:
    """Print the time of one move of each brush."""
    mask, image, grid, centres = large_cord()
    empty = np.zeros_like(mask)
    at = centres[100] + [0, 0, 5]
    for plane, across in (("axial", 0), ("coronal", 1), ("sagittal", 2)):
        way = [at, at + np.where(np.arange(3) == across, 0.0, 1.5)]
        for size in (5.0, 12.0):
            brush = Brush(size)
            row(f"brush {size:g} mm, {plane}", lambda w=way, b=brush, a=across: painted(
                empty, SPACING, w, b, across=a), STEP_TARGET_MS)  # fmt: skip
    way = [at, at + 1.0]
    row("ball 8 mm", lambda: painted(empty, SPACING, way, Brush(8.0, ball=True)), STEP_TARGET_MS)
    flat = [at, np.add(at, [0, 1, 1])]
    for size in (5.0, 12.0):
        edge = Brush(size, edge_aware=True)
        row(f"edge-aware brush {size:g} mm", lambda b=edge: painted(
            empty, SPACING, flat, b, image=image), EDGE_TARGET_MS)  # fmt: skip
    ball = Brush(8.0, ball=True, edge_aware=True)
    row("edge-aware ball 8 mm", lambda: painted(empty, SPACING, way, ball, image=image), EDGE_TARGET_MS)
    time_straight(empty, image, grid, centres)


def time_straight(
    empty: NDArray[np.uint8], image: NDArray[np.float32], grid: Grid, centres: NDArray[np.float64]
) -> None:
    """Print the time of one move of a brush on the straightened cord."""
    frame = straight_frame(fit_centerline(grid.voxel_to_mm(centres[5:-5])), spacing_mm=(0.8, 0.5, 0.5))
    at = np.array([frame.shape[0] / 2, frame.center[0], frame.center[1] + 8])
    for plane, across in (("axial'", 0), ("coronal'", 1), ("sagittal'", 2)):
        way = [at, at + np.where(np.arange(3) == across, 0.0, 2.0)]
        for size in (5.0, 12.0):
            row(f"straight brush {size:g} mm, {plane}", lambda w=way, a=across, s=size: straight_painted(
                empty, grid, frame, w, Brush(s), across=a), STRAIGHT_TARGET_MS)  # fmt: skip
    way = [at, np.add(at, [2, 2, 0])]
    row("straight edge-aware brush 5 mm, sagittal'", lambda: straight_painted(
        empty, grid, frame, way, Brush(5.0, edge_aware=True), across=2, image=image), None)  # fmt: skip


def time_tools() -> None:
    """Print the time of every other tool."""
    mask, _, grid, centres = large_cord()
    z, y, x = (round(float(v)) for v in centres[100])
    corners = [[y - 9, x - 9], [y - 9, x + 9.5], [y + 9.3, x]]
    stray = mask.copy()
    stray[5, 5, 5] = stray[195, 310, 310] = 1
    row("grow one slice by 0.1 mm", lambda: resized(mask, SPACING, 0.1, [z]), RESIZE_TARGET_MS)
    row("shrink one slice by 0.5 mm", lambda: resized(mask, SPACING, -0.5, [z]), RESIZE_TARGET_MS)
    row("grow all 200 slices by 0.1 mm", lambda: resized(mask, SPACING, 0.1), None, 3)
    row("smooth 200 slices over 10 mm", lambda: smoothed(mask, SPACING, 10.0), SMOOTH_TARGET_MS, 5)
    row("interpolate 19 slices", lambda: interpolated(mask, SPACING, [z - 10, z + 10]), None, 10)
    row("copy a slice", lambda: copied(mask, z, z + 1), None)
    row("mirror one slice", lambda: mirrored(mask, grid, mask, "left", [z]), None, 5)
    row("polygon", lambda: polygon(mask, corners, z, 1), None)
    row("flood", lambda: flooded(mask, (z, y, x), 0), None)
    row("fill holes of one slice", lambda: holes_filled(mask, [z]), None)
    row("keep the largest component", lambda: largest_component(stray), None, 3)


def areas_of_shells() -> None:
    """Print the area that growing and shrinking change, over 400 places of an ellipse of 8 x 13 mm on the pixels."""
    around = np.pi * 10.5 * (1 + 3 * (2.5 / 10.5) ** 2 / (10 + np.sqrt(4 - 3 * (2.5 / 10.5) ** 2)))
    places = np.random.default_rng(1).uniform(39, 41, (400, 2))
    y, x = np.mgrid[:80, :80]
    for pixel in (0.5, 0.8, 1.0):
        inside = [((y - p[0]) * pixel / 4) ** 2 + ((x - p[1]) * pixel / 6.5) ** 2 <= 1 for p in places]
        mask = np.stack(inside).astype(np.uint8)
        for by_mm in (0.1, -0.1, 0.5, -0.5):
            planes = resized(mask, (1.0, pixel, pixel), by_mm)
            change = sum(int(plane.sum()) - int(mask[index].sum()) for index, plane in planes.items())
            shell = around * by_mm + np.pi * by_mm**2
            ratio = change / len(places) * pixel**2 / shell
            print(f"{pixel:g} mm pixels, by {by_mm:+.1f} mm: {100 * ratio:6.1f} % of the shell   target 85 to 115 %")


def edges_kept() -> None:
    """Print what an edge-aware disc of 6 mm, 1 mm inside of the cord's side, takes and spills, beside a plain one."""
    folder = sample_folder()
    digital = folder / "derivatives" / "truth" / "sub-healthy01" / "anat"
    cases = {
        f"digital {name}": (
            folder / "sub-healthy01" / "anat" / f"sub-healthy01_{name}.nii.gz",
            digital / f"sub-healthy01_{name}_label-cord_mask.nii.gz",
        )
        for name in ("T2w", "T2star", "PSIR")
    }
    real = SHARED / "data" / "sct_testing"
    if real.is_dir():
        for name, image, truth in (("T2w", "t2/t2", "t2/t2_seg-manual"), ("T2*", "t2s/t2s", "t2s/t2s_seg"),
                                   ("MT", "mt/mt1", "mt/mt1_seg")):  # fmt: skip
            cases[f"real {name}"] = (real / f"{image}.nii.gz", real / f"{truth}.nii.gz")
    for name, (image_path, truth_path) in cases.items():
        scan, truth = load_scan(image_path).in_work_order(), load_scan(truth_path).in_work_order()
        taken, spilt, count = _taken_and_spilt(np.asarray(scan.data), np.asarray(truth.data) >= 0.5, scan.grid.spacing)
        print(f"edge-aware, {name:16}{count:4d} strokes: takes {100 * taken:5.1f} % of the cord under the brush, "
              f"{100 * spilt:5.1f} % of what lies a voxel or more beyond (a plain brush 100 %)")  # fmt: skip


def _taken_and_spilt(
    image: NDArray, truth: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> tuple[float, float, int]:
    empty = np.zeros(truth.shape, np.uint8)
    shares = []
    for index in np.flatnonzero(truth.any(axis=(1, 2)))[1:-1]:
        centre_row = round(float(np.nonzero(truth[index])[0].mean()))
        columns = np.flatnonzero(truth[index, centre_row])
        beyond = ~ndimage.binary_dilation(truth[index], np.ones((3, 3)))
        for column in (columns.min() + 1 / spacing[2], columns.max() - 1 / spacing[2]) if len(columns) else ():
            way = [[index, centre_row - 1 / spacing[1], column], [index, centre_row + 1 / spacing[1], column]]
            plain = painted(empty, spacing, way, Brush(6.0))[index] == 1
            planes = painted(empty, spacing, way, Brush(6.0, edge_aware=True), image=image)
            taken = planes.get(index, empty[index]) == 1
            if (plain & beyond).any():
                shares.append([(taken & part).sum() / (plain & part).sum() for part in (truth[index], beyond)])
    takes, spills = np.mean(shares, axis=0)
    return float(takes), float(spills), len(shares)


if __name__ == "__main__":
    time_brushes()
    time_tools()
    areas_of_shells()
    edges_kept()
