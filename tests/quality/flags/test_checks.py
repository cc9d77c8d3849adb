"""Every score against a value in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_spinalq.geometry import Grid
from napari_spinalq.levels.chain import SPACING_SPREAD
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.levels.heights import span_mm
from napari_spinalq.quality.flags import finding_of
from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.results import DrawnStructure
from napari_spinalq.scan import Scan
from tests.quality.conftest import CORD, FLUID, N_PIXELS, N_SLICES, NOISE_SD, PIXEL_MM, SLICE_MM, ellipse

PIXEL_MM2 = PIXEL_MM**2
MIDDLE = N_PIXELS // 2


def found(case, check, **changes):
    return finding_of(replace(case, **changes).measured(), check)


def changed(case, change):
    cord = case.cord.copy()
    change(cord)
    return cord


def test_the_area_of_a_hole(case):
    def pierce(cord):
        cord[4, MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2] = 0
        cord[9, MIDDLE, MIDDLE] = 0

    hole = found(case, Check.HOLE, cord=changed(case, pierce))
    assert hole.score == pytest.approx(9 * PIXEL_MM2)
    assert hole.slices == (4, 9)


def test_a_notch_open_to_the_outside_is_no_hole(case):
    def notch(cord):
        cord[4, MIDDLE, MIDDLE:] = 0

    assert found(case, Check.HOLE, cord=changed(case, notch)).score == 0


def test_the_volume_of_a_second_component(case):
    def add(cord):
        cord[3:5, 5:8, 5:8] = 1

    second = found(case, Check.SECOND_COMPONENT, cord=changed(case, add))
    assert second.score == pytest.approx(18 * PIXEL_MM2 * SLICE_MM)
    assert second.slices == (3, 4)


def test_a_gap_is_missing_slices_and_no_second_component(case):
    def gap(cord):
        cord[8:11] = 0

    cord = changed(case, gap)
    assert found(case, Check.MISSING_SLICE, cord=cord).score == 3
    assert found(case, Check.MISSING_SLICE, cord=cord).slices == (8, 9, 10)
    assert found(case, Check.SECOND_COMPONENT, cord=cord).score == 0


def test_an_area_jump_is_counted_beyond_the_usual_taper(case):
    larger = ellipse(7, 5)[0]

    def swell(cord):
        cord[10:] = larger

    step_percent = 100 * (larger.sum() / case.cord[0].sum() - 1)
    jump = found(case, Check.AREA_JUMP, cord=changed(case, swell))
    assert jump.score == pytest.approx(step_percent - SLICE_MM * 1.0, abs=0.1)  # 1 % a mm is usual
    assert jump.slices == (9, 10)
    assert jump.sentence == f"area jumps by {step_percent:.0f} % between slices 9 and 10"


def test_a_lobe_stands_out_by_its_length_less_the_shift_of_the_centroid(case):
    def leak(cord):
        cord[8:10, MIDDLE - 4 : MIDDLE + 4, MIDDLE : MIDDLE + 12 + 10] = 1  # 5 mm beyond 6 mm, 4 mm wide, to the right

    lobe_mm2 = (changed(case, leak)[8].sum() - case.cord[8].sum()) * PIXEL_MM2
    shift_mm = lobe_mm2 * 8.5 / (lobe_mm2 + case.cord[8].sum() * PIXEL_MM2)
    lobe = found(case, Check.LEAK, cord=changed(case, leak))
    assert lobe.score == pytest.approx(5 - shift_mm, abs=0.6)
    assert lobe.slices == (8, 9)
    assert "to the right" in lobe.sentence


def test_the_share_of_the_cord_outside_the_canal_and_of_grey_matter_outside_the_cord(case):
    narrow = case.structures[1].mask.copy()
    narrow[6, :, MIDDLE:] = 0
    structures = (case.structures[0], DrawnStructure("canal", narrow))
    outside = found(case, Check.CORD_OUTSIDE_CANAL, structures=structures)
    assert outside.score == pytest.approx(50.0)
    assert outside.slices == (6,)

    def halve(cord):
        cord[7, MIDDLE:] = 0

    grey = found(case, Check.GM_OUTSIDE_CORD, cord=changed(case, halve))
    assert grey.score == pytest.approx(50.0)
    assert grey.slices == (7,)


def test_slices_without_canal_are_not_held_against_the_cord(case):
    short = case.structures[1].mask.copy()
    short[:10] = 0
    structures = (DrawnStructure("canal", short),)
    assert found(case, Check.CORD_OUTSIDE_CANAL, structures=structures).score == 0


def test_the_oddness_of_a_disc_in_standard_deviations(case):
    heights = [50.0, 50.0 - 18.0, 50.0 - 18.0 - 17.0]
    spans = [span_mm(3, 4), span_mm(4, 5)]
    discs = [Disc(3 + place, (0.0, 8.0, z)) for place, z in enumerate(heights)]
    scale = np.median([18.0 / spans[0], 17.0 / spans[1]])
    worst = max(abs(18.0 / spans[0] / scale - 1), abs(17.0 / spans[1] / scale - 1)) / SPACING_SPREAD
    odd = found(case, Check.LEVEL_ORDER, labelling=Labelling(tuple(discs), True))
    assert odd.score >= worst - 1e-6
    assert odd.score < 1
    moved = (discs[0], Disc(4, (0.0, 8.0, heights[1] + 7.0)), discs[2])
    assert found(case, Check.LEVEL_ORDER, labelling=Labelling(moved, True)).score > 3


def test_contrast_to_noise(case):
    assert found(case, Check.LOW_SNR).score == pytest.approx((FLUID - CORD) / NOISE_SD, rel=0.08)
    noise = np.random.default_rng(1).normal(0, 50.0, case.scan.grid.shape)
    noisy = replace(case.scan, data=case.scan.data + noise.astype(np.float32))
    assert found(case, Check.LOW_SNR, scan=noisy).score == pytest.approx((FLUID - CORD) / 50.2, rel=0.12)


def test_the_image_that_is_left_beside_the_cord(case):
    assert found(case, Check.PARTIAL_FIELD_OF_VIEW).score == pytest.approx(14.0, abs=0.6)  # to the side: 20 - 6
    blank = case.scan.data.copy()
    blank[5, :, MIDDLE + 12 + 4 :] = 0  # 2 mm beyond the right end of the cord
    left = found(case, Check.PARTIAL_FIELD_OF_VIEW, scan=replace(case.scan, data=blank))
    assert left.score == pytest.approx(2.0, abs=0.01)
    assert left.slices == (5,)


def test_a_mask_at_the_side_of_the_image_is_truncated_but_not_at_its_ends(case):
    assert found(case, Check.TRUNCATED).score == 0  # it reaches the first and the last slice
    first = MIDDLE - 6
    grid = case.scan.grid.cropped((0, 0, first), (N_SLICES, N_PIXELS, N_PIXELS - first))
    cut = replace(
        case, scan=Scan(np.ascontiguousarray(case.scan.data[:, :, first:]), grid), cord=case.cord[:, :, first:].copy(),
        structures=(),
    )  # fmt: skip
    assert found(cut, Check.TRUNCATED).score == N_SLICES


def test_a_shifted_slice_is_motion_if_image_and_mask_move(case):
    pixels = (0.0, 2.0 / PIXEL_MM)
    image, cord = case.scan.data.copy(), case.cord.copy()
    image[10] = ndimage.shift(image[10], pixels, order=1, mode="nearest")
    cord[10] = ndimage.shift(cord[10], pixels, order=0)
    usual_mm = SLICE_MM**2 / 70.0
    moved = found(case, Check.MOTION, scan=replace(case.scan, data=image), cord=cord)
    assert moved.score == pytest.approx(2.0 - usual_mm, abs=0.15)
    assert moved.slices == (9, 10, 11)
    assert found(case, Check.MOTION, cord=cord).score < 0.2  # the mask alone is off: nobody moved


def test_one_side_that_is_missing_is_asymmetry_about_the_image(case):
    right = ellipse(3.0, 4.0)
    cord = case.cord.copy()
    cord[6:14, :, MIDDLE:] = right[6:14, :, MIDDLE:]
    uneven = found(case, Check.ASYMMETRY, cord=cord)
    assert uneven.score == pytest.approx(200 * (6 - 3) / (6 + 3), abs=10)  # 0.2 mm of the plane are 8 %
    assert "larger on the left" in uneven.sentence
    assert set(range(8, 12)) <= set(uneven.slices)


def test_a_leaning_cord_on_an_oblique_grid_is_as_good_as_an_upright_one(case):
    turn = np.deg2rad(20.0)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    oblique = replace(case.scan, grid=Grid(case.scan.grid.shape, rotation @ case.scan.grid.affine))
    for check in (Check.LEAK, Check.AREA_JUMP, Check.ASYMMETRY, Check.MOTION):
        assert found(case, check, scan=oblique).score == pytest.approx(found(case, check).score, abs=1e-3)
