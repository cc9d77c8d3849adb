"""Time the whole of `measure` on a real mask, and one edit in the live form. Prints each figure beside its target.

Run: python benchmarks/measure.py   (SPINALQ_SHARED names the folder of real scans, default ../shared)
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_spinalq.derivatives import measure_files
from napari_spinalq.geometry import Grid
from napari_spinalq.io.save import save_table
from napari_spinalq.metrics.live import LiveShapes

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
SCT_SECONDS = 1.07
"""Spinal Cord Toolbox 7.4 on the same mask in a warm process, measured."""


def measure_command(mask_path: Path, levels_path: Path, table_path: Path) -> None:
    """Do all that ``spinalq measure --per slice`` does: read, check, measure, write the table and its sidecar."""
    table, provenance = measure_files(mask_path, levels_path, per="slice", table_format="tidy")
    save_table(table, table_path, provenance, overwrite=True)


def seconds(action: Callable[[], object], repeats: int) -> float:
    """Return the median time of an action after one run to warm up."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def live_phantom() -> tuple[np.ndarray, Grid, np.ndarray]:
    """Return a cord in 320 x 320 x 200 voxels of 0.8 mm, its grid, and ten levels."""
    z, y, x = np.ogrid[:200, :320, :320]
    body = ((x - 160 - 8 * np.sin(z / 40)) / 8) ** 2 + ((y - 160 - 15 * np.cos(z / 60)) / 5) ** 2 <= 1
    affine = np.array([[0, 0, 0.8, -128], [0, 0.8, 0, -128], [0.8, 0, 0, -80], [0, 0, 0, 1.0]])
    return body.astype(np.uint8), Grid((200, 320, 320), affine), np.repeat(np.arange(10, 0, -1), 20)


def time_measure() -> None:
    """Print how long `measure` takes on the 55 slices of the T2w mask."""
    folder = SHARED / "data" / "sct_testing" / "t2"
    mask, levels = folder / "t2_seg-manual.nii.gz", folder / "t2_seg-manual_labeled.nii.gz"
    with tempfile.TemporaryDirectory() as output:
        taken = seconds(lambda: measure_command(mask, levels, Path(output) / "t2.csv"), 20)
    print(
        f"measure, 55 slices, files to file  : {taken * 1e3:6.1f} ms   target < 100 ms   SCT {SCT_SECONDS * 1e3:.0f} ms"
    )


def time_live() -> None:
    """Print how long one edited slice takes in a 320 x 320 x 200 array."""
    labels, grid, slice_levels = live_phantom()
    live = LiveShapes(labels, grid, slice_levels)

    def stroke() -> None:
        labels[100, 158:162, 166:169] ^= 1

    def one_slice() -> None:
        stroke()
        live.update(labels, [100])

    def all_numbers() -> None:
        one_slice()
        _ = live.levels

    print(f"live, cut one edited slice:          {seconds(one_slice, 50) * 1e3:6.2f} ms   target < 1 ms")
    print(f"live, all slice and level numbers:   {seconds(all_numbers, 50) * 1e3:6.2f} ms   target < 16 ms (a frame)")
    print(f"live, find which slices changed:     {seconds(lambda: live.changed_slices(labels), 20) * 1e3:6.2f} ms")


if __name__ == "__main__":
    time_measure()
    time_live()
