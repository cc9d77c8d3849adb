"""The whole chain on digital scans: alignment, maps and what is said about them."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.mt.maps import NO_SETTINGS, NO_T1W, magnetisation_transfer
from napari_spinalq.mt.parameters import Excitation, MtParameters
from napari_spinalq.scan import Scan

PROTOCOL = MtParameters(Excitation(9, 0.035), Excitation(9, 0.035), Excitation(15, 0.015))
GRID = Grid((8, 8, 3), np.diag([0.9, 0.9, 5.0, 1.0]))


def _scan(value):
    return Scan(np.full(GRID.shape, float(value)), GRID)


@pytest.fixture
def cord():
    mask = np.zeros(GRID.shape, dtype=np.uint8)
    mask[2:6, 2:6] = 1
    return mask


def test_maps_of_uniform_scans(cord):
    maps = magnetisation_transfer(_scan(106), _scan(200), _scan(145), PROTOCOL, cord, align=False)
    assert maps.mtr == pytest.approx(47.0)
    assert maps.mtsat is not None
    assert maps.t1 is not None
    assert np.ptp(maps.mtsat) == 0
    assert (maps.flags, maps.motions) == ((), {})


def test_what_is_missing_for_mtsat_is_said(cord):
    without = magnetisation_transfer(_scan(106), _scan(200), cord_mask=cord, align=False)
    assert (without.mtsat, without.t1, without.flags) == (None, None, (NO_T1W,))
    unknown = magnetisation_transfer(_scan(106), _scan(200), _scan(145), None, cord, align=False)
    assert (unknown.mtsat, unknown.flags) == (None, (NO_SETTINGS,))


def test_odd_values_are_counted_and_kept(cord):
    on, off = _scan(190), _scan(200)
    on.data[2, 2, :2], off.data[3, 3, 0] = 210, 1
    maps = magnetisation_transfer(on, off, cord_mask=cord, align=False)
    assert maps.mtr[2, 2, 0] == pytest.approx(-5)
    assert maps.flags[1:] == (
        "MTR is negative in 2 of 48 voxels of the cord",
        "MTR is not known in 1 of 48 voxels of the cord",
        "the median MTR of the cord, 5 %, is unusual (15 to 65 %): check the scans",
    )


def test_different_settings_of_both_scans_are_said(cord):
    other = replace(PROTOCOL, off=Excitation(6, 0.028))
    maps = magnetisation_transfer(_scan(106), _scan(200), _scan(145), other, cord, align=False)
    assert "different flip angles or repetition times" in maps.flags[0]


def test_series_other_grids_and_swapped_scans_are_refused(cord):
    on, off = _scan(106), _scan(200)
    series = Scan(np.zeros((*GRID.shape, 2)), GRID)
    with pytest.raises(InputError, match="holds 2 volumes"):
        magnetisation_transfer(on, series, cord_mask=cord)
    elsewhere = Scan(off.data, Grid(GRID.shape, np.diag([0.9, 0.9, 4.0, 1.0])))
    with pytest.raises(GridMismatchError, match="voxel size"):
        magnetisation_transfer(on, elsewhere, cord_mask=cord, align=False)
    with pytest.raises(InputError, match="swapped"):
        magnetisation_transfer(off, on, cord_mask=cord, align=False)
