"""Grey matter, white matter and canal beside the cord: closed forms, and the live form against the full one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.live_structures import LiveStructures
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.metrics.tidy import RowIdentity, level_table, slice_table, unmeasured_table
from napari_spinalq.metrics.white_matter import white_matter
from tests.metrics.test_live import GRID, LEVELS, SHAPE, assert_same, cord

HORN_MM = 1.5
"""Half of the side of each square horn, mm."""


def horns(points_mm, frame):
    """Tell which points lie in two square horns 3 mm beside the axis."""
    across, along, _ = np.moveaxis(points_mm @ frame, -1, 0)
    return (np.abs(np.abs(across) - 3.0) <= HORN_MM) & (np.abs(along) <= HORN_MM)


@pytest.mark.parametrize("degrees", [0, 25])
def test_areas_add_up_in_a_leaning_cord(phantom, degrees):
    frame = phantom.turn((1, 1, 0), degrees)
    grid = phantom.grid((2.0, 0.25, 0.25), (40.0, 36.0, 36.0))
    body = phantom.sample(phantom.cylinder(frame).inside, grid)
    grey = phantom.sample(lambda points: horns(points, frame), grid)
    shapes = slice_shapes(body, grid)
    gm, wm = (
        slice_shapes(mask, grid, structure=name, cord=shapes)
        for name, mask in (("gm", grey), ("wm", white_matter(body, grey)))
    )
    np.testing.assert_allclose(gm.area_mm2 + wm.area_mm2, shapes.area_mm2, rtol=1e-6)
    inner = slice(3, -3)  # in the first and last slices the smooth direction of the cord is less sure
    assert gm.area_mm2[inner] == pytest.approx(2 * (2 * HORN_MM) ** 2, rel=0.03)
    np.testing.assert_allclose(gm.angle_deg, shapes.angle_deg, atol=1e-9)


def test_left_and_right_of_grey_and_white_matter_are_parted_by_the_midline_of_the_cord(phantom):
    """A bar from 4 mm left to 2 mm right of the axis: 100 (4 - 2) / 3; about its own centroid it is even."""
    body, grid = phantom.upright((1.0, 0.25, 0.25))
    bar = phantom.sample(lambda at: (at[..., 0] > -4) & (at[..., 0] < 2) & (np.abs(at[..., 1]) < 1), grid, parts=4)
    shapes = slice_shapes(body, grid)
    gm = slice_shapes(bar, grid, structure="gm", cord=shapes)
    assert gm.asymmetry_percent == pytest.approx(100 * 2 / 3, abs=1.0)
    assert slice_shapes(bar, grid, structure="gm").asymmetry_percent == pytest.approx(0.0, abs=0.1)
    wm = slice_shapes(white_matter(body, bar), grid, structure="wm", cord=shapes)
    half = phantom.area_mm2 / 2
    assert wm.asymmetry_percent == pytest.approx(100 * -4 / (half - 6), abs=1.0)


def test_every_piece_of_grey_matter_counts_and_none_is_called_stray(phantom):
    body, grid = phantom.upright()
    grey = phantom.sample(lambda points: horns(points, np.eye(3)), grid)
    found = slice_shapes(grey, grid, structure="gm", cord=slice_shapes(body, grid))
    assert found.flags == ()
    assert not any(found.slice_flags)
    np.testing.assert_allclose(found.area_plain_mm2, grey.sum(axis=(1, 2)) * 0.25)


def test_soft_masks_count_by_value(phantom):
    body, grid = phantom.upright()
    share = white_matter(body, 0.25 * body)
    np.testing.assert_allclose(share, 0.75 * body)
    wm = slice_shapes(share, grid, structure="wm", cord=slice_shapes(body, grid))
    np.testing.assert_allclose(wm.area_mm2, 0.75 * slice_shapes(body, grid).area_mm2, rtol=1e-6)


def test_slices_without_grey_matter_hold_no_white_matter(phantom):
    body, grid = phantom.upright()
    grey = phantom.sample(lambda points: horns(points, np.eye(3)), grid)
    grey[:5] = 0
    wm = slice_shapes(white_matter(body, grey), grid, structure="wm", cord=slice_shapes(body, grid))
    assert wm.slice_index[0] == 5


def test_a_slice_beyond_the_cord_takes_its_direction_from_the_last_one(phantom):
    frame = phantom.turn((1, 0, 0), 20)
    grid = phantom.grid((2.0, 0.5, 0.5), (40.0, 36.0, 36.0))
    canal = phantom.sample(phantom.cylinder(frame, 9.0, 7.0).inside, grid)
    body = phantom.sample(phantom.cylinder(frame).inside, grid)
    body[:4] = 0
    shapes = slice_shapes(body, grid)
    found = slice_shapes(canal, grid, structure="canal", cord=shapes)
    np.testing.assert_allclose(found.angle_deg[:4], shapes.angle_deg[0])
    assert found.area_mm2[4:] == pytest.approx(np.pi * 63, rel=0.03)


def grey_matter(labels):
    """Return a block within the cord of each slice."""
    grey = np.zeros(SHAPE, np.uint8)
    grey[3:14, 8:12, 9:14] = 1
    return grey * (labels == 1)


def full(labels, arrays):
    """Measure all structures from nothing."""
    shapes = slice_shapes((labels == 1).astype(np.uint8), GRID)
    found = {"cord": shapes}
    masks = {name: (array == 1).astype(np.uint8) for name, array in arrays.items()}
    masks["wm"] = white_matter(labels == 1, arrays["gm"] == 1)
    for name, mask in masks.items():
        if mask.any():
            found[name] = slice_shapes(mask, GRID, structure=name, cord=shapes)
    return found


STROKES = st.tuples(
    st.sampled_from(["cord", "gm", "canal"]),
    st.integers(1, SHAPE[0] - 4),
    st.integers(4, SHAPE[1] - 6),
    st.integers(4, SHAPE[2] - 6),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([0, 1]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STROKES, min_size=1, max_size=5))
def test_live_numbers_equal_full_ones_after_any_strokes(strokes):
    labels = cord()
    arrays = {"gm": grey_matter(labels), "canal": np.where(labels == 1, 1, 0).astype(np.uint8)}
    live = LiveStructures(labels, GRID, LEVELS)
    for name, array in arrays.items():
        live.take(name, array)
    for name, z, y, x, depth, width, value in strokes:
        array = labels if name == "cord" else arrays[name]
        array[z : z + depth, y : y + width, x : x + width] = value
        live.take(name, array)
        assert live.shapes("wm").shapes is not None  # asked for in between, as a table does
    for name, shapes in full(labels, arrays).items():
        assert_same(live.shapes(name).shapes, shapes)
        assert_same(live.shapes(name).levels, per_level(shapes, LEVELS))


def test_a_dropped_structure_takes_its_white_matter_along():
    labels = cord()
    live = LiveStructures(labels, GRID, LEVELS)
    live.take("gm", grey_matter(labels))
    assert live.shapes("wm") is not None
    live.drop("gm")
    assert live.shapes("gm") is None
    assert live.shapes("wm") is None
    assert live.take("cord", labels) == []


def test_tables_of_tissues_hold_what_means_something():
    shapes = slice_shapes((cord() == 1).astype(np.uint8), GRID)
    levels = per_level(shapes, LEVELS)
    table = level_table(levels, RowIdentity(structure="gm"))
    assert set(table["metric"]) == {
        "area",
        "area_sd",
        "area_plain",
        "area_plain_sd",
        "asymmetry",
        "asymmetry_sd",
        "length",
    }
    assert set(table["structure"]) == {"gm"}
    assert "diameter_ap" in set(level_table(levels, RowIdentity(structure="canal"))["metric"])


@pytest.mark.parametrize("per", ["level", "slice"])
def test_what_a_scan_does_not_show_has_rows_that_say_so(per):
    shapes = slice_shapes((cord() == 1).astype(np.uint8), GRID)
    known = level_table(per_level(shapes, LEVELS)) if per == "level" else slice_table(shapes, LEVELS)
    table = unmeasured_table(known, "gm", "GM not measurable")
    assert table["value"].isna().all()
    assert (table["flag"] == "GM not measurable").all()
    assert (table["n_slices"] == 0).all()
    expected = known[known["metric"] == "area"]
    pd.testing.assert_series_equal(table["level"], expected["level"].reset_index(drop=True))
    assert len(table) == (3 if per == "level" else len(shapes))


def test_the_frame_of_the_cord_survives_a_sheared_grid():
    """The direction read back from the cord's angles is the cord's own."""
    sheared = Grid(SHAPE, np.array([[0.0, 0, 0.7, -7], [0.1, 0.8, 0, 4], [1.5, 0.2, 0.0, -12], [0, 0, 0, 1]]))
    mask = (cord() == 1).astype(np.uint8)
    shapes = slice_shapes(mask, sheared)
    again = slice_shapes(mask, sheared, structure="canal", cord=shapes)
    np.testing.assert_allclose(again.area_mm2, shapes.area_mm2, rtol=1e-12)
    np.testing.assert_allclose(again.angle_ap_deg, shapes.angle_ap_deg, atol=1e-9)
