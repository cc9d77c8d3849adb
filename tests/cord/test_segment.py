"""Segmentation against tilted elliptic cylinders of known size, and against real references."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.segment import EDGE_OFFSET_PIXELS, segment_cord
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.scan import Scan

HALF_X, HALF_Y = 6.2, 4.3
SLICES, PIXELS, THICKNESS, PIXEL = 14, 56, 3.0, 0.8
FIELD_CENTRE = 0.5 * (PIXELS - 1) * PIXEL


def work_grid(thickness=THICKNESS, slices=SLICES, origin=(-20.0, 30.0, -50.0)):
    """A grid in work order S, A, R."""
    affine = np.array([[0, 0, PIXEL, 0], [0, PIXEL, 0, 0], [thickness, 0, 0, 0], [0, 0, 0, 1.0]])
    affine[:3, 3] = origin
    return Grid((slices, PIXELS, PIXELS), affine)


def share(half_x, half_y, centre_y, centre_x):
    """Share of each pixel inside an ellipse, from 10 x 10 points a pixel."""
    fine = (np.arange(PIXELS * 10) + 0.5) / 10 - 0.5
    y, x = np.meshgrid(fine * PIXEL - centre_y, fine * PIXEL - centre_x, indexing="ij")
    inside = (x / half_x) ** 2 + (y / half_y) ** 2 < 1
    return inside.reshape(PIXELS, 10, PIXELS, 10).mean(axis=(1, 3))


def neck(cord=300.0, csf=900.0, tissue=120.0, *, noise=8.0, shift_x=0.0, slices=SLICES, thickness=THICKNESS):
    """A cord tilted 8 degrees to anterior in CSF in tissue; returns the scan and the cord's share of each voxel."""
    image, truth = np.empty((slices, PIXELS, PIXELS)), np.empty((slices, PIXELS, PIXELS))
    for index in range(slices):
        centre = FIELD_CENTRE + 0.14 * thickness * (index - slices / 2), FIELD_CENTRE + shift_x
        truth[index] = share(HALF_X, HALF_Y, *centre)
        canal = share(10.0, 7.5, *centre)
        image[index] = tissue + (csf - tissue) * canal + (cord - csf) * truth[index]
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return Scan(image.astype(np.float32), work_grid(thickness, slices)), truth


def dice(a, b):
    return 2 * np.sum(a & b) / (np.sum(a) + np.sum(b))


@pytest.mark.parametrize(("cord", "csf"), [(300.0, 900.0), (700.0, 100.0), (-100.0, -900.0)])
def test_physical_edge_gives_the_true_area_for_either_polarity(cord, csf):
    scan, truth = neck(cord, csf)
    result = segment_cord(scan, edge_offset_mm=0.0)
    assert result.parameters["cord_is"] == ("darker" if cord < csf else "brighter")
    assert dice(result.mask > 0, truth >= 0.5) > 0.97
    areas = result.soft.sum(axis=(1, 2)) * PIXEL**2
    assert areas == pytest.approx(np.pi * HALF_X * HALF_Y, rel=0.03)
    assert result.flags == ()


def test_offset_moves_the_edge_inwards_by_its_length():
    scan, _ = neck()
    physical = segment_cord(scan, edge_offset_mm=0.0).soft.sum() * PIXEL**2
    offset = segment_cord(scan, edge_offset_mm=0.4).soft.sum() * PIXEL**2
    expected = SLICES * np.pi * (HALF_X * HALF_Y - (HALF_X - 0.4) * (HALF_Y - 0.4))
    assert physical - offset == pytest.approx(expected, rel=0.05)


def test_default_offset_is_part_of_a_pixel_and_recorded():
    scan, _ = neck()
    result = segment_cord(scan)
    assert result.parameters["edge_offset_mm"] == pytest.approx(EDGE_OFFSET_PIXELS * PIXEL)
    same = segment_cord(scan, edge_offset_mm=EDGE_OFFSET_PIXELS * PIXEL)
    assert np.array_equal(result.soft, same.soft)


AXIS_ORDERS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in itertools.permutations(("RL", "AP", "SI"))
    for flips in itertools.product((0, 1), repeat=3)
]


@pytest.mark.parametrize("codes", AXIS_ORDERS[::5])
def test_a_reoriented_copy_gives_the_same_voxels(codes):
    scan, _ = neck()
    expected, _ = reorient_array(segment_cord(scan).soft, scan.grid, codes)
    turned = scan.reoriented(codes)
    result = segment_cord(turned)
    assert result.mask.dtype == np.uint8
    assert result.soft.shape == turned.grid.shape
    assert np.allclose(result.soft, expected, atol=1e-4)


def test_oblique_scan_keeps_world_positions():
    scan, _ = neck()
    angle = np.radians(25)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = replace(scan, grid=Grid(scan.grid.shape, turn @ scan.grid.affine))
    straight, turned = segment_cord(scan), segment_cord(oblique)
    assert np.array_equal(straight.mask, turned.mask)
    expected = straight.centerline.points_mm @ turn[:3, :3].T
    assert np.allclose(turned.centerline.points_mm, expected, atol=0.01)


@pytest.mark.parametrize("change", [lambda v: 7 * v + 50, lambda v: -2 * v - 300])
def test_scaling_and_negation_change_nothing_but_the_polarity(change):
    scan, _ = neck()
    expected = segment_cord(scan).mask
    result = segment_cord(replace(scan, data=change(scan.data)))
    assert dice(result.mask > 0, expected > 0) > 0.985


def test_bias_field_and_noise_are_borne():
    scan, truth = neck(noise=70.0)
    field = (
        np.exp(np.linspace(-0.5, 0.5, PIXELS))[None, :, None] * np.exp(np.linspace(-0.4, 0.4, SLICES))[:, None, None]
    )
    result = segment_cord(replace(scan, data=scan.data * field.astype(np.float32)), edge_offset_mm=0.0)
    assert dice(result.mask > 0, truth >= 0.5) > 0.94


def test_centerline_runs_through_the_cord_from_inferior_to_superior():
    scan, _ = neck()
    points = segment_cord(scan).centerline.points_mm
    voxels = scan.grid.mm_to_voxel(points)
    assert points[0, 2] < points[-1, 2]
    true_y = FIELD_CENTRE + 0.14 * THICKNESS * (voxels[:, 0] - SLICES / 2)
    assert np.abs(voxels[:, 1] * PIXEL - true_y).max() < 0.4
    assert np.abs(voxels[:, 2] * PIXEL - FIELD_CENTRE).max() < 0.4


@pytest.mark.parametrize("slices", [1, 2, 4])
def test_few_thick_slices_are_enough(slices):
    scan, truth = neck(slices=slices, thickness=8.0)
    result = segment_cord(scan, edge_offset_mm=0.0)
    assert dice(result.mask > 0, truth >= 0.5) > 0.96


def test_bright_volumes_of_a_series_do_not_count():
    scan, _ = neck()
    bright = scan.data * 5
    series = replace(scan, data=np.stack([scan.data, scan.data, scan.data, bright], axis=3))
    assert np.array_equal(segment_cord(series).mask, segment_cord(scan).mask)


def test_sagittal_voxels_thick_from_left_to_right():
    scan, truth = neck()
    thick = scan.data[:, :, :54].reshape(SLICES, PIXELS, 18, 3).mean(axis=3)
    share_ = truth[:, :, :54].reshape(SLICES, PIXELS, 18, 3).mean(axis=3)
    affine = scan.grid.affine.copy()
    affine[:3, 3] = scan.grid.voxel_to_mm((0, 0, 1))
    affine[:3, 2] *= 3
    result = segment_cord(Scan(thick, Grid(thick.shape, affine)), edge_offset_mm=0.0)
    assert result.soft.sum() == pytest.approx(share_.sum(), rel=0.08)


def test_click_decides_between_two_cords():
    left, truth = neck(shift_x=-10.0)
    right, other = neck(shift_x=+10.0)
    half = PIXELS // 2
    both = np.concatenate([left.data[:, :, :half], right.data[:, :, half:]], axis=2)
    for shift, target in ((-10.0, truth), (10.0, other)):
        at = left.grid.voxel_to_mm([SLICES / 2, FIELD_CENTRE / PIXEL, (FIELD_CENTRE + shift) / PIXEL])
        result = segment_cord(replace(left, data=both), at=tuple(at))
        assert dice(result.mask > 0, target >= 0.5) > 0.9
        assert result.parameters["at_mm"] == pytest.approx(list(at))


def test_slices_without_cord_are_left_out_and_said():
    scan, _ = neck(slices=30)
    data = scan.data.copy()
    data[:10] = np.random.default_rng(1).normal(120, 8, data[:10].shape)
    result = segment_cord(replace(scan, data=data))
    assert not result.mask[:7].any()
    assert result.mask[13:].any(axis=(1, 2)).all()
    assert any(flag.startswith("slices 0-") and "left out" in flag for flag in result.flags)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_a_cord(seed):
    noise = np.abs(np.random.default_rng(seed).normal(size=(SLICES, PIXELS, PIXELS)))
    with pytest.raises(CordNotFoundError, match="--at X,Y,Z"):
        segment_cord(Scan(noise, work_grid()))


def test_constant_scan_has_no_cord():
    with pytest.raises(CordNotFoundError, match="voxels are equal; give another scan"):
        segment_cord(Scan(np.full((SLICES, PIXELS, PIXELS), 7.0), work_grid()))


def test_a_point_in_noise_is_not_a_cord_either():
    grid = work_grid()
    noise = np.abs(np.random.default_rng(0).normal(size=grid.shape))
    with pytest.raises(CordNotFoundError, match="another point"):
        segment_cord(Scan(noise, grid), at=tuple(grid.voxel_to_mm([7, 28, 28])))


def test_point_outside_is_refused():
    scan, _ = neck()
    with pytest.raises(InputError, match="outside"):
        segment_cord(scan, at=(500.0, 0.0, 0.0))


def test_narrow_field_of_view_is_refused():
    grid = work_grid()
    with pytest.raises(InputError, match="field of view"):
        segment_cord(Scan(np.random.default_rng(0).random((SLICES, 10, 10)), grid.cropped((0, 0, 0), (SLICES, 10, 10))))


@pytest.mark.parametrize("offset", [5.0, float("nan")])
def test_senseless_offset_is_refused(offset):
    scan, _ = neck()
    with pytest.raises(InputError, match="edge offset"):
        segment_cord(scan, edge_offset_mm=offset)


def test_progress_grows_to_one():
    seen = []
    segment_cord(neck()[0], progress=lambda fraction, phrase: seen.append((fraction, phrase)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(phrase for _, phrase in seen)


@pytest.mark.parametrize("codes", ["RAS", "LPI", "PIR", "ASL", "IRP"])
def test_confidence_and_flags_count_slices_from_inferior_in_every_axis_order(codes):
    scan, _ = neck()
    values = scan.data.copy()
    values[3] = np.random.default_rng(1).normal(400, 200, values[3].shape)  # one slice is lost in noise
    scan = replace(scan, data=values)
    data, grid = reorient_array(scan.data, scan.grid, codes)
    expected, found = segment_cord(scan), segment_cord(replace(scan, data=data, grid=grid))
    assert np.nanargmin(expected.confidence.probability) == 3
    for name in ("probability", "area_error_percent"):
        assert np.array_equal(getattr(found.confidence, name), getattr(expected.confidence, name), equal_nan=True)
    assert found.flags == expected.flags != ()


def of_pixel(pixel_mm, pixels):
    grid = Grid((3, pixels, pixels), np.array([[0, 0, pixel_mm, 0], [0, pixel_mm, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]]))
    return Scan(np.random.default_rng(0).normal(100, 10, grid.shape).astype(np.float32), grid)


def test_a_field_of_sixteen_mm_is_enough_as_headers_in_float32_tell_it():
    with pytest.raises(CordNotFoundError):
        segment_cord(of_pixel(0.4999999, 32))
    with pytest.raises(InputError, match="field of view"):
        segment_cord(of_pixel(0.5, 31))


@pytest.mark.parametrize("pixel_mm", [7.0, 500.0])
def test_pixels_that_can_show_no_cord_are_refused_for_what_they_are(pixel_mm):
    with pytest.raises(InputError, match="axial pixels"):
        segment_cord(of_pixel(pixel_mm, 60))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("image", "reference", "target"),
    [
        ("t2/t2.nii.gz", "t2/t2_seg-manual.nii.gz", 0.97),
        ("t2s/t2s.nii.gz", "t2s/t2s_seg.nii.gz", 0.95),
        ("mt/mt1.nii.gz", "mt/mt1_seg.nii.gz", 0.92),
        ("mt/label/template/PAM50_t1.nii.gz", "mt/label/template/PAM50_cord.nii.gz", 0.94),
    ],
)
def test_agreement_with_references(sct_testing, image, reference, target):
    scan = load_scan(sct_testing / image)
    mask, _ = reorient_array(segment_cord(scan).mask, scan.grid, "SAR")
    truth = load_scan(sct_testing / reference).in_work_order().data > 0.5
    seen = truth.any(axis=(1, 2))
    assert dice(mask[seen] > 0, truth[seen]) > target


@pytest.mark.realdata
def test_right_organ_in_a_whole_neck(sct_testing):
    result = segment_cord(load_scan(sct_testing / "t2s/t2s_uncropped.nii.gz"))
    grey = np.asarray(load_scan(sct_testing / "t2s/t2s_uncropped_gmseg_manual.nii.gz").data) > 0
    assert result.mask[grey].mean() > 0.99
    for z in range(grey.shape[2]):
        apart = np.argwhere(grey[..., z]).mean(axis=0) - np.argwhere(result.mask[..., z]).mean(axis=0)
        assert np.hypot(*apart) * 0.5 < 1.5


@pytest.mark.realdata
@pytest.mark.parametrize("change", ["dark middle greys raised", "negated", "noise of 8 %"])
def test_right_organ_in_a_whole_neck_of_unusual_contrast(sct_testing, change):
    """Without the learned locator these three took a place 32 mm away for the cord."""
    scan = load_scan(sct_testing / "t2s/t2s_uncropped.nii.gz")
    low, high = np.percentile(scan.data, [0.5, 99.5])
    values = np.clip((scan.data.astype(np.float32) - low) / (high - low), 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.08, values.shape).astype(np.float32)
    changed = {"dark middle greys raised": np.sqrt(values), "negated": 1 - values, "noise of 8 %": values + noise}
    result = segment_cord(replace(scan, data=changed[change]))
    grey = np.asarray(load_scan(sct_testing / "t2s/t2s_uncropped_gmseg_manual.nii.gz").data) > 0
    drawn = np.flatnonzero(result.mask.any(axis=(0, 1)))
    assert len(drawn) >= 4
    for z in drawn:
        apart = np.argwhere(grey[..., z]).mean(axis=0) - np.argwhere(result.mask[..., z]).mean(axis=0)
        assert np.hypot(*apart) * 0.5 < 8.0


@pytest.mark.realdata
def test_diffusion_series_and_its_mean_agree(sct_testing):
    series = segment_cord(load_scan(sct_testing / "dmri/dmri.nii.gz"))
    mean = segment_cord(load_scan(sct_testing / "dmri/dwi_mean.nii.gz"))
    assert dice(series.mask > 0, mean.mask > 0) > 0.9


@pytest.mark.realdata
def test_whole_spine_template(sct_testing):
    result = segment_cord(load_scan(sct_testing / "template/PAM50_small_t2.nii.gz"))
    truth = np.asarray(load_scan(sct_testing / "template/PAM50_small_cord.nii.gz").data) > 0.5
    seen = truth.any(axis=(0, 1))
    assert dice((result.mask > 0)[..., seen], truth[..., seen]) > 0.93
    assert any("left out" in flag for flag in result.flags)


@pytest.mark.realdata
@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 6, 7, 8])  # in slice 5 alone both readings are as credible
def test_a_single_slice_is_not_drawn_along_the_wrong_side_of_its_fluid(sct_testing, index):
    # In slices 3 to 5 the CSF is so thin that what lies beyond it makes the cord look brighter than its surroundings.
    scan = load_scan(sct_testing / "t2s" / "t2s.nii.gz").in_work_order()
    reference = load_scan(sct_testing / "t2s" / "t2s_seg.nii.gz").in_work_order().data[index] >= 0.5
    alone = Scan(scan.data[index : index + 1], Grid((1, *scan.grid.shape[1:]), scan.grid.affine))
    found = segment_cord(alone)
    assert found.parameters["cord_is"] == "darker"
    assert dice(found.mask[0] > 0, reference) > 0.9
