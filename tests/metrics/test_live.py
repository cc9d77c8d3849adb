"""Live measures equal full ones after any edit."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.live import LiveShapes
from napari_spinalq.metrics.shape import EMPTY, slice_shapes

SHAPE = (16, 20, 22)
LEVELS = np.repeat([5, 4, 3, 0], 4)
GRID = Grid(SHAPE, np.array([[0.02, 0, 0.7, -7], [0.1, 0.8, 0, 4], [1.5, 0, 0.01, -12], [0, 0, 0, 1]]))


def cord():
    """Return labels of a curved cord (1) with a neighbour (2)."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((x - 11 - 2 * np.sin(z / 5)) / 6.2) ** 2 + ((y - 9.3 - 0.2 * z) / 3.6) ** 2 <= 1
    labels = body.astype(np.uint8)
    labels[:, 0, 0] = 2
    return labels


def assert_same(ours, theirs):
    for field in fields(theirs):
        left, right = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(right, np.ndarray):
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        elif field.name in ("mean", "sd"):
            for name in right:
                np.testing.assert_array_equal(left[name], right[name], err_msg=name)
        else:
            assert left == right, field.name


def assert_equals_full(live, labels, label=1):
    full = slice_shapes((labels == label).astype(np.uint8), GRID)
    assert_same(live.shapes, full)
    assert_same(live.levels, per_level(full, LEVELS))


strokes = st.tuples(
    st.integers(0, SHAPE[0] - 1),
    st.integers(0, SHAPE[1] - 1),
    st.integers(0, SHAPE[2] - 1),
    st.integers(1, 3),
    st.integers(1, 8),
    st.sampled_from([0, 1, 2]),
)
"""First voxel of a painted box, its depth and width, and the painted label."""


@given(st.lists(strokes, min_size=1, max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_edits(edits, told):
    labels = cord()
    live = LiveShapes(labels, GRID, LEVELS)
    for z, y, x, depth, width, value in edits:
        labels[z : z + depth, y : y + width, x : x + width] = value
        live.update(labels, range(z, min(z + depth, SHAPE[0])) if told else None)
        if (labels == 1).any():
            assert_equals_full(live, labels)
        else:
            assert live.shapes.flags == (EMPTY,)


def test_start_equals_full():
    labels = cord()
    assert_equals_full(LiveShapes(labels, GRID, LEVELS), labels)


def test_undo_of_a_move_is_seen():
    labels = cord()
    live = LiveShapes(labels, GRID, LEVELS)
    before = labels.copy()
    labels[7] = np.roll(labels[7], 1, axis=1)  # same count
    assert live.update(labels) == [7]
    assert live.changed_slices(labels) == []
    labels[7] = before[7]
    assert live.changed_slices(labels) == [7]
    live.update(labels)
    assert_equals_full(live, labels)


def test_slices_that_are_not_named_stay_as_they_were():
    labels = cord()
    live = LiveShapes(labels, GRID, LEVELS)
    labels[3, 5:8] = 0
    assert live.update(labels, [4]) == [4]
    assert live.update(labels) == [3]


def test_another_label():
    labels = cord()
    labels[labels == 1] = 7
    assert_equals_full(LiveShapes(labels, GRID, LEVELS, label=7), labels, label=7)


def test_soft_mask():
    soft = cord().clip(0, 1) * np.float32(0.5)
    soft[:, 0, 0] = 0
    live = LiveShapes(soft, GRID, label=None)
    soft[5, 9, 9:12] = 1.0
    live.update(soft, [5])
    assert_same(live.shapes, slice_shapes(soft, GRID))
    assert live.levels is None


def test_emptied_and_painted_again():
    labels = cord()
    live = LiveShapes(labels, GRID, LEVELS)
    kept = labels.copy()
    labels[:] = 0
    live.update(labels)
    assert len(live.shapes) == 0
    assert live.shapes.flags == (EMPTY,)
    assert len(live.levels) == 0
    labels[:] = kept
    live.update(labels)
    assert_equals_full(live, labels)


def test_levels_can_be_renamed():
    labels = cord()
    live = LiveShapes(labels, GRID)
    assert live.levels is None
    live.set_levels(LEVELS + 1)
    assert live.levels.level.tolist() == [1, 4, 5, 6]


def test_bad_input():
    labels = cord()
    with pytest.raises(InputError, match="axes SAR"):
        LiveShapes(labels, GRID.reoriented("RAS"))
    with pytest.raises(GridMismatchError, match="shape"):
        LiveShapes(labels[1:], GRID)
    with pytest.raises(GridMismatchError, match="Levels are given for 3 slices"):
        LiveShapes(labels, GRID, [1, 2, 3])
