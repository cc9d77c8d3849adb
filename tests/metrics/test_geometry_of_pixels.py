"""Parts of pixels beside a line, and the length of outlines."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.metrics.halves import fraction_beyond
from napari_spinalq.metrics.outline import crossings, perimeter_mm, solidity
from napari_spinalq.metrics.ranges import at_slices, slice_ranges


@pytest.mark.parametrize("degrees", [0.0, 13.0, 45.0, 90.0, 130.0])
@pytest.mark.parametrize("distance", [-0.6, -0.3, 0.0, 0.2, 0.55])
def test_fraction_of_a_pixel_beyond_a_line(degrees, distance):
    """Against counting 400 x 400 points of a pixel of 1 x 0.7."""
    across, along = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    grid = (np.arange(400) + 0.5) / 400 - 0.5
    counted = np.mean(distance + grid[:, None] * across * 1.0 + grid[None, :] * along * 0.7 > 0)
    exact = fraction_beyond(np.array([distance]), across * 1.0, along * 0.7)[0]
    assert exact == pytest.approx(counted, abs=0.004)


@pytest.mark.parametrize("degrees", np.arange(0, 180, 11.0))
@pytest.mark.parametrize(("pixel", "tolerance"), [((0.5, 0.5), 0.02), ((0.4, 0.6), 0.03)])
def test_perimeter_of_a_turned_square(degrees, pixel, tolerance):
    """A square of 40 mm with edges softened over a pixel: 160 mm at every angle."""
    size = 70.0
    rows, columns = (np.arange(round(size / step)) * step - size / 2 for step in pixel)
    turn = np.radians(degrees)
    first = columns[None, :] * np.cos(turn) + rows[:, None] * np.sin(turn)
    second = -columns[None, :] * np.sin(turn) + rows[:, None] * np.cos(turn)
    depth = 20.0 - np.maximum(np.abs(first), np.abs(second))
    values = np.clip(depth / 0.5 + 0.5, 0, 1)
    matrix = np.array([[[0.0, pixel[1]], [pixel[0], 0.0]]])
    assert perimeter_mm(crossings(values)[None], matrix)[0] == pytest.approx(160.0, rel=tolerance)


def test_perimeter_counts_a_hole():
    ring = np.zeros((60, 60))
    ring[10:50, 10:50] = 1
    whole = crossings(ring)
    ring[20:40, 20:40] = 0
    matrix = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    outer, both = perimeter_mm(np.stack([whole, crossings(ring)]), np.repeat(matrix, 2, axis=0))
    assert both / outer == pytest.approx(1.5, rel=0.01)


def test_solidity_of_a_box_and_of_a_corner():
    box = np.ones((6, 9))
    assert solidity(box) == pytest.approx(1.0)
    corner = np.ones((40, 40))
    corner[20:, 20:] = 0  # three quarters of a square; the hull leaves out half of the missing quarter
    assert solidity(corner) == pytest.approx(0.75 / 0.875, rel=0.01)


def test_slices_in_words():
    assert slice_ranges([9, 1, 2, 3, 7, 8]) == "1:3;7:9"
    assert at_slices([5]) == "slice 5"
