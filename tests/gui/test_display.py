"""What is on which side of the screen, in every plane and both conventions: letters must be true."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.gui.convert import image_layer, mm_to_world
from napari_spinalq.gui.display import Convention, Plane, current_plane, go_to, position, show_plane, use_convention
from napari_spinalq.gui.marks import OrientationMarks
from napari_spinalq.scan import Scan

pytestmark = pytest.mark.gui

EXPECTED = {
    (Convention.RADIOLOGICAL, Plane.AXIAL): {"left": "R", "right": "L", "top": "A", "bottom": "P"},
    (Convention.RADIOLOGICAL, Plane.SAGITTAL): {"left": "A", "right": "P", "top": "S", "bottom": "I"},
    (Convention.RADIOLOGICAL, Plane.CORONAL): {"left": "R", "right": "L", "top": "S", "bottom": "I"},
    (Convention.NEUROLOGICAL, Plane.AXIAL): {"left": "L", "right": "R", "top": "A", "bottom": "P"},
    (Convention.NEUROLOGICAL, Plane.SAGITTAL): {"left": "P", "right": "A", "top": "S", "bottom": "I"},
    (Convention.NEUROLOGICAL, Plane.CORONAL): {"left": "L", "right": "R", "top": "S", "bottom": "I"},
}
DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
BACKGROUND_LIMIT = 40


def _scan_with_lights(letter: str | None = None, volumes: int = 0) -> Scan:
    """Return a scan in LPI order; if a letter is given, the half towards that side of the patient is bright."""
    affine = np.diag([-2.0, -2.0, -2.0, 1.0])
    affine[:3, 3] = (31, 31, 31)
    grid = Grid((32, 32, 32), affine)
    data = np.zeros(grid.shape, np.float32)
    if letter:
        mm = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
        data[mm @ np.array(DIRECTIONS[letter]) > 0] = 100
    return Scan(np.repeat(data[..., None], volumes, axis=3) if volumes else data, grid)


def _add(viewer, scan):
    data, settings, _ = image_layer(scan)
    return viewer.add_image(data, **settings | {"contrast_limits": (0, 100)})


@pytest.mark.parametrize("volumes", [0, 3], ids=["3-D", "4-D"])
@pytest.mark.parametrize(("convention", "plane"), EXPECTED)
def test_letters(make_napari_viewer, convention, plane, volumes):
    viewer = make_napari_viewer()
    marks = OrientationMarks(viewer)
    assert marks.letters() == {}
    _add(viewer, _scan_with_lights(volumes=volumes))
    use_convention(viewer, convention)
    show_plane(viewer, plane)
    assert current_plane(viewer) is plane
    assert marks.letters() == EXPECTED[convention, plane]


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize(("convention", "plane"), EXPECTED)
def test_the_lit_side_of_the_patient_is_at_its_letter(make_napari_viewer, convention, plane, edge):
    """The picture itself is asked, not the camera: the bright half must lie at the edge that names it."""
    viewer = make_napari_viewer(show=True)
    letter = EXPECTED[convention, plane][edge]
    _add(viewer, _scan_with_lights(letter))
    use_convention(viewer, convention)
    show_plane(viewer, plane)
    go_to(viewer, (0.0, 0.0, 0.0))
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(float)
    height, width = picture.shape
    halves = {
        "left": picture[:, : width // 2],
        "right": picture[:, width // 2 :],
        "top": picture[: height // 2],
        "bottom": picture[height // 2 :],
    }
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[edge]
    assert halves[edge].mean() > BACKGROUND_LIMIT > halves[opposite].mean()


def test_letters_follow_axes_rolled_by_hand(make_napari_viewer):
    viewer = make_napari_viewer()
    marks = OrientationMarks(viewer)
    _add(viewer, _scan_with_lights())
    use_convention(viewer, Convention.RADIOLOGICAL)
    viewer.dims.order = (0, 2, 1)
    assert marks.letters() == {"left": "A", "right": "P", "top": "R", "bottom": "L"}
    viewer.dims.ndisplay = 3
    assert marks.letters() == {}


def test_3d_is_not_mirrored(make_napari_viewer):
    """Seen from the front the patient's right is on the left of the screen, in both conventions."""
    for convention in Convention:
        viewer = make_napari_viewer()
        _add(viewer, _scan_with_lights())
        use_convention(viewer, convention)
        show_plane(viewer, Plane.VOLUME)
        camera = viewer.scene.camera
        assert str(camera.handedness) == "left", "RAS read backwards (z, y, x) is left-handed"
        np.testing.assert_allclose(camera.view_direction, (0, -1, 0), atol=1e-6)
        np.testing.assert_allclose(camera.up_direction, (1, 0, 0), atol=1e-6)
        viewer.close()


def test_going_to_a_point_in_a_4d_scan_keeps_the_volume(make_napari_viewer):
    viewer = make_napari_viewer()
    scan = _scan_with_lights(volumes=4)
    _add(viewer, scan)
    viewer.dims.set_point(0, 2)
    world = mm_to_world((5.0, -7.0, 11.0), scan.grid)
    go_to(viewer, world)
    np.testing.assert_allclose(position(viewer), world, atol=1.0)
    assert viewer.dims.point[0] == 2
