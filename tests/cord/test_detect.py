"""Scores of places: a part of them is the same as the whole."""

import numpy as np
import pytest

from napari_spinalq.cord.detect import normalised_gradients, score_places
from napari_spinalq.cord.path import CORRIDOR_RADIUS_MM, FORBIDDEN
from napari_spinalq.cord.stack import axial_stack, search_stack
from tests.cord.test_segment import neck


@pytest.mark.parametrize("polarity", [-1, 1])
def test_scores_within_a_corridor_are_those_of_the_whole_bit_for_bit(polarity):
    scan, _ = neck(slices=30)
    slabs = search_stack(axial_stack(scan.data, scan.grid))
    whole = score_places(slabs, polarity)
    rows, columns = np.indices(slabs.values.shape[1:])
    for y, x in ((20.0, 21.3), (0.0, 40.0), (60.0, -30.0)):
        guide = np.tile([y, x], (len(slabs.values), 1)) + np.linspace(0, 3, len(slabs.values))[:, None]
        part = score_places(slabs, polarity, gradients=normalised_gradients(slabs.values), guide_mm=guide)
        scored = part != FORBIDDEN
        assert np.array_equal(part[scored], whole[scored])
        for slab, (gy, gx) in enumerate(guide):
            assert scored[slab][np.hypot(rows - gy, columns - gx) <= CORRIDOR_RADIUS_MM].all()
            assert scored[slab].any()
