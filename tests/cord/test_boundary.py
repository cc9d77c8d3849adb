import numpy as np
import pytest
from scipy.special import erf

from napari_spinalq.cord import boundary
from napari_spinalq.cord.outline_shape import fitted_outline, mean_outline, steadied
from napari_spinalq.cord.polar import ANGLES, RADII_MM


def blurred_step(radius_mm, sigma_mm=0.5, inside=0.0, outside=-1.0):
    """Every ray falls from inside to outside at a radius; a Gaussian point spread keeps the half-way point there."""
    part = 0.5 * (1 - erf((RADII_MM - np.asarray(radius_mm)[..., None]) / (np.sqrt(2) * sigma_mm)))
    return (outside + (inside - outside) * part).astype(np.float32)


def test_half_maximum_is_the_true_edge_of_a_blurred_step():
    radius = 5.0 + 0.7 * np.cos(2 * np.pi * np.arange(ANGLES) / ANGLES)[None]
    start = np.round(radius / 0.25) * 0.25
    assert np.abs(boundary.half_maximum(blurred_step(radius), start, (0.5, 0.5)) - radius).max() < 0.06


def test_half_maximum_reads_beyond_the_blur_of_a_long_pixel():
    # A pixel of 3 mm from left to right makes a ramp as long of an edge that it crosses at a right angle.
    ray, radius = np.array([0]), np.full((1, ANGLES), 6.0)
    ramp = np.clip((radius[..., None] + 1.5 - RADII_MM) / 3.0, 0, 1).astype(np.float32) - 1.0
    long, short = (boundary.half_maximum(ramp, radius, (0.5, side))[0, ray] for side in (3.0, 0.5))
    assert long == pytest.approx(6.0, abs=0.06)
    assert short > 6.15


def test_noise_hardly_moves_the_half_maximum():
    radius = np.full((40, ANGLES), 5.0)
    noise = np.random.default_rng(0).normal(0, 0.15, (40, ANGLES, len(RADII_MM)))
    found = boundary.half_maximum(blurred_step(radius) + noise.astype(np.float32), radius, (0.5, 0.5))
    assert found.mean() == pytest.approx(5.0, abs=0.1)  # 0.12 where each ray is read by itself


def test_flat_rays_keep_their_coarse_radius():
    start = np.full((1, ANGLES), 4.25)
    assert np.array_equal(boundary.half_maximum(blurred_step(start, outside=-0.1), start, (0.5, 0.5)), start)


def test_outline_follows_the_edge():
    radius = np.full((2, ANGLES), 4.6)
    radius[1] = 5.9
    found, edges = boundary.find_outlines(blurred_step(radius), np.full((2, ANGLES), 5.2), np.full(2, 0.15))
    assert np.abs(found - radius).max() <= 0.25
    assert edges.min() > 0.5


def test_levels_are_zero_in_the_core_and_minus_one_around():
    rays = 100.0 + 50.0 * blurred_step(np.full((3, ANGLES), 4.5))
    for polarity, image in ((1, rays), (-1, -rays)):
        levels = boundary.normalised(image.astype(np.float32), polarity, 0.0)
        assert np.median(levels[:, :, RADII_MM < 2]) == pytest.approx(0.0, abs=1e-3)
        assert np.median(levels[:, :, (RADII_MM > 6) & (RADII_MM < 9)]) == pytest.approx(-1.0, abs=1e-3)


def test_missing_side_is_completed_by_the_shape_of_a_cord():
    truth = mean_outline(1) * 1.1
    seen, edges = truth.copy(), np.full(truth.shape, 0.8)
    posterior = slice(30, 43)
    seen[:, posterior] += 3.0
    edges[:, posterior] = 0.05
    fitted = fitted_outline(seen, edges, np.eye(1), mean_outline(1))
    assert np.abs(fitted - truth).max() < 0.35


def test_shape_follows_an_outline_seen_all_round():
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    truth = mean_outline(1) * np.exp(0.05 * np.cos(angles) - 0.04 * np.cos(2 * angles))
    fitted = fitted_outline(truth, np.ones(truth.shape), np.eye(1), mean_outline(1))
    assert np.abs(fitted / truth - 1).max() < 0.02


def test_an_uncertain_outline_follows_its_certain_neighbours():
    radii = mean_outline(3) * np.array([1.1, 0.4, 1.1])[:, None]
    near = np.full((3, 3), 1 / 3)
    steady = steadied(radii, np.array([1.0, 0.02, 1.0]), near)
    assert np.array_equal(steady[[0, 2]], radii[[0, 2]])
    assert np.abs(steady[1] / radii[0] - 1).max() < 0.05


def test_an_uncertain_outline_without_neighbours_is_near_the_mean_cord():
    steady = steadied(mean_outline(1) * 0.4, np.array([0.02]), np.eye(1))
    assert 0.7 < (steady / mean_outline(1)).min() <= (steady / mean_outline(1)).max() < 1.0
