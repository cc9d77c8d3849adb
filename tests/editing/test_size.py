"""Growing and shrinking: areas in closed form, and the way there and back."""

import numpy as np
import pytest
from skimage.draw import polygon2mask

from napari_spinalq.editing.size import resized
from napari_spinalq.errors import InputError
from napari_spinalq.metrics.outline import crossings, perimeter_mm

PIXEL_MM = {"square": (0.5, 0.5), "oblong": (0.4, 0.7), "coarse": (1.0, 1.0)}


def ellipse_perimeter_mm(a, b):
    """Ramanujan's second formula, within 1e-5 here."""
    h = ((a - b) / (a + b)) ** 2
    return np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))


def mean_change_mm2(shapes, pixel_mm, half_ap, half_rl, by_mm, count=60):
    rng = np.random.default_rng(3)
    places = rng.uniform(39, 41, (count, 2))
    mask = np.stack([shapes.ellipse((80, 80), pixel_mm, place, half_ap, half_rl) for place in places])
    after = shapes.apply(mask, resized(mask, (1.0, *pixel_mm), by_mm))
    return (int(after.sum()) - int(mask.sum())) / count * pixel_mm[0] * pixel_mm[1]


@pytest.mark.parametrize("pixel", PIXEL_MM)
@pytest.mark.parametrize(("half_ap", "half_rl"), [(5.0, 5.0), (4.0, 6.5)])
@pytest.mark.parametrize("by_mm", [0.1, -0.1, 0.25, -0.25, 0.6, -0.6, 1.5])
def test_the_area_changes_by_the_shell(shapes, pixel, half_ap, half_rl, by_mm):
    """Steiner: an outline moved by t encloses P t + pi t^2 more."""
    asked = ellipse_perimeter_mm(half_ap, half_rl) * by_mm + np.pi * by_mm**2
    assert mean_change_mm2(shapes, PIXEL_MM[pixel], half_ap, half_rl, by_mm) == pytest.approx(asked, rel=0.06)


@pytest.mark.parametrize("by_mm", [0.1, 0.3, 0.5, 1.0])
def test_growing_then_shrinking_returns_nearly_the_same(shapes, by_mm):
    rng = np.random.default_rng(5)
    for place in rng.uniform(39, 41, (30, 2)):
        mask = shapes.ellipse((80, 80), (0.5, 0.5), place, 4.0, 6.5)[None]
        grown = shapes.apply(mask, resized(mask, (1, 0.5, 0.5), by_mm))
        back = shapes.apply(grown, resized(grown, (1, 0.5, 0.5), -by_mm))
        assert abs(int(back.sum()) - int(mask.sum())) <= 3
        assert 2 * (back & mask).sum() / (int(back.sum()) + int(mask.sum())) > 0.98


@pytest.mark.parametrize("by_mm", [0.2, 1.0])
def test_growing_only_adds_and_shrinking_only_removes(shapes, by_mm):
    mask = shapes.ellipse((80, 80), (0.5, 0.5), (40.3, 39.6), 4.0, 6.5)[None]
    grown = shapes.apply(mask, resized(mask, (1, 0.5, 0.5), by_mm))
    shrunk = shapes.apply(mask, resized(mask, (1, 0.5, 0.5), -by_mm))
    assert (grown >= mask).all()
    assert (shrunk <= mask).all()
    assert shrunk.sum() < mask.sum() < grown.sum()


def test_the_shell_is_of_even_thickness(shapes):
    """1 mm around a disc of 5 mm: every pixel up to 5.75 mm is in, none beyond 6.25 mm (half a pixel)."""
    mask = shapes.ellipse((80, 80), (0.5, 0.5), (40.2, 39.7), 5, 5)[None]
    grown = shapes.apply(mask, resized(mask, (1, 0.5, 0.5), 1.0))
    assert (grown[0] >= shapes.ellipse((80, 80), (0.5, 0.5), (40.2, 39.7), 5.75, 5.75)).all()
    assert (grown[0] <= shapes.ellipse((80, 80), (0.5, 0.5), (40.2, 39.7), 6.25, 6.25)).all()


def test_no_side_is_favoured(shapes):
    """Of a shape that is even in all four directions, the pixels that are added are spread around it."""
    mask = shapes.ellipse((81, 81), (0.5, 0.5), (40, 40), 5, 5)[None]
    rng_shift = []
    for by_mm in (0.05, 0.1, 0.15, 0.2, 0.3):
        added = shapes.apply(mask, resized(mask, (1, 0.5, 0.5), by_mm)) - mask
        rng_shift.append(np.argwhere(added[0]).mean(axis=0) - 40)
    assert np.abs(np.mean(rng_shift, axis=0)).max() < 1.5  # of a radius of 10 pixels; all on one side: about 6


def test_two_horns_and_a_hole_count_too(shapes):
    """Area of two discs and of a ring: the shell runs along every outline, inwards at the hole."""
    mask = np.zeros((1, 120, 120), np.uint8)
    for place in ((30, 30), (30, 90)):
        mask[0] |= shapes.ellipse((120, 120), (0.3, 0.3), place, 3, 3)
    mask[0] |= shapes.ellipse((120, 120), (0.3, 0.3), (85.3, 60.4), 6, 6)
    mask[0] -= shapes.ellipse((120, 120), (0.3, 0.3), (85.3, 60.4), 2.5, 2.5)
    change = (int(shapes.apply(mask, resized(mask, (1, 0.3, 0.3), 0.2)).sum()) - int(mask.sum())) * 0.09
    shell = 2 * np.pi * (3 + 3 + 6 + 2.5) * 0.2 + np.pi * 0.04 * (1 + 1 + 1 - 1)
    assert change == pytest.approx(shell, rel=0.05)


def test_any_outline_follows_its_perimeter(shapes):
    """A turned rectangle: the change is the perimeter, as the measures give it, times the distance."""
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(40):
        turn, place = rng.uniform(0, np.pi), rng.uniform(59, 61, 2)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        corners = np.array([[-14, -22], [-14, 22], [14, 22], [14, -22]]) @ axes + place
        mask = polygon2mask((120, 120), corners).astype(np.uint8)[None]
        around = perimeter_mm(crossings(mask[0].astype(float))[None], 0.5 * np.eye(2)[None])[0]
        change = int(shapes.apply(mask, resized(mask, (1, 0.5, 0.5), 0.2)).sum()) - int(mask.sum())
        ratios.append(change * 0.25 / (around * 0.2))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


def test_only_chosen_slices_change(shapes):
    mask = np.repeat(shapes.ellipse((50, 50), (1, 1), (25, 25), 8, 8)[None], 5, axis=0)
    assert sorted(resized(mask, (3, 1, 1), 0.5, [1, 3])) == [1, 3]
    assert sorted(resized(mask, (3, 1, 1), 0.5)) == [0, 1, 2, 3, 4]


def test_growing_at_the_rim_of_the_image_stays_within(shapes):
    mask = np.zeros((1, 20, 20), np.uint8)
    mask[0, :5, :5] = 1
    assert resized(mask, (1, 1, 1), 2.0)[0][:6, :6].all()


def test_no_slice_vanishes_silently(shapes):
    mask = np.repeat(shapes.ellipse((50, 50), (0.5, 0.5), (25, 25), 4, 4)[None], 3, axis=0)
    mask[1] = shapes.ellipse((50, 50), (0.5, 0.5), (25, 25), 0.8, 0.8)
    with pytest.raises(InputError, match="leave nothing in slice 1"):
        resized(mask, (1, 0.5, 0.5), -1.5)
    assert sorted(resized(mask, (1, 0.5, 0.5), -1.5, [0, 2])) == [0, 2]


@pytest.mark.parametrize("by_mm", [0.0, float("nan"), float("inf")])
def test_distances_that_mean_nothing_are_refused(by_mm):
    with pytest.raises(InputError, match="other than 0 mm"):
        resized(np.ones((1, 5, 5), np.uint8), (1, 1, 1), by_mm)
