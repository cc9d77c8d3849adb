"""The parts of a registration against closed forms: moments, stretches, turns, outlines, displacements and their way
back, similarity."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.registration.affine import TURN_SHARE, aligned, long_axis_turns, stretches
from napari_spinalq.registration.along import smoothed_along
from napari_spinalq.registration.butterfly import LARGEST_TURN_DEG, butterfly_turns
from napari_spinalq.registration.field import Field, SliceFrame
from napari_spinalq.registration.moments import main_sections, sections_of
from napari_spinalq.registration.outline import ANGLES, log_radii, no_change, outline_change
from napari_spinalq.registration.similarity import correlation_ratio
from napari_spinalq.registration.warp import FAR_MM, Warp

SPACING = (5.0, 0.5, 0.5)
SHAPE = (6, 80, 90)
FRAME = SliceFrame(Grid(SHAPE, np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]])))


def ellipse(centre_mm, half_mm, turn_deg=0.0):
    """Return a soft ellipse in every slice: centre and half axes (anterior, right), turned right towards anterior."""
    _, y, x = np.meshgrid(*(np.arange(n) * step for n, step in zip(SHAPE, SPACING, strict=True)), indexing="ij")
    angle = np.radians(turn_deg)
    dy, dx = y - centre_mm[0], x - centre_mm[1]
    along, across = np.cos(angle) * dx + np.sin(angle) * dy, -np.sin(angle) * dx + np.cos(angle) * dy
    radius = np.hypot(across / half_mm[0], along / half_mm[1])
    return np.clip(0.5 + (1 - radius) * min(half_mm) / 0.5, 0, 1)


def test_moments_of_an_ellipse():
    found = sections_of(ellipse((20.0, 22.0), (4.0, 6.0)), FRAME)
    assert found.shown.all()
    assert found.area_mm2 == pytest.approx(np.pi * 24, rel=0.01)
    assert found.centre_mm == pytest.approx(np.tile([20.0, 22.0], (6, 1)), abs=0.01)
    assert found.moments_mm2[0] == pytest.approx(np.diag([16 / 4, 36 / 4]), rel=0.02, abs=0.02)


def test_an_end_cut_off_within_a_slice_is_not_a_section():
    mask = ellipse((20.0, 22.0), (4.0, 6.0))
    mask[5] *= 0.4
    mask[0] = 0
    assert sections_of(mask, FRAME).shown.tolist() == [False, True, True, True, True, False]


def test_only_the_heaviest_piece_of_a_slice_is_kept():
    mask = ellipse((20.0, 22.0), (4.0, 6.0))
    stray = mask.copy()
    stray[2, 5:9, 5:9] = 1
    stray[3, 0, 0] = np.nan
    assert main_sections(stray) == pytest.approx(mask)


def test_a_stretch_is_recovered_exactly():
    before = np.array([[[4.0, 0.7], [0.7, 9.0]]])
    stretch = np.array([[1.2, -0.1], [-0.1, 0.9]])
    assert stretches(before, stretch @ before @ stretch)[0] == pytest.approx(stretch)


def test_the_long_axis_turns_by_its_share():
    upright = np.diag([4.0, 9.0])[None]
    angle = np.radians(5.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    found = long_axis_turns(upright, turn @ upright @ turn.T)[0]
    flatness = 5 / 13
    assert found == pytest.approx(TURN_SHARE * angle * flatness**2 / (flatness**2 + 0.15**2))
    round_cord = np.diag([4.0, 4.0])[None]
    assert long_axis_turns(round_cord, round_cord)[0] == 0


def test_an_upright_long_axis_turns_as_a_lying_one():
    """An axis beside +-90 degrees has two names; the turn between them is small all the same."""
    angles = np.radians([88.0, 92.0])
    moments = [
        np.array(
            [[4 + 5 * np.sin(a) ** 2, 5 * np.sin(a) * np.cos(a)], [5 * np.sin(a) * np.cos(a), 4 + 5 * np.cos(a) ** 2]]
        )
        for a in angles
    ]
    assert 0 < long_axis_turns(moments[0][None], moments[1][None])[0] < np.radians(4)


def test_cords_are_aligned_by_shift_turn_and_stretch():
    source, target = ellipse((21.0, 20.5), (4.5, 6.0)), ellipse((20.0, 22.0), (4.0, 6.6))
    found = aligned(sections_of(source, FRAME), sections_of(target, FRAME), FRAME.heights_mm)
    assert found.shift_mm == pytest.approx(np.tile([1.0, -1.5], (6, 1)), abs=0.02)
    assert found.linear[2] == pytest.approx(np.diag([4.5 / 4, 6 / 6.6]), abs=0.02)


def horns(turn_deg):
    """Return two ellipses at the sides of the centre, joined by a bar, turned right towards anterior."""
    angle = np.radians(turn_deg)
    away = np.array([np.sin(angle), np.cos(angle)]) * 2.5
    centre = np.array([20.0, 22.0])
    parts = [ellipse(centre + side * away, (3.0, 0.9), turn_deg) for side in (-1, 1)]
    return np.maximum.reduce([*parts, ellipse(centre, (0.6, 2.5), turn_deg)])


@pytest.mark.parametrize("angle", [-8.0, -0.7, 0.0, 3.3, 12.0])
def test_the_turn_of_grey_matter_is_measured(angle):
    centres = np.tile([20.0, 22.0], (6, 1))
    found = np.degrees(butterfly_turns(horns(2.0 + angle), horns(2.0), FRAME, centres))
    assert found == pytest.approx(np.full(6, angle), abs=0.3)


def test_slices_without_grey_matter_turn_as_their_neighbours():
    centres = np.tile([20.0, 22.0], (6, 1))
    source, target = horns(6.0), horns(0.0)
    source[:3] = np.nan
    assert np.degrees(butterfly_turns(source, target, FRAME, centres)) == pytest.approx(np.full(6, 6.0), abs=0.3)
    assert not butterfly_turns(source * np.nan, target, FRAME, centres).any()
    assert np.degrees(np.abs(butterfly_turns(horns(70.0), target, FRAME, centres))).max() <= LARGEST_TURN_DEG


def test_radii_of_an_ellipse():
    centre = np.tile([20.0, 22.0], (6, 1))
    known = np.array([True] * 5 + [False])
    found = log_radii(ellipse((20.0, 22.0), (4.0, 6.0)), FRAME, centre, known)
    truth = 1 / np.hypot(np.sin(ANGLES) / 4, np.cos(ANGLES) / 6)
    assert np.exp(found[0]) == pytest.approx(truth, abs=0.06)
    assert not found[5].any()


def test_the_outline_warp_leads_from_one_outline_to_the_other():
    """A dent at the front of the target: places on its outline are sent to the outline of the source."""
    known = np.ones(6, dtype=bool)
    source = np.log(np.tile(1 / np.hypot(np.sin(ANGLES) / 4, np.cos(ANGLES) / 6), (6, 1)))
    target = source - 0.1 * np.cos(ANGLES - np.pi / 2) ** 2
    change = outline_change(source, target, known, FRAME.heights_mm, no_change(6))
    unit = np.stack([np.sin(ANGLES), np.cos(ANGLES)], axis=-1)
    offsets = np.exp(target)[..., None] * unit
    moved = offsets + change.displaced(offsets)
    assert np.linalg.norm(moved, axis=-1) == pytest.approx(np.exp(source), abs=0.05)
    assert np.linalg.norm(change.displaced(offsets * 1e-6), axis=-1).max() < 1e-5


def test_far_from_the_cord_only_the_shift_is_left():
    cord = aligned(
        sections_of(ellipse((21.0, 20.5), (4.5, 6.0)), FRAME),
        sections_of(ellipse((20.0, 22.0), (4.0, 6.6)), FRAME),
        FRAME.heights_mm,
    )
    field = Warp(cord, no_change(6)).field(FRAME)
    away = np.array([[2.0, 20.0 + FAR_MM + 5, 22.0], [2.0, 20.0, 22.0 - FAR_MM - 8]])
    assert field.at(away) == pytest.approx(np.tile(cord.shift_mm[2], (2, 1)), abs=1e-6)


def test_the_way_back_undoes_a_displacement():
    y, x = np.meshgrid(np.arange(-30, 31.0), np.arange(-30, 31.0), indexing="ij")
    bump = 3 * np.exp(-(y**2 + x**2) / 200)
    field = Field(np.stack([np.stack([1 + bump, -2 + 0.5 * bump], axis=-1)] * 3), np.array([-30.0, -30.0]), 1.0)
    places = np.column_stack([np.full(100, 1.3), *np.random.default_rng(0).uniform(-20, 20, (2, 100))])
    assert field.inverse().moved(field.moved(places)) == pytest.approx(places, abs=0.02)


@pytest.mark.parametrize("codes", ["LAS", "PIR", "SAR"])
def test_places_and_points_agree(codes):
    grid = FRAME.grid.reoriented(codes)
    frame = SliceFrame(grid.reoriented("SAR"))
    point = np.array([[10.0, 12.0, 7.5]])
    assert frame.places(point)[0] == pytest.approx([1.5, 12.0, 10.0])
    assert frame.points_mm(frame.places(point)) == pytest.approx(point)


def test_smoothing_goes_on_beyond_the_known_slices():
    heights = np.arange(8) * 5.0
    values = np.where(np.arange(8)[:, None] < 2, np.nan, [3.0])
    known = ~np.isnan(values[:, 0])
    assert smoothed_along(heights, values, known, 20.0) == pytest.approx(np.full((8, 1), 3.0))
    rising = np.where(known, heights, np.nan)[:, None]
    found = smoothed_along(heights, rising, known, 20.0)[:, 0]
    assert found == pytest.approx(np.maximum(heights, 10.0), abs=1e-6), "the last value goes on, not the slope"
    only = np.arange(8) == 4
    assert smoothed_along(heights, values, only, 20.0) == pytest.approx(np.full((8, 1), 3.0))


def test_similarity_does_not_ask_for_equal_contrast():
    random = np.random.default_rng(0)
    tissue = random.integers(0, 4, 800)
    one = np.array([10.0, 200.0, 60.0, 120.0])[tissue] + random.normal(0, 1, 800)
    other = np.array([90.0, 5.0, 300.0, 5.0])[tissue] + random.normal(0, 1, 800)
    assert correlation_ratio(one, other) > 0.9
    assert correlation_ratio(random.permutation(one), other) < 0.05
    assert correlation_ratio(one, np.full(800, 7.0)) == 0
