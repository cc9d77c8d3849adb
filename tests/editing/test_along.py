"""Copying, interpolating and smoothing along the cord."""

import numpy as np
import pytest
from scipy import ndimage

from napari_spinalq.editing.along import copied, interpolated, smoothed
from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder

PIXEL = (0.5, 0.6)
SPACING = (2.0, *PIXEL)
SHAPE = (60, 90)


def dice(a, b):
    return 2 * np.sum((a == 1) & (b == 1)) / (np.sum(a == 1) + np.sum(b == 1))


def stack(shapes, centres, half_ap, half_rl):
    return np.stack([shapes.ellipse(SHAPE, PIXEL, c, a, r) for c, a, r in zip(centres, half_ap, half_rl, strict=True)])


def test_a_slice_is_copied(shapes):
    mask = stack(shapes, [(30, 40), (31, 42)], [4, 4], [6, 7])
    mask[0, 0, 0] = 2
    plane = copied(mask, 0, 1)[0]
    np.testing.assert_array_equal(plane == 1, mask[1] == 1)
    assert plane[0, 0] == 2
    assert copied(np.repeat(mask[1:], 2, axis=0), 0, 1) == {}


@pytest.mark.parametrize(("index", "source", "says"), [
    (0, 0, "onto itself"), (0, 2, "Slice 2 of the mask is empty"), (0, 3, "no axial slice 3"),
    (-1, 0, "no axial slice -1"),
])  # fmt: skip
def test_impossible_copies_are_refused(shapes, index, source, says):
    mask = np.concatenate([stack(shapes, [(30, 40)] * 2, [4, 4], [6, 6]), np.zeros((1, *SHAPE), np.uint8)])
    with pytest.raises(InputError, match=says):
        copied(mask, index, source)


def test_between_two_ellipses_lie_ellipses(shapes):
    """Half axes and centre change in proportion: so do those of what is drawn between, on an oblique, tapering cord."""
    share = np.linspace(0, 1, 9)
    centres = np.column_stack([20 + 18 * share, 30 + 25 * share])
    truth = stack(shapes, centres, 5 - 1.5 * share, 7.5 - 1.5 * share)
    mask = np.zeros_like(truth)
    mask[[0, 8]] = truth[[0, 8]]
    planes = interpolated(mask, SPACING, [8, 0])
    assert sorted(planes) == list(range(1, 8))
    for index, plane in planes.items():
        assert dice(plane, truth[index]) > 0.96
        assert int(plane.sum()) == pytest.approx(int(truth[index].sum()), rel=0.04)
        assert np.argwhere(plane).mean(axis=0) == pytest.approx(centres[index], abs=0.25)


def test_what_was_drawn_between_is_replaced_and_keys_stay(shapes):
    mask = stack(shapes, [(30, 40)] * 7, [4] * 7, [6] * 7)
    mask[2] = shapes.ellipse(SHAPE, PIXEL, (30, 40), 9, 9)
    planes = interpolated(mask, SPACING, [0, 4, 6])
    assert 2 in planes
    assert not {0, 4, 6} & set(planes)
    assert dice(planes[2], mask[0]) > 0.98


def test_two_horns_stay_two(shapes):
    mask = np.zeros((5, *SHAPE), np.uint8)
    for index, apart in ((0, 12.0), (4, 13.5)):
        for sign in (-1, 1):
            mask[index] |= shapes.ellipse(SHAPE, PIXEL, (30, 45 + sign * apart), 2.5, 1.5)
    planes = interpolated(mask, SPACING, [0, 4])
    assert [ndimage.label(planes[index])[1] for index in (1, 2, 3)] == [2, 2, 2]
    assert int(planes[2].sum()) == pytest.approx(int(mask[0].sum()), rel=0.1)


@pytest.mark.parametrize(("keys", "says"), [
    ([3], "two key slices"), ([3, 3], "two key slices"), ([0, 1], "no slice between"), ([0, 9], "no axial slice 9"),
    ([0, 5], "Slice 5 of the mask is empty"),
])  # fmt: skip
def test_impossible_keys_are_refused(shapes, keys, says):
    mask = np.concatenate([stack(shapes, [(30, 40)] * 4, [4] * 4, [6] * 4), np.zeros((3, *SHAPE), np.uint8)])
    with pytest.raises(InputError, match=says):
        interpolated(mask, SPACING, keys)


def curved(shapes, n=40):
    """A cord that bends like a neck: 15 mm to and fro over 80 mm, tapering."""
    z = np.linspace(-1, 1, n)
    centres = np.column_stack([18 + 24 * z**2, 42 + 4 * z])
    return centres, stack(shapes, centres, 4.2 - 0.4 * z, 6.5 - 0.5 * z)


@pytest.mark.parametrize("length_mm", [8.0, 40.0])
def test_smoothing_does_not_eat_a_bent_cord(shapes, length_mm):
    centres, truth = curved(shapes)
    after = shapes.apply(truth, smoothed(truth, SPACING, length_mm))
    areas = truth.sum(axis=(1, 2)) * 0.3
    assert np.abs(after.sum(axis=(1, 2)) * 0.3 / areas - 1).max() < 0.04
    assert (after.sum() / truth.sum()) == pytest.approx(1, abs=0.01)
    found = np.array([np.argwhere(plane).mean(axis=0) for plane in after])
    assert np.abs(found - centres).max() < 0.35
    assert min(dice(a, b) for a, b in zip(after, truth, strict=True)) > 0.95


def test_averaging_straight_up_would_eat_it(shapes):
    """What smoothing must not do: the same weights without following the cord lose 4 % of it, most where it bends."""
    _, truth = curved(shapes)
    plain = ndimage.gaussian_filter1d(truth.astype(float), 0.187 * 40 / 2.0, axis=0) >= 0.5
    assert plain.sum() < 0.97 * truth.sum()


def test_smoothing_takes_jumps_out_of_the_outline(shapes):
    """Outlines and centres jump from slice to slice by 0.4 mm: what is left is under half, and nearer to the truth."""
    rng = np.random.default_rng(4)
    centres, truth = curved(shapes)
    jumps = rng.normal(0, 0.4, (len(truth), 3))
    z = np.linspace(-1, 1, len(truth))
    rough = stack(
        shapes, centres + np.pad(jumps[:, :1], ((0, 0), (0, 1))) / 0.5, 4.2 - 0.4 * z + jumps[:, 1],
        6.5 - 0.5 * z + jumps[:, 2],
    )  # fmt: skip
    after = shapes.apply(rough, smoothed(rough, SPACING, 24.0))
    exact = truth.sum(axis=(1, 2)).astype(float)
    before_error, after_error = (mask.sum(axis=(1, 2)) - exact for mask in (rough, after))
    assert after_error.std() < 0.5 * before_error.std()
    assert np.mean([dice(a, b) for a, b in zip(after, truth, strict=True)]) > np.mean(
        [dice(a, b) for a, b in zip(rough, truth, strict=True)]
    )


def test_waves_of_the_given_length_keep_half_of_their_amplitude(shapes):
    length_mm, n = 24.0, 97
    z = np.arange(n) * 1.0
    radius = 6 + 0.8 * np.cos(2 * np.pi * z / length_mm)
    mask = stack(shapes, [(30.2, 44.7)] * n, radius, radius)
    after = shapes.apply(mask, smoothed(mask, (1.0, *PIXEL), length_mm))
    inner = slice(24, 72)
    found = np.sqrt(after.sum(axis=(1, 2)) * 0.3 / np.pi)[inner]
    amplitude = 2 * np.mean(found * np.cos(2 * np.pi * z[inner] / length_mm)[: len(found)])
    assert amplitude == pytest.approx(0.4, abs=0.06)


def test_thin_horns_lose_no_area():
    """Grey matter of the digital exam, horns of a few pixels: the mean area over slices is kept within 1 %."""
    name = "derivatives/truth/sub-healthy01/anat/sub-healthy01_PSIR_label-GM_probseg.nii.gz"
    truth = load_scan(sample_folder() / name).in_work_order()
    grey = (np.asarray(truth.data) >= 0.5).astype(np.uint8)
    planes = smoothed(grey, truth.grid.spacing, 20.0)
    after = np.stack([planes.get(index, plane) for index, plane in enumerate(grey)])
    assert int(after.sum()) == pytest.approx(int(grey.sum()), rel=0.01)
    assert dice(after, grey) > 0.95


def test_only_chosen_slices_are_smoothed_and_gaps_stay_gaps(shapes):
    _, mask = curved(shapes)
    mask[10] = shapes.ellipse(SHAPE, PIXEL, (30, 40), 8, 8)
    mask[20] = 0
    planes = smoothed(mask, SPACING, 16.0, [10, 11])
    assert 10 in planes
    assert set(planes) <= {10, 11}
    assert 20 not in smoothed(mask, SPACING, 16.0)


@pytest.mark.parametrize(("length_mm", "slices", "says"), [
    (3.9, None, "use 4 mm or more"), (float("nan"), None, "does nothing"), (-5.0, None, "does nothing"),
    (10.0, [39, 40], "no axial slice 40"),
])  # fmt: skip
def test_impossible_smoothing_is_refused(shapes, length_mm, slices, says):
    with pytest.raises(InputError, match=says):
        smoothed(curved(shapes)[1], SPACING, length_mm, slices)


def test_two_slices_cannot_be_smoothed(shapes):
    with pytest.raises(InputError, match="three or more slices"):
        smoothed(curved(shapes)[1][:2], SPACING, 10.0)
