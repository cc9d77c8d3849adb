"""What comparing costs while someone paints, on a scan of 320 x 320 x 200: figure beside target.

Run it on a quiet machine::

    .venv/bin/python benchmarks/raters.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.live import LiveShapes
from napari_spinalq.quality.readers.adjudication import patches_of
from napari_spinalq.quality.readers.change import level_changes
from napari_spinalq.quality.readers.overlap import slice_overlap
from napari_spinalq.quality.readers.packed import packed

SHAPE = (200, 320, 320)
SPACING_MM = (1.0, 0.5, 0.5)
REPEATS = 20
REST_TARGET_MS = 100.0
"""The brush has rested for 400 ms by then: a tenth of a second more is not noticed."""

PACKED_TARGET_KB = 50.0
PATCHES_TARGET_MS = 2000.0


def main() -> None:
    """Print the figures."""
    before = _cylinder(8.0)
    after = before.copy()
    after[90:110, 178:181, 150:170] = 1
    grid = Grid(SHAPE, _work_affine())
    levels = np.repeat(np.arange(10, 0, -1), SHAPE[0] // 10)
    old, new = LiveShapes(before, grid, levels), LiveShapes(after, grid, levels)
    compared = _milliseconds(lambda: level_changes(old.levels, new.levels, slice_overlap(before, after)))
    found = _milliseconds(lambda: patches_of(_cylinder(8.0), _cylinder(8.6)), 3)
    print(f"before and after, when the brush rests   {compared:7.1f} ms   (target {REST_TARGET_MS:.0f})")
    print(f"patches of two reads                     {found:7.1f} ms   (target {PATCHES_TARGET_MS:.0f})")
    kept = packed(before)
    print(
        f"automatic mask kept                      {len(kept.content) / 1024:7.1f} kB   (target {PACKED_TARGET_KB:.0f})"
    )
    print(f"packing it                               {_milliseconds(lambda: packed(before)):7.1f} ms")


def _cylinder(radius_mm: float) -> NDArray[np.uint8]:
    y, x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    disc = ((y - 160) * SPACING_MM[1]) ** 2 + ((x - 160) * SPACING_MM[2]) ** 2 <= radius_mm**2
    return np.repeat(disc[None].astype(np.uint8), SHAPE[0], axis=0)


def _work_affine() -> NDArray[np.float64]:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *SPACING_MM, 1.0
    return affine


def _milliseconds(deed: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of a deed, ms."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        deed()
        times.append(time.perf_counter() - begin)
    return 1000.0 * float(np.median(times))


if __name__ == "__main__":
    main()
