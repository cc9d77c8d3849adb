"""Grey windows: percentiles of known values, in and around a known cord."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.views.window import Window, auto_window, presets

CORD_VALUE, CSF_VALUE, BONE_VALUE = 300.0, 900.0, 100.0


def _neck() -> tuple[np.ndarray, np.ndarray, Grid]:
    """Return a cord of 4 mm radius with values 290..310, CSF to 7 mm, bone beyond, and a few bright spikes."""
    grid = Grid((20, 60, 60), np.diag([1.0, 1.0, 1.0, 1.0]))
    _, y, x = np.indices(grid.shape)
    radius = np.hypot(y - 30, x - 30)
    data = np.where(radius <= 4, CORD_VALUE, np.where(radius <= 7, CSF_VALUE, BONE_VALUE))
    data = data + np.where(radius <= 4, (x - 30) * 2.5, 0.0)
    data[0, 0, :5] = 50_000
    return data, (radius <= 4).astype(np.uint8), grid


def test_presets_frame_what_they_name():
    data, mask, grid = _neck()
    found = presets(data, grid, mask, Contrast.T2W)
    assert list(found) == ["Auto", "Cord", "CSF", "Bone"]
    inside = data[mask > 0]
    low, high = np.percentile(inside, (5, 95))
    assert found["Cord"] == Window(low - 0.5 * (high - low), high + 0.5 * (high - low))
    assert found["Cord"].high < CSF_VALUE
    assert found["CSF"].low == pytest.approx(BONE_VALUE)
    assert found["CSF"].high == pytest.approx(CSF_VALUE)
    assert found["Auto"].high < 50_000


def test_without_a_mask_only_windows_of_the_whole_are_offered():
    data, mask, grid = _neck()
    assert list(presets(data, grid, None, Contrast.MT)) == ["Auto", "Wide"]
    assert list(presets(data, grid, np.zeros_like(mask))) == ["Auto", "Wide"]


def test_presets_do_not_depend_on_the_axis_order_and_follow_the_scale_of_values():
    data, mask, grid = _neck()
    turned = Grid(grid.shape[::-1], np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    there = presets(np.ascontiguousarray(data.T), turned, np.ascontiguousarray(mask.T))
    assert there["CSF"] == presets(data, grid, mask)["CSF"]
    tenfold = presets(data * 10, grid, mask)["Cord"]
    assert tenfold.low == pytest.approx(10 * presets(data, grid, mask)["Cord"].low)


def test_negative_values_keep_their_sign():
    found = presets(np.linspace(-1, 1, 1000).reshape(10, 10, 10), Grid((10, 10, 10), np.eye(4)))
    assert found["Auto"].low < 0 < found["Auto"].high


def test_a_constant_image_has_a_window():
    assert auto_window(np.full((4, 4, 4), 7.0)) == Window(7.0, 8.0)


def test_dragging():
    start = Window(100.0, 300.0)
    assert start.dragged(0, 0) == start
    wide = start.dragged(150, 0)
    assert (wide.width, wide.level) == (400.0, 200.0)
    high = start.dragged(0, 75)
    assert (high.width, high.level) == (200.0, 300.0)
    assert start.dragged(-10_000, 0).width >= 0
