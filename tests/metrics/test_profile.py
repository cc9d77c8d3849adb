"""A measure along the cord: slice by slice, nothing where nothing was measured."""

import numpy as np
import pytest

from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.profile import level_means, profile_of
from napari_spinalq.metrics.shape import slice_shapes


def test_values_stand_at_their_slices(phantom):
    mask, grid = phantom.upright()
    mask[:5] = 0
    mask[20] = 0
    shapes = slice_shapes(mask, grid)
    profile = profile_of(shapes, "area_mm2", grid)
    assert np.flatnonzero(np.isnan(profile.values)).tolist() == [0, 1, 2, 3, 4, 20]
    np.testing.assert_array_equal(profile.values[shapes.slice_index], shapes.area_mm2)
    assert not profile.spikes.any()


def test_a_swollen_slice_is_a_spike(phantom):
    mask, grid = phantom.upright()
    mask[20, 12:36, 12:36] = 1
    profile = profile_of(slice_shapes(mask, grid), "area_mm2", grid)
    assert np.flatnonzero(profile.spikes).tolist() == [20]


def test_means_per_level(phantom):
    mask, grid = phantom.upright()
    shapes = slice_shapes(mask, grid)
    levels = np.repeat([4, 3], len(mask) // 2)
    means = level_means(per_level(shapes, levels), "solidity")
    assert list(means) == [3, 4]
    assert means[3] == pytest.approx(shapes.solidity[20:].mean())
    assert level_means(None, "solidity") == {}
