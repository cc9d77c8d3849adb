import itertools

import numpy as np
import pytest

from napari_spinalq.cord.path import CONE_SLOPES, FORBIDDEN, SHIFT_PENALTY, Mark, Place, best_path, places_in

SPACING = (6.0, 1.0, 1.0)


def cost(path, scores):
    places = sum(float(scores[z, y, x]) for z, (y, x) in enumerate(path))
    shifts = sum((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for a, b in itertools.pairwise(path))
    return places - SHIFT_PENALTY * shifts / SPACING[0]


@pytest.mark.parametrize("seed", range(4))
def test_no_other_chain_is_better(seed):
    scores = (np.random.default_rng(seed).random((3, 4, 4)) * 0.1).astype(np.float32)
    path = best_path(scores, SPACING)
    found = [(round(y), round(x)) for y, x, _ in path]
    places = list(np.ndindex(4, 4))
    best = max(cost(chain, scores) for chain in itertools.product(places, repeat=3))
    assert cost(found, scores) == pytest.approx(best, abs=1e-6)
    assert path[:, 2] == pytest.approx([scores[z, y, x] for z, (y, x) in enumerate(found)])


def test_click_overrules_a_better_place_in_its_slab():
    scores = np.zeros((5, 30, 30), np.float32)
    scores[:, 5, 5] = 1.0
    scores[:, 20, 20] = 0.8
    assert best_path(scores, SPACING)[2, :2].tolist() == [5, 5]
    held = best_path(scores, SPACING, places=(Place(2, 20.5, 19.0),))
    assert held[:, :2].tolist() == [[20, 20]] * 5


def test_single_slab_is_its_best_place():
    scores = np.zeros((1, 6, 7), np.float32)
    scores[0, 2, 3] = 1.0
    assert best_path(scores, (5.0, 1.0, 2.0)).tolist() == [[2.0, 6.0, 1.0]]


def test_every_place_is_passed_and_the_rest_stays_in_its_cone():
    scores = np.zeros((9, 60, 60), np.float32)
    scores[:, 30, 10] = 5.0
    places = (Place(2, 30.0, 45.0), Place(6, 33.0, 44.0))
    path = best_path(scores, SPACING, places)
    for slab, y, x, radius in places:
        assert np.hypot(path[slab, 0] - y, path[slab, 1] - x) <= radius
    for slab in range(9):
        for other, _, x, radius in places:
            assert abs(path[slab, 1] - x) <= radius + CONE_SLOPES[1] * SPACING[0] * abs(slab - other)


def test_nothing_near_a_barred_place_is_taken():
    scores = np.zeros((4, 30, 30), np.float32)
    scores[:, 10, 10] = 2.0
    scores[:, 20, 20] = 1.0
    path = best_path(scores, SPACING, barred=(Place(1, 10.5, 9.5, 2.0), Place(2, 10.0, 10.0, 2.0)))
    assert path[1:3, :2].tolist() == [[20, 20]] * 2


def test_places_count_more_than_what_is_barred():
    scores = np.zeros((1, 30, 30), np.float32)
    path = best_path(scores, SPACING, (Place(0, 10.0, 10.0),), barred=(Place(0, 10.0, 10.0, 5.0),))
    assert np.hypot(path[0, 0] - 10, path[0, 1] - 10) <= 2.0


def test_marks_go_to_the_nearest_slab():
    slab_mm = np.array([1.0, 4.0, 7.0])
    places = places_in(slab_mm, (Mark(0.0, 3.0, 4.0), Mark(5.9, 1.0, 2.0, 7.0)))
    assert places == (Place(0, 3.0, 4.0, 2.0), Place(2, 1.0, 2.0, 7.0))


def test_forbidden_surroundings_change_nothing():
    scores = np.full((3, 20, 20), FORBIDDEN, np.float32)
    scores[:, 8:12, 9:13] = np.random.default_rng(0).random((3, 4, 4)) * 0.1
    small = best_path(np.ascontiguousarray(scores[:, 8:12, 9:13]), SPACING)
    np.testing.assert_allclose(best_path(scores, SPACING), small + np.array([8.0, 9.0, 0.0]))
