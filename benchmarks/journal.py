"""What journalling costs the hand, the disk and the next opening, on 320 x 320 x 200 voxels; figures beside targets.

Run it with ``python benchmarks/journal.py``; it writes in a temporary folder alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.io.journal import ImageRef, Journal, between, between_slices, changed_slices, read_journal

SHAPE = (320, 320, 200)
"""Voxels along x, y, z of the file."""

STROKES = 2000
BRUSH_VOXELS = 7
REF = ImageRef(name="sub-01_T2w.nii.gz", sha256="0" * 64, shape=SHAPE, axes="LAS", affine="0" * 16)


def cord() -> NDArray[np.uint8]:
    """Return a mask (z, y, x) of a cord that bends: 27 x 18 voxels in all 200 slices."""
    z, y, x = np.ogrid[: SHAPE[2], : SHAPE[1], : SHAPE[0]]
    inside = ((y - 160 - 20 * np.sin(z / 40)) / 9) ** 2 + ((x - 160 - z / 10) / 13.5) ** 2 <= 1
    return inside.astype(np.uint8)


def stroke(mask: NDArray[np.uint8], rng: np.random.Generator) -> int:
    """Draw a short line with a round brush at the edge of the cord in some slice; return the slice."""
    index, (dy, dx) = int(rng.integers(SHAPE[2])), rng.integers(-12, 12, 2)
    y, x = np.ogrid[: SHAPE[1], : SHAPE[0]]
    for step in range(5):
        near = (y - 160 - dy) ** 2 + (x - 160 - dx - 2 * step) ** 2 <= (BRUSH_VOXELS / 2) ** 2
        mask[index][near] = rng.integers(0, 2)
    return index


def seconds(deed: Callable[[], object]) -> float:
    """Return how long a deed takes, s."""
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start


def strokes(journal: Journal, home: Path, *, slices_known: bool, count: int) -> tuple[NDArray, NDArray]:
    """Journal strokes as the window does; return the time (ms) and the bytes of each."""
    rng, shadow = np.random.default_rng(7), cord()
    mask, times, sizes = shadow.copy(), list[float](), list[int]()
    for _ in range(count):
        index, before = stroke(mask, rng), home.stat().st_size

        def note(index: int = index) -> None:
            slices = (index,) if slices_known else changed_slices(shadow, mask)
            delta = between_slices(shadow, mask, slices, REF.order)
            journal.note_mask(REF, "cord", "brush", delta, slices=slices)
            shadow[list(slices)] = mask[list(slices)]

        times.append(1e3 * seconds(note))
        sizes.append(home.stat().st_size - before)
    return np.asarray(times), np.asarray(sizes)


def tell(what: str, found: float, unit: str, target: float | None = None) -> None:
    """Print a figure, and its target if it has one."""
    beside = "" if target is None else f"   target < {target:g} {unit}   {'ok' if found < target else 'MISSED'}"
    print(f"{what:<58}{found:>10.2f} {unit}{beside}")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "sub-01.edits.jsonl"
        journal, mask = Journal.at(home), cord()
        whole = seconds(lambda: journal.note_ground(REF, "cord", between(None, mask, REF.order)))
        tell("whole mask of 200 slices: time", 1e3 * whole, "ms")
        tell("whole mask of 200 slices: size", home.stat().st_size / 1e3, "kB", 300)
        known, _ = strokes(journal, home, slices_known=True, count=200)
        tell("stroke, slices known: median on the main thread", float(np.median(known)), "ms", 8)
        tell("stroke, slices known: 95th percentile", float(np.percentile(known, 95)), "ms", 8)
        times, sizes = strokes(journal, home, slices_known=False, count=STROKES - 200)
        tell("stroke, any slice (napari's brush): median", float(np.median(times)), "ms", 8)
        tell("stroke, any slice (napari's brush): 95th percentile", float(np.percentile(times, 95)), "ms", 8)
        tell("bytes of a stroke: median", float(np.median(sizes)), "B", 2000)
        tell("bytes of a stroke: 95th percentile", float(np.percentile(sizes, 95)), "B", 2000)
        with home.open("rb+") as stream:
            syncs = [seconds(stream.flush) + seconds(lambda: os.fsync(stream.fileno())) for _ in range(20)]
        tell("fsync (in a thread of its own): median", 1e3 * float(np.median(syncs)), "ms")
        journal.store.close()
        tell(f"reading and replaying {STROKES} strokes", seconds(lambda: read_journal(home)), "s", 3)
        tell(f"journal of {STROKES} strokes: size", home.stat().st_size / 1e6, "MB")


if __name__ == "__main__":
    main()
