"""What lies between two scans is known in both directions."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.distortion import BEND_ALONG_MM, Distortion, slice_frame

C, S = np.cos(np.radians(19)), np.sin(np.radians(19))
OBLIQUE = Grid(
    (20, 20, 8), np.array([[-0.9, 0, 0, 10], [0, 0.9 * C, 5 * S, -5], [0, -0.9 * S, 5 * C, 3], [0, 0, 0, 1.0]])
)
EVERYTHING = {"shift_mm": (1.0, -2.0), "turn_deg": 5.0, "scale": 0.1, "shear": -0.05, "bend_mm": 3.0}


def test_the_way_back_is_exact():
    distortion = Distortion(slice_frame(OBLIQUE), np.array([1.0, 2.0, 3.0]), **EVERYTHING)
    points = np.random.default_rng(0).uniform(-30, 30, (200, 3))
    assert distortion.body_at(distortion.seen_at(points)) == pytest.approx(points, abs=1e-9)
    assert np.linalg.norm(distortion.seen_at(points) - points, axis=1).max() > 3


def test_directions_are_the_patients():
    plain = Distortion(np.eye(3), np.zeros(3), shift_mm=(2.0, 0.5))
    assert plain.seen_at([0.0, 0, 0]).tolist() == [2.0, 0.5, 0.0]
    turned = Distortion(np.eye(3), np.zeros(3), turn_deg=90.0)
    assert turned.seen_at([1.0, 0, 0]) == pytest.approx([0, 1, 0])
    bent = Distortion(np.eye(3), np.zeros(3), bend_mm=3.0)
    assert bent.seen_at([0.0, 0, BEND_ALONG_MM / 4]) == pytest.approx([0, 3, BEND_ALONG_MM / 4])


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR", "SAR"])
def test_the_frame_of_the_slices_does_not_depend_on_storage(codes):
    frame = slice_frame(OBLIQUE.reoriented(codes))
    assert frame == pytest.approx(slice_frame(OBLIQUE))
    assert (np.diag(frame) > 0.9).all()
