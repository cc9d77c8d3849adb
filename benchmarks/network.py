"""The networks on labelled real scans, beside ``segment_cord``: place, agreement, area and time.

Run ``python benchmarks/network.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``). No real
scan was used to train the networks. The network's cord is drawn by the rules of ``segment_cord``, which follows edges:
the contour of the soft cord at 0.5, once as it is (the physical edge) and once moved inwards by the same share of a
pixel (where readers draw). ``--fast`` leaves out ``segment_cord`` and the times.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import polar
from napari_spinalq.cord.ends import MIN_CORE, MIN_PRESENCE
from napari_spinalq.cord.network import Location, SoftMaps, locate, soft_maps
from napari_spinalq.cord.segment import EDGE_OFFSET_PIXELS, MASK_LEVEL, segment_cord
from napari_spinalq.cord.stack import AxialStack
from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.phantom.shapes import simple_cylinder
from napari_spinalq.scan import Scan

LABELLED = (
    ("t2/t2", "t2/t2_seg-manual", None),
    ("t2s/t2s", "t2s/t2s_seg", "t2s/t2s_gmseg_manual"),
    ("t2s/t2s_uncropped", None, "t2s/t2s_uncropped_gmseg_manual"),
    ("mt/mt1", "mt/mt1_seg", None),
    ("mt/mt0", "mt/mt1_seg", None),
    ("mt/label/template/PAM50_t1", "mt/label/template/PAM50_cord", None),
    ("mt/label/template/PAM50_t2s", "mt/label/template/PAM50_cord", None),
    ("template/PAM50_small_t2", "template/PAM50_small_cord", None),
)
"""Image, cord and grey matter (references of other people)."""

RAY_SMOOTHING = 1.0
"""The network's outline is smoothed around the circle by this many rays, as that of ``segment_cord`` is."""

CYLINDER_SIGNALS = ((120.0, 900.0, 300.0), (300.0, 80.0, 420.0))
"""Signals of muscle, fluid and cord."""

SIZES = (
    ((11, 320, 320), (7.5, 0.5, 0.5), 1.0),
    ((52, 60, 55), (1.0, 1.0, 1.0), 1.0),
    ((22, 256, 256), (5.0, 0.9, 0.9), 1.5),
    ((200, 320, 320), (1.0, 0.8, 0.8), 8.0),
)
"""Slices, rows and columns, their spacing in mm, and the time allowed with two threads, s."""


def main() -> None:
    """Print one row a scan, then one a cylinder, then one a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="leave out segment_cord and the times")
    fast = parser.parse_args().fast
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "sct_testing"
    if not folder.is_dir():
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
    else:
        _real_scans(folder, edges=not fast)
    _cylinders()
    if fast:
        return
    print(f"\n{'slices x rows x columns':26}{'s':>7}{'target':>8}{'peak GB':>9}{'target':>8}")
    for shape, spacing, target in SIZES:
        seconds = _seconds(shape, spacing)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{' x '.join(map(str, shape)):26}{seconds:7.2f}{target:8.1f}{peak:9.2f}{1.5:8.1f}")


def _real_scans(folder: Path, *, edges: bool) -> None:
    print(
        f"{'scan':30}{'place mm: median, worst':>24}{'physical: Dice area abs %':>28}{'reader: Dice area abs %':>28}"
        f"{'segment_cord: Dice area abs %':>31}{'GM Dice':>9}{'GM area':>9}{'missed, more':>14}{'s':>7}"
    )
    for image, cord, gm in LABELLED:
        scan = load_scan(folder / f"{image}.nii.gz")
        start = time.perf_counter()
        location, maps = _network(scan)
        seconds = time.perf_counter() - start
        reference = None if cord is None else _work(load_scan(folder / f"{cord}.nii.gz"))
        grey = None if gm is None else _work(load_scan(folder / f"{gm}.nii.gz"))
        anchor = next(part for part in (reference, grey) if part is not None)
        cords = [""] * 3 if reference is None else _cords(scan, maps, reference, edges)
        row = "{:>28}{:>28}{:>31}".format(*cords)
        print(f"{image:30}{_place(scan, location, anchor)}{row}{_grey(scan, maps, grey)}", end="")
        shown = (location.presence >= MIN_PRESENCE) & (maps.core >= MIN_CORE)
        print(f"{_slices(shown, anchor.max(axis=(1, 2)) >= 0.5):>14}{seconds:7.2f}", flush=True)


def _network(scan: Scan) -> tuple[Location, SoftMaps]:
    values = np.asarray(scan.data)
    location = locate(values, scan.grid)
    return location, soft_maps(values, scan.grid, location.path_mm)


def _place(scan: Scan, location: Location, reference: NDArray[np.float32]) -> str:
    grid = reorient_array(np.zeros(scan.grid.shape, np.uint8), scan.grid, "SAR")[1]
    errors = _place_errors(location, reference, grid)
    return f"{np.median(errors):14.2f},{errors.max():9.2f}"


def _cords(scan: Scan, maps: SoftMaps, reference: NDArray[np.float32], edges: bool) -> list[str]:
    """Agreement of the network's cord at the physical edge and where readers draw, and of ``segment_cord`` there."""
    soft, grid = reorient_array(maps.cord, scan.grid, "SAR")
    offset_mm = EDGE_OFFSET_PIXELS * min(grid.spacing[1:])
    found = [_outlined(soft, grid, inwards) for inwards in (0.0, offset_mm)]
    rows = ["{:.3f} {:+.1f} {:.1f}".format(*_agreement(part, reference)) for part in found]
    return [*rows, _along_edges(scan, reference) if edges else ""]


def _outlined(soft: NDArray[np.float32], grid: Grid, offset_mm: float) -> NDArray[np.float32]:
    """Draw the contour of a soft cord at one half, moved inwards; a slice without such a contour stays empty."""
    centres = np.zeros((len(soft), 2))
    filled = soft.max(axis=(1, 2)) >= MASK_LEVEL
    for index in np.flatnonzero(filled):
        centres[index] = np.array(ndimage.center_of_mass(soft[index])) * grid.spacing[1:]
    stack = AxialStack(soft, grid.spacing, np.arange(len(soft), dtype=np.float64) * grid.spacing[0])
    fine = np.arange(0.0, polar.REACH_MM, polar.RADIAL_STEP_MM / 5)
    outside = polar.unwrap(stack, centres, fine) < MASK_LEVEL
    radii = fine[np.argmax(outside, axis=2)] * outside.any(axis=2) * filled[:, None]
    radii = ndimage.gaussian_filter1d(radii, RAY_SMOOTHING, axis=1, mode="wrap")
    return polar.coverage(grid.shape, grid.spacing, centres, np.maximum(radii - offset_mm, 0.0))


def _grey(scan: Scan, maps: SoftMaps, grey: NDArray[np.float32] | None) -> str:
    if grey is None:
        return " " * 18
    soft = reorient_array(maps.gm, scan.grid, "SAR")[0]
    dice, area, _ = _agreement(soft, grey)
    return f"{dice:9.3f}{area:+9.1f}"


def _work(scan: Scan) -> NDArray[np.float32]:
    return reorient_array(np.asarray(scan.data, dtype=np.float32), scan.grid, "SAR")[0]


def _place_errors(location: Location, reference: NDArray[np.float32], grid: Grid) -> NDArray[np.float64]:
    slices = np.flatnonzero((reference >= 0.5).any(axis=(1, 2)))
    centres = np.array([ndimage.center_of_mass(reference[index]) for index in slices]) * grid.spacing[1:]
    return np.hypot(*(location.path_mm[slices] - centres).T)


def _agreement(found: NDArray, known: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return Dice, and mean signed and absolute area error (percent), over the slices of the reference."""
    slices = (known >= 0.5).any(axis=(1, 2))
    found, known = found[slices].astype(float), known[slices]
    a, b = found >= MASK_LEVEL, known >= 0.5
    error = found.sum(axis=(1, 2)) / known.sum(axis=(1, 2)) - 1
    return float(2 * (a & b).sum() / (a.sum() + b.sum())), float(100 * error.mean()), float(100 * np.abs(error).mean())


def _slices(shown: NDArray[np.bool_], known: NDArray[np.bool_]) -> str:
    """Return how many slices of the reference are missed, and how many others are said to show cord."""
    return f"{int((known & ~shown).sum())}, {int((shown & ~known).sum())} of {int((~known).sum())}"


def _along_edges(scan: Scan, cord: NDArray[np.float32]) -> str:
    try:
        soft = reorient_array(segment_cord(scan).soft, scan.grid, "SAR")[0]
    except CordNotFoundError:
        return "not found"
    return "{:.3f} {:+.1f} {:.1f}".format(*_agreement(soft, cord))


def _cylinders() -> None:
    """Print the area found in leaning elliptic cylinders of known section in fluid in muscle."""
    print(f"\n{'cylinder: pixel, slice mm':28}{'true mm2':>10}{'soft area %: T2w':>18}{'T1w':>8}{'canal %':>14}{'':>8}")
    for pixel, thickness in ((0.35, 5.0), (0.5, 5.0), (0.8, 3.0), (1.0, 1.0)):
        for right_left, front_back in ((9.0, 6.0), (12.5, 8.0)):
            errors = [_cylinder(pixel, thickness, (right_left, front_back), signals) for signals in CYLINDER_SIGNALS]
            area = np.pi * right_left * front_back / 4
            print(
                f"{f'{pixel:g} x {pixel:g} x {thickness:g}':28}{area:10.1f}{errors[0][0]:+18.1f}{errors[1][0]:+8.1f}"
                f"{errors[0][1]:+14.1f}{errors[1][1]:+8.1f}"
            )


def _cylinder(
    pixel: float, thickness: float, size: tuple[float, float], signals: tuple[float, float, float]
) -> tuple[float, float]:
    """Return the error of cord and canal area, percent."""
    n = round(48 / pixel)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = thickness, pixel, pixel, 1.0
    grid = Grid((8, n, n), affine)
    cord, canal = (simple_cylinder(grid, *axes, tilt_ap_deg=6.0)[0] for axes in (size, (20.0, 15.0)))
    tissue, csf, inside = signals
    values = tissue + (csf - tissue) * canal + (inside - csf) * cord
    values += np.random.default_rng(0).normal(0, 10, values.shape)
    location = locate(values, grid)
    maps = soft_maps(values, grid, location.path_mm)
    return 100 * (maps.cord.sum() / cord.sum() - 1), 100 * (maps.canal.sum() / canal.sum() - 1)


def _seconds(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> float:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1.0
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    grid = Grid(shape, affine)
    start = time.perf_counter()
    soft_maps(values, grid, locate(values, grid).path_mm)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
