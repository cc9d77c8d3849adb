import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.phantom import EllipticCylinder, simple_cylinder


@pytest.mark.parametrize("codes", ["RAS", "PIR", "LAS", "AIL"])
@pytest.mark.parametrize(("tilt_ap", "tilt_rl"), [(0, 0), (15, 0), (12, -9)])
def test_slice_areas_times_cosine_are_the_closed_form(codes, tilt_ap, tilt_rl):
    grid = Grid((40, 36, 6), np.diag([0.6, 0.8, 4.0, 1.0])).reoriented(codes)
    mask, cylinder = simple_cylinder(grid, 11.0, 7.0, tilt_ap_deg=tilt_ap, tilt_rl_deg=tilt_rl, turn_deg=10)
    work, _ = to_work_order(mask, grid)
    areas = work.sum(axis=(1, 2)) * 0.6 * 0.8 * cylinder.axis[2]
    assert areas == pytest.approx(np.full(6, np.pi * 11 * 7 / 4), rel=0.003)


def test_edges_hold_partial_volume_and_the_inside_is_full():
    grid = Grid((30, 30, 3), np.eye(4))
    mask, _ = simple_cylinder(grid, 12.0, 8.0)
    assert mask.min() == 0
    assert mask.max() == 1
    assert np.mean((mask > 0) & (mask < 1)) > 0.03
    assert mask[14, 14, 1] == 1


def test_tilt_leans_towards_anterior_and_right_on_the_way_up():
    grid = Grid((40, 40, 9), np.diag([1.0, 1.0, 5.0, 1.0]))
    mask, _ = simple_cylinder(grid, 8.0, 8.0, tilt_ap_deg=10, tilt_rl_deg=5)
    centre = [
        np.tensordot(mask[:, :, k], np.indices((40, 40)), axes=((0, 1), (1, 2))) / mask[:, :, k].sum() for k in (0, 8)
    ]
    rise = (centre[1] - centre[0]) / 40.0
    assert rise == pytest.approx(np.tan(np.radians([5, 10])), abs=2e-3)


def test_turn_rotates_the_long_axis():
    grid = Grid((50, 50, 3), np.diag([0.5, 0.5, 2.0, 1.0]))
    mask, _ = simple_cylinder(grid, 12.0, 6.0, turn_deg=30)
    x, y = (np.indices((50, 50)) - 24.5) * 0.5
    weight = mask[:, :, 1] / mask[:, :, 1].sum()
    angle = np.degrees(np.arctan2(2 * (weight * x * y).sum(), (weight * (x**2 - y**2)).sum())) / 2
    assert angle == pytest.approx(30, abs=0.3)


def test_no_diameter_no_cylinder():
    with pytest.raises(InputError, match="positive"):
        EllipticCylinder(0.0, 3.0)
