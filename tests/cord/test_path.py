import itertools

import numpy as np
import pytest

from napari_spinalq.cord.path import SHIFT_PENALTY, best_path

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
    held = best_path(scores, SPACING, click=(2, 20.5, 19.0))
    assert held[:, :2].tolist() == [[20, 20]] * 5


def test_single_slab_is_its_best_place():
    scores = np.zeros((1, 6, 7), np.float32)
    scores[0, 2, 3] = 1.0
    assert best_path(scores, (5.0, 1.0, 2.0)).tolist() == [[2.0, 6.0, 1.0]]
