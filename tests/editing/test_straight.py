"""A stroke on the straightened cord lands where it should in the scan, and nowhere else."""

import itertools

import numpy as np
import pytest

from napari_spinalq.cord.centerline import fit_centerline
from napari_spinalq.cord.straighten import Interpolation, plane_axes, straight_frame, straighten_array
from napari_spinalq.editing.brush import Brush
from napari_spinalq.editing.straight import straight_painted
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan

AXES = (0, 1, 2)


def rotation(axis, degrees):
    """Return the rotation about a RAS axis (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(np.radians(degrees)) * cross + (1 - np.cos(np.radians(degrees))) * cross @ cross


GRIDS = {
    "even": ((100, 70, 60), (0.8, 0.8, 0.8), None),
    "axial slices": ((30, 110, 100), (3.0, 0.5, 0.5), None),
    "sagittal slices, oblique": ((120, 100, 16), (0.7, 0.7, 2.5), rotation((1, 2, 3), 12)),
}


@pytest.fixture(params=GRIDS)
def grid(request, shapes):
    return shapes.grid(*GRIDS[request.param])


@pytest.fixture
def frame(shapes):
    """Return a frame of finer voxels along a cord that bends with a radius of 70 mm and leans to the right."""
    return straight_frame(
        shapes.curved_cord(), spacing_mm=(0.5, 0.4, 0.4), posterior_mm=12, anterior_mm=12, lateral_mm=12
    )


def plane_points(frame, across, at, radius_mm, margin_mm=0.0):
    """Return straight voxels (n, 3) of a fine lattice in the displayed plane, and their distance from a place, mm."""
    spacing = np.array(frame.spacing_mm)
    flat = [axis for axis in AXES if axis != across]
    step = np.arange(-(radius_mm + margin_mm), radius_mm + margin_mm + 0.01, 0.1)
    down, right = np.meshgrid(step, step, indexing="ij")
    places = np.repeat(np.asarray(at, float)[None], down.size, axis=0)
    places[:, flat[0]] += down.ravel() / spacing[flat[0]]
    places[:, flat[1]] += right.ravel() / spacing[flat[1]]
    return places, np.hypot(down, right).ravel()


def shown(mask, grid, frame, places):
    """Return the mask at straight voxels as the straight view shows it: the value of the nearest voxel of the scan."""
    native = np.floor(grid.mm_to_voxel(frame.voxel_to_mm(places)) + 0.5).astype(int)
    return mask[tuple(native.T)]


def check_disc(mask, grid, frame, across, at, radius_mm):
    """The disc is in the straight view: inside of its rim all is painted, outside nothing, but for half a voxel."""
    slack = 0.5 * np.linalg.norm(grid.spacing)
    places, away = plane_points(frame, across, at, radius_mm, slack + 0.5)
    value = shown(mask, grid, frame, places)
    inner = away <= radius_mm - slack
    assert value[inner].all()
    assert not value[away > radius_mm + slack].any()
    return value, places, away


@pytest.mark.parametrize("across", AXES)
def test_a_disc_painted_on_the_straight_cord_is_there_when_it_is_straightened_again(grid, frame, shapes, across):
    rng = np.random.default_rng(across)
    spacing, middle = np.array(frame.spacing_mm), np.array([0, *frame.center])
    radius, areas, shifts = 4.0, [], []
    for _ in range(12):
        at = middle + rng.uniform((15 / 0.5, -8, -8), (60 / 0.5, 8, 8))
        at[across] = np.round(at[across])
        empty = np.zeros(grid.shape, np.uint8)
        mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(2 * radius), across=across))
        value, places, _ = check_disc(mask, grid, frame, across, at, radius)
        areas.append(value.sum() * 0.01)
        shifts.append(np.abs((places[value == 1].mean(axis=0) - at) * spacing))
    assert np.mean(areas) == pytest.approx(np.pi * radius**2, rel=0.06)
    assert np.max(shifts) < 0.5 * max(grid.spacing)


def test_the_straight_volume_shows_the_disc_in_its_voxels(frame, shapes):
    """The same with the project's own straightening, nearest neighbour, as a viewer shows it."""
    grid = shapes.grid(*GRIDS["even"])
    at = np.add([80.0, *frame.center], [0, 6, -5])
    empty = np.zeros(grid.shape, np.uint8)
    mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(8.0), across=2))
    straight = straighten_array(mask, grid, frame, interpolation=Interpolation.NEAREST)
    plane = straight[:, :, int(at[2])]
    assert plane.sum() * 0.5 * 0.4 == pytest.approx(np.pi * 16, rel=0.08)
    assert np.argwhere(plane).mean(axis=0) == pytest.approx(at[:2], abs=0.8)


@pytest.mark.parametrize("across", AXES)
@pytest.mark.parametrize("ball", [False, True])
def test_nothing_farther_than_the_brush_changes(grid, frame, shapes, across, ball):
    way = np.array([40.0, *frame.center]) + np.array([[0, 0, 0], [30, 8, -9]]) * (np.arange(3) != across)
    empty = np.zeros(grid.shape, np.uint8)
    mask = shapes.apply(empty, straight_painted(empty, grid, frame, way, Brush(5.0, ball=ball), across=across))
    stroke = frame.voxel_to_mm(way[0] + np.linspace(0, 1, 400)[:, None] * (way[1] - way[0]))
    changed = grid.voxel_to_mm(np.argwhere(mask))
    away = np.linalg.norm(changed[:, None] - stroke, axis=-1).min(axis=1)
    assert away.max() <= 2.5 + np.linalg.norm(grid.spacing)
    assert len(changed) > 0


@pytest.mark.parametrize("across", AXES)
def test_erasing_undoes_painting_exactly(grid, frame, shapes, across):
    way = np.array([40.0, *frame.center]) + np.array([[0, 0, 0], [30, 8, -9]]) * (np.arange(3) != across)
    empty = np.zeros(grid.shape, np.uint8)
    drawn = shapes.apply(empty, straight_painted(empty, grid, frame, way, Brush(3.7), across=across))
    assert drawn.any()
    back = shapes.apply(drawn, straight_painted(drawn, grid, frame, way, Brush(3.7, value=0), across=across))
    np.testing.assert_array_equal(back, empty)


def voxels_meant(grid, frame, across, at, radius_mm):
    """Return by the definition, over all voxels around, which of them a disc means, (n, 3)."""
    voxels = np.argwhere(np.ones(grid.shape, bool))
    points = grid.voxel_to_mm(voxels)
    around = np.linalg.norm(points - frame.voxel_to_mm(at), axis=-1) < 1.5 * radius_mm + 5
    voxels, points = voxels[around], points[around]
    straight = frame.mm_to_voxel(points)
    offset = (straight - at) * frame.spacing_mm
    in_disc = np.linalg.norm(np.delete(offset, across, axis=-1), axis=-1) <= radius_mm
    here = frame.first_mm + at[0] * frame.spacing_mm[0]
    if across == 0:
        normal = frame.centerline.tangent(here)
        away = (points - frame.centerline.position(here)) @ normal
    else:
        arcs = frame.first_mm + straight[:, 0] * frame.spacing_mm[0]
        normal, away = plane_axes(frame.centerline.tangent(arcs))[across - 1], offset[:, across]
    cut = np.abs(away) <= np.abs(normal @ grid.affine[:3, :3]).sum(axis=-1) / 2
    shown = ((straight >= -0.5) & (straight <= np.array(frame.shape) - 0.5)).all(axis=-1)
    return voxels[in_disc & cut & shown]


@pytest.mark.parametrize("across", AXES)
def test_looking_near_the_stroke_only_misses_nothing(grid, frame, shapes, across):
    rng = np.random.default_rng(11)
    for radius in (1.5, 6.0):
        at = np.add([0, *frame.center], rng.uniform((40, -25, -25), (120, 25, 25)))
        at[across] = np.round(at[across])
        empty = np.zeros(grid.shape, np.uint8)
        mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(2 * radius), across=across))
        expected = voxels_meant(grid, frame, across, at, radius)
        assert mask[tuple(expected.T)].all()
        assert 0 <= mask.sum() - len(expected) <= 1, "at most the voxel under the pointer besides"


def test_left_stays_left_and_front_stays_front(grid, frame, shapes):
    middle = np.array([80.0, *frame.center])
    empty = np.zeros(grid.shape, np.uint8)
    centre = frame.centerline.position(frame.arcs_mm()[80])
    for axis, ras, sign in itertools.product((1, 2), (1, 0), (-1, 1)):
        if (axis, ras) not in ((1, 1), (2, 0)):
            continue
        at = middle.copy()
        at[axis] += sign * 6.0 / 0.4
        for across in AXES:
            planes = straight_painted(empty, grid, frame, [at], Brush(3.0), across=across)
            found = grid.voxel_to_mm(np.argwhere(shapes.apply(empty, planes))).mean(axis=0) - centre
            assert np.sign(found[ras]) == sign, "x' grows to the patient's right, y' to anterior"
            assert abs(found[ras]) == pytest.approx(6.0, abs=1.5)


def test_up_stays_up(grid, frame, shapes):
    empty = np.zeros(grid.shape, np.uint8)
    heights = [
        grid.voxel_to_mm(
            np.argwhere(shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(3.0), across=2)))
        )[:, 2].mean()
        for at in ([30.0, *frame.center], [120.0, *frame.center])
    ]
    assert heights[1] - heights[0] > 30


@pytest.mark.parametrize("across", AXES)
def test_the_smallest_brush_hits_the_voxel_under_the_pointer(grid, frame, shapes, across):
    rng = np.random.default_rng(7)
    for _ in range(30):
        at = np.array([0, *frame.center]) + rng.uniform((20, -10, -10), (130, 10, 10))
        empty = np.zeros(grid.shape, np.uint8)
        mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(0.01), across=across))
        assert mask[tuple(np.floor(grid.mm_to_voxel(frame.voxel_to_mm(at)) + 0.5).astype(int))] == 1
        assert mask.sum() <= 2


def test_a_stroke_paints_one_layer(shapes, frame):
    """On a straight upright cord and a grid along it, a disc in any plane lies in a single layer of voxels."""
    cord = fit_centerline([(0, 0, -30), (0, 0, 30)])
    straight = straight_frame(cord, spacing_mm=(0.5, 0.4, 0.4), posterior_mm=12, anterior_mm=12, lateral_mm=12)
    grid = shapes.grid((80, 60, 60), (0.8, 0.8, 0.8))
    empty = np.zeros(grid.shape, np.uint8)
    for across in AXES:
        planes = straight_painted(empty, grid, straight, [[60, 30, 30]], Brush(8.0), across=across)
        mask = shapes.apply(empty, planes)
        others = tuple(axis for axis in AXES if axis != across)
        assert np.flatnonzero(mask.any(axis=others)).size == 1
        assert mask.sum() * 0.64 == pytest.approx(np.pi * 16, rel=0.1)


def test_a_whole_stroke_equals_its_moves(grid, frame, shapes):
    way = np.add([30.0, *frame.center], [[0, 0, 0], [25, 9, 0], [60, -4, 0]])
    empty = np.zeros(grid.shape, np.uint8)
    whole = shapes.apply(empty, straight_painted(empty, grid, frame, way, Brush(4.0), across=2))
    moves = [
        shapes.apply(empty, straight_painted(empty, grid, frame, way[i : i + 2], Brush(4.0), across=2)) for i in (0, 1)
    ]
    np.testing.assert_array_equal(whole, np.maximum(*moves))


def test_limits_hold_and_what_is_not_shown_is_not_painted(grid, frame, shapes):
    at = np.array([80.0, *frame.center])
    limit = np.zeros(grid.shape, np.uint8)
    limit[:, :, : grid.shape[2] // 2] = 1
    empty = np.zeros(grid.shape, np.uint8)
    mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(12.0), across=1, within=limit))
    assert mask.any()
    assert not mask[limit == 0].any()
    rim = np.array([80.0, frame.center[0], frame.shape[2] - 1])
    painted = np.argwhere(shapes.apply(empty, straight_painted(empty, grid, frame, [rim], Brush(6.0), across=1)))
    columns = frame.mm_to_voxel(grid.voxel_to_mm(painted))[:, 2]
    assert columns.max() <= frame.shape[2] - 0.5 + 1.0 * max(grid.spacing) / 0.4


def test_an_edge_aware_stroke_stops_at_the_edge_of_the_cord(frame, shapes):
    grid = shapes.grid(*GRIDS["even"])
    place = grid.voxel_to_mm(np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1))
    cord = np.linalg.norm(place - frame.centerline.position(frame.centerline.nearest_arc(place)), axis=-1) <= 5.0
    image = np.where(cord, 300.0, 900.0) + np.random.default_rng(0).normal(0, 10, grid.shape)
    at = np.add([80.0, *frame.center], [0, 8, 0])
    empty = np.zeros(grid.shape, np.uint8)
    brush = Brush(8.0, edge_aware=True)
    taken = shapes.apply(empty, straight_painted(empty, grid, frame, [at], brush, across=2, image=image)) == 1
    plain = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(8.0), across=2)) == 1
    assert (plain & ~cord).sum() > 10
    assert not (taken & ~cord).any()
    assert (taken & cord).sum() > 0.9 * (plain & cord).sum()


@pytest.mark.parametrize(("path", "across", "says"), [
    ([[-3, 30, 30]], 0, "no axial slice -3"), ([[30, 30, 99]], 2, "no sagittal plane 99"),
    ([[30, 30, 30]], 4, "axis 0, 1 or 2"), ([], 2, "one or more places"),
])  # fmt: skip
def test_impossible_strokes_are_refused(shapes, frame, path, across, says):
    grid = shapes.grid(*GRIDS["even"])
    with pytest.raises(InputError, match=says):
        straight_painted(np.zeros(grid.shape, np.uint8), grid, frame, path, Brush(3.0), across=across)


def test_a_mask_of_another_scan_is_refused(shapes, frame):
    grid = shapes.grid(*GRIDS["even"])
    with pytest.raises(InputError, match="but its grid"):
        straight_painted(np.zeros((3, 3, 3), np.uint8), grid, frame, [[30, 30, 30]], Brush(3.0), across=2)


@pytest.mark.realdata
@pytest.mark.parametrize("across", AXES)
def test_on_the_cord_of_a_real_scan(sct_testing, shapes, across):
    truth = load_scan(sct_testing / "t2" / "t2_seg-manual.nii.gz").in_work_order()
    grid: Grid = truth.grid
    held = np.flatnonzero(truth.data.any(axis=(1, 2)))
    centres = [grid.voxel_to_mm([index, *np.argwhere(truth.data[index] > 0).mean(axis=0)]) for index in held]
    frame = straight_frame(
        fit_centerline(centres), spacing_mm=(1.0, 0.5, 0.5), posterior_mm=15, anterior_mm=15, lateral_mm=15
    )
    rng = np.random.default_rng(2)
    areas = []
    for _ in range(15):
        at = np.array([0, *frame.center]) + rng.uniform((6, -8, -8), (frame.shape[0] - 7, 8, 8))
        empty = np.zeros(grid.shape, np.uint8)
        mask = shapes.apply(empty, straight_painted(empty, grid, frame, [at], Brush(8.0), across=across))
        areas.append(check_disc(mask, grid, frame, across, at, 4.0)[0].sum() * 0.01)
        back = shapes.apply(mask, straight_painted(mask, grid, frame, [at], Brush(8.0, value=0), across=across))
        assert not back.any()
    assert np.mean(areas) == pytest.approx(np.pi * 16, rel=0.06)
