"""A cord of known shape that every test of this room starts from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.quality.faults.case import Case
from napari_spinalq.results import DrawnStructure
from napari_spinalq.scan import Scan

PIXEL_MM, SLICE_MM, N_SLICES, N_PIXELS = 0.5, 3.0, 20, 80
NOISE_SD, CORD, FLUID, TISSUE = 4.0, 100.0, 200.0, 60.0


def ellipse(half_rl_mm: float, half_ap_mm: float, right_mm: float = 0.0) -> np.ndarray:
    """Return an elliptic cylinder on the grid of the case, in work order."""
    y, x = (np.indices((N_PIXELS, N_PIXELS)) - (N_PIXELS - 1) / 2) * PIXEL_MM
    section = ((x - right_mm) / half_rl_mm) ** 2 + (y / half_ap_mm) ** 2 <= 1
    return np.broadcast_to(section, (N_SLICES, N_PIXELS, N_PIXELS)).copy()


@pytest.fixture(scope="session")
def case() -> Case:
    """Return a cord of 12 x 8 mm in a canal of 18 x 14 mm with grey matter of 4 x 3 mm, upright, in work order."""
    affine = np.array([[0, 0, PIXEL_MM, -20], [0, PIXEL_MM, 0, -20], [SLICE_MM, 0, 0, 0], [0, 0, 0, 1.0]])
    grid = Grid((N_SLICES, N_PIXELS, N_PIXELS), affine)
    cord, canal, grey = ellipse(6, 4), ellipse(9, 7), ellipse(2, 1.5)
    image = np.where(cord, CORD, np.where(canal, FLUID, TISSUE))
    image = image + np.random.default_rng(0).normal(0, NOISE_SD, grid.shape)
    drawn = (DrawnStructure("gm", grey.astype(np.uint8)), DrawnStructure("canal", canal.astype(np.uint8)))
    return Case(Scan(image.astype(np.float32), grid), cord.astype(np.uint8), structures=drawn)
