"""How long it takes to lay and sample the straightened strip, and to sample an edited mask on it again."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.strip import StripPlane, lay_strip
from napari_spinalq.geometry import Grid

SHAPE = (320, 320, 200)
"""Work order z, y, x."""

SPACING_MM = (1.0, 0.8, 0.8)
LENGTH_MM = 300.0
REPEATS = 15
IMAGE_TARGET_MS, MASK_TARGET_MS = 100.0, 10.0


def main() -> None:
    """Print each figure beside its target."""
    grid = Grid(SHAPE, _affine())
    image = np.random.default_rng(0).integers(0, 900, SHAPE).astype(np.int16)
    mask = (image > 450).astype(np.uint8)
    print(f"{'figure, ms':<44}{'median':>9}{'worst':>9}{'target':>9}")
    for plane in StripPlane:
        name = f"{plane.value.lower()}' strip of {LENGTH_MM:g} mm"
        _tell(f"{name}: lay, sample image", IMAGE_TARGET_MS, lambda p=plane: _strip(grid, p).image(image))
        laid = _strip(grid, plane)
        laid.labels(mask)  # a stroke never pays for the places of the samples
        _tell(f"{name}: sample mask", MASK_TARGET_MS, lambda one=laid: one.labels(mask))


def _strip(grid: Grid, plane: StripPlane):
    return lay_strip(_centerline(), grid, plane, beyond_ends_mm=0.0)


def _centerline() -> Centerline:
    """Return a cord of 300 mm with the bends of a neck and an upper back."""
    z = np.linspace(10.0, 306.0, 700)
    points = np.stack([80.0 + 3.0 * np.sin(z / 60.0), 128.0 + 15.0 * np.sin(z / 45.0), z], axis=1)
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    return Centerline(points[along <= LENGTH_MM])


def _affine() -> np.ndarray:
    affine = np.zeros((4, 4))
    for axis, ras in enumerate((2, 1, 0)):
        affine[ras, axis] = SPACING_MM[axis]
    affine[3, 3] = 1.0
    return affine


def _tell(name: str, target_ms: float, act: Callable[[], object]) -> None:
    spent = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        act()
        spent.append(1000.0 * (time.perf_counter() - started))
    print(f"{name:<44}{np.median(spent):>9.1f}{max(spent):>9.1f}{target_ms:>9.0f}")


if __name__ == "__main__":
    main()
