"""Arrays between axis orders."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid, in_work_layout, to_work_order


@pytest.mark.parametrize("codes", ["RAS", "LPI", "PIR", "SAR", "IAL"])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 2)])
def test_an_array_laid_out_for_work_is_the_same_and_is_reordered_without_a_copy(codes, shape):
    grid = Grid((4, 5, 6), np.diag([1.0, 2.0, 3.0, 1.0])).reoriented(codes)
    data = np.random.default_rng(0).normal(size=(*grid.shape, *shape[3:]))
    laid_out = in_work_layout(data, grid)
    assert np.array_equal(laid_out, data)
    assert np.shares_memory(to_work_order(laid_out, grid)[0], laid_out)
