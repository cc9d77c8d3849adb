"""Values go from one grid to another: averaged over thick slices, labels never mixed, sides never swapped."""

import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.registration.carry import carry, carry_back
from napari_spinalq.registration.registration import by_position

FINE = Grid((8, 8, 20), np.diag([1.0, 1.0, 1.0, 1.0]))
THICK = Grid((8, 8, 4), np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 5, 2], [0, 0, 0, 1]]))
"""Each slice of the second covers five of the first."""


def test_soft_values_are_averaged_over_a_thick_slice():
    data = np.zeros(FINE.shape, dtype=np.float32)
    data[3, 4, 5:8] = 1
    found = carry(by_position(FINE, THICK), data)
    assert found[3, 4].tolist() == pytest.approx([0, 0.6, 0, 0])
    assert found.sum() == pytest.approx(0.6)


def test_labels_are_never_mixed():
    data = np.zeros(FINE.shape, dtype=np.uint8)
    data[..., 5:7], data[..., 7:10] = 3, 9
    found = carry(by_position(FINE, THICK), data, order=0)
    assert found.dtype == np.uint8
    assert found[2, 2].tolist() == [0, 9, 0, 0]


def test_outside_the_source_nothing_is_known():
    half = FINE.cropped((0, 0, 0), (4, 8, 20))
    values = carry(by_position(half, THICK), np.ones(half.shape, dtype=np.float32))
    assert np.isnan(values[4:]).all()
    assert (values[:4] == 1).all()
    labels = carry(by_position(half, THICK), np.ones(half.shape, dtype=np.uint8), order=0)
    assert labels[4:].max() == 0


def test_the_way_back_keeps_values_of_a_thick_slice():
    data = np.zeros(THICK.shape, dtype=np.float32)
    data[..., 1] = 1
    found = carry_back(by_position(FINE, THICK), data)
    assert found[0, 0, 7] == 1
    assert found[0, 0, 2] == 0
    assert found[0, 0, 4] == pytest.approx(0.4)


def test_a_coarse_source_is_interpolated():
    data = np.zeros(THICK.shape, dtype=np.float32)
    data[..., :] = np.arange(4) * 5 + 2
    found = carry(by_position(THICK, FINE), data)
    assert found[1, 1, 2:18].tolist() == pytest.approx(list(range(2, 18)))


def test_wrong_input_is_refused():
    registration = by_position(FINE, THICK)
    with pytest.raises(GridMismatchError, match="shape"):
        carry(registration, np.zeros(THICK.shape))
    with pytest.raises(InputError, match="order"):
        carry(registration, np.zeros(FINE.shape), order=3)
