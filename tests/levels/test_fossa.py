"""The foramen magnum on drawn heads: found where the canal opens, whatever the contrast, and not where it does not."""

import numpy as np
import pytest
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.evidence import disc_evidence, front_wall_mm, spine_image
from napari_spinalq.levels.fossa import find_foramen, foramen_arc_mm, space_depth_mm
from napari_spinalq.scan import Scan

OPENS_MM = 100.0
"""The canal, 16 mm deep, widens from here by 1 mm on either side for each mm up: it is 28 mm deep 6 mm above."""
PASSES_MM = OPENS_MM + 6.0
TOLERANCE_MM = 3.0

LOOKS = {
    "bright fluid": {"fluid": 1000.0, "cord": 500.0, "bone": 250.0},
    "dark fluid": {"fluid": 150.0, "cord": 450.0, "bone": 800.0},
    "low contrast": {"fluid": 700.0, "cord": 500.0, "bone": 350.0},
}


def drawn_head(*, fluid, cord, bone, opens_mm=OPENS_MM, leak=False, noise=20.0):
    """Draw a straight canal from 0 to 150 mm that opens into a fossa; ``leak`` makes one disc look like fluid."""
    shape, first = (150, 80, 30), np.array([0.0, -45.0, -15.0])
    grid = Grid(shape, np.array([[0, 0, 1, first[2]], [0, 1, 0, first[1]], [1, 0, 0, first[0]], [0, 0, 0, 1.0]]))
    z, y, x = np.meshgrid(*(np.arange(n) + f for n, f in zip(shape, first, strict=True)), indexing="ij")
    half = 8.0 + np.clip(z - opens_mm, 0.0, 15.0)
    image = np.where((np.abs(y) < half) & (np.abs(x) < 12), fluid, bone)
    if leak:
        image[(np.abs(z - 60) < 3) & (y > 0)] = fluid
    image[y**2 / 16 + x**2 / 36 < 1] = cord
    image = ndimage.gaussian_filter(image, 0.6) + np.random.default_rng(0).normal(0, noise, shape)
    return Scan(image, grid, Contrast.T2W)


def straight_cord(top_mm):
    return Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, top_mm]]))


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("top_mm", [80.0, 140.0])
def test_found_where_the_canal_opens(look, top_mm):
    """Whether the known cord ends below the head or goes on into it."""
    scan = drawn_head(**look)
    found = foramen_arc_mm(scan, disc_evidence(spine_image(scan, straight_cord(top_mm))))
    assert found == pytest.approx(PASSES_MM, abs=TOLERANCE_MM)


def test_depth_is_that_of_the_canal():
    """Fifteen voxels of 1 mm are fluid or cord; blur adds up to 1.5 mm on either side."""
    scan = drawn_head(**LOOKS["bright fluid"])
    image = spine_image(scan, straight_cord(80.0))
    depth = space_depth_mm(image, front_wall_mm(image))
    below = (image.frame.arcs_mm() > 15) & (image.frame.arcs_mm() < 80)
    assert 15.0 <= np.median(depth[below]) <= 18.0


def test_a_disc_like_fluid_is_no_foramen():
    scan = drawn_head(**LOOKS["dark fluid"], leak=True)
    image = spine_image(scan, straight_cord(140.0))
    plane = find_foramen(image, front_wall_mm(image))
    assert image.frame.arcs_mm()[plane] == pytest.approx(PASSES_MM, abs=TOLERANCE_MM)


def test_none_without_a_head_and_none_in_noise():
    neck = drawn_head(**LOOKS["bright fluid"], opens_mm=1000.0)
    assert foramen_arc_mm(neck, disc_evidence(spine_image(neck, straight_cord(140.0)))) is None
    noise = drawn_head(fluid=500.0, cord=500.0, bone=500.0)
    assert foramen_arc_mm(noise, disc_evidence(spine_image(noise, straight_cord(140.0)))) is None


def test_a_line_that_strays_in_the_head_is_continued_straight():
    """The known line bends 20 mm to the front above the foramen; the place found does not follow."""
    along = np.arange(0.0, 140.0, 0.5)
    ahead = 0.5 * np.clip(along - 95.0, 0.0, None)
    line = Centerline(np.stack([np.zeros_like(along), ahead, along], axis=1))
    scan = drawn_head(**LOOKS["bright fluid"])
    found = foramen_arc_mm(scan, disc_evidence(spine_image(scan, line)))
    assert found == pytest.approx(PASSES_MM, abs=TOLERANCE_MM)
