"""Dividing a disc by moments: a division that is known comes back."""

import numpy as np

from napari_spinalq.tracts.partition import divide, shares, terms, wanted_moments

AXIS = np.arange(-0.975, 1, 0.05)
X, Y = (place.ravel() for place in np.meshgrid(AXIS, AXIS))
DISC = np.stack([X, Y], axis=1)[np.hypot(X, Y) <= 1]
RIGHT = DISC[DISC[:, 0] > 0]


def figures_of(weights, first):
    """Return area, centroid and second moments of each right part, over the whole disc."""
    found = []
    for share in shares(weights, terms(*DISC.T), first)[0]:
        mean = np.average(DISC, axis=0, weights=share)
        cov = np.cov(DISC.T, aweights=share, ddof=0)
        found.append([share.mean(), *mean, cov[0, 0], cov[1, 1], cov[0, 1]])
    return np.array(found)


def test_a_known_division_is_found_again_from_its_moments():
    truth = np.random.default_rng(3).normal(0, 3, (3, 6))
    first = np.zeros((len(DISC), 3))
    found = divide(wanted_moments(figures_of(truth, first)), RIGHT, first[: len(RIGHT)])
    drawn, known = (shares(weights, terms(*DISC.T), first) for weights in (found, truth))
    np.testing.assert_allclose(drawn, known, atol=0.02)
    assert np.ptp(known) > 0.9, "the division is no even mixture"


def test_sides_are_mirror_images_and_fill_the_disc():
    weights = np.random.default_rng(1).normal(0, 2, (4, 6))
    right, left = shares(weights, terms(*DISC.T), np.zeros((len(DISC), 4)))
    mirrored, _ = shares(weights, terms(-DISC[:, 0], DISC[:, 1]), np.zeros((len(DISC), 4)))
    np.testing.assert_allclose(left, mirrored)
    np.testing.assert_allclose(right.sum(axis=0) + left.sum(axis=0), 1.0)


def test_the_first_drawing_decides_where_figures_say_nothing():
    """Two parts of equal moments are told apart by the drawing alone: a checkerboard in the right half."""

    def drawn(places):
        sign = np.sign(np.sin(7 * places[:, 0]) * np.sin(7 * places[:, 1]))
        return np.stack([2 * sign, -2 * sign], axis=1)

    figures = np.array([[0.25, 0.4244, 0.0, 0.07, 0.25, 0.0]] * 2)
    weights = divide(wanted_moments(figures), RIGHT, drawn(RIGHT))
    held = shares(weights, terms(*RIGHT.T), drawn(RIGHT))[0]
    assert np.mean((held[0] > held[1]) == (drawn(RIGHT)[:, 0] > 0)) > 0.95
