import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.registration.slicewise import along, match, stack, warp, window
from napari_spinalq.registration.slicewise.frame import slice_frame
from tests.diffusion.moving_cord import grid

PIXEL = np.array([1.0, 0.8])
CENTRE = np.array([19.0, 22.0])
SHAPE = (40, 46)


def blobs(move=(0.0, 0.0, 0.0), *, noise=0.0, seed=0, contrast=(1.0, 1.0, 1.0)):
    """Three smooth blobs that moved by rows mm, columns mm and arc mm, in closed form."""
    rows = (np.arange(SHAPE[0]) - CENTRE[0])[:, None] * PIXEL[0] - move[0]
    columns = (np.arange(SHAPE[1]) - CENTRE[1])[None, :] * PIXEL[1] - move[1]
    angle = move[2] / warp.ARC_RADIUS_MM
    r, c = np.cos(angle) * rows - np.sin(angle) * columns, np.cos(angle) * columns + np.sin(angle) * rows
    at = ((0.0, 0.0, 4.0, 6.0), (5.0, 3.0, 2.0, 2.0), (-6.0, -4.0, 3.0, 2.0))
    image = 100 * sum(
        k * np.exp(-(((r - a) / u) ** 2) - ((c - b) / v) ** 2) for k, (a, b, u, v) in zip(contrast, at, strict=True)
    )
    return image + noise * np.random.default_rng(seed).standard_normal(SHAPE)


def basis(*images):
    weights = np.zeros(SHAPE)
    weights[6:-6, 6:-6] = 1.0
    return match.make_basis(np.stack(images), weights, PIXEL, CENTRE)


# --- frame


@pytest.mark.parametrize(
    ("spacing", "codes", "axes", "normal"),
    [
        ((5.0, 1.0, 1.0), "SAR", ("anterior", "right"), (0, 0, 1)),
        ((1.0, 3.0, 1.0), "ASR", ("superior", "right"), (0, -1, 0)),
        ((1.0, 1.0, 3.0), "RSA", ("superior", "anterior"), (1, 0, 0)),
        ((1.0, 1.0, 1.0), "SAR", ("anterior", "right"), (0, 0, 1)),
    ],
)
@pytest.mark.parametrize("stored", ["LAS", "RAS", "PIR"])
def test_slices_are_stacked_along_the_thick_axis(spacing, codes, axes, normal, stored):
    frame = slice_frame(grid(stored, spacing=spacing))
    assert frame.codes == codes
    assert frame.plane_axes == axes
    np.testing.assert_allclose(frame.turn_axis, normal, atol=1e-12)


@pytest.mark.parametrize("stored", ["LAS", "RAS", "PIR"])
@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_stacking_and_back_keeps_every_voxel(stored, tilt):
    on = grid(stored, shape=(3, 4, 5), spacing=(1.0, 1.0, 4.0), tilt_deg=tilt)
    data = np.random.default_rng(0).random((*on.shape, 2))
    frame = slice_frame(on)
    np.testing.assert_array_equal(frame.unstacked(frame.stacked(data, on), on), data)
    assert frame.stacked(data, on).shape[:3] == frame.grid.shape


# --- warp


@pytest.mark.parametrize("move", [(1.3, -0.7, 0.0), (0.0, 0.0, 0.9), (0.6, 1.1, -0.5)])
def test_moving_back_undoes_a_known_move(move):
    coefficients = warp.spline_coefficients(blobs(move))
    back = warp.moved_back(coefficients, warp.sample_places(np.array(move), SHAPE, PIXEL, CENTRE))
    np.testing.assert_allclose(back[5:-5, 5:-5], blobs()[5:-5, 5:-5], atol=0.5)  # of a peak of 115


def test_places_beyond_the_edge_are_counted_and_do_not_wrap():
    image = np.zeros(SHAPE)
    image[0] = 50.0
    places = warp.sample_places(np.array([3.0, 0.0, 0.0]), SHAPE, PIXEL, CENTRE)
    assert warp.outside(places, SHAPE) == 3 * SHAPE[1]
    assert np.abs(warp.moved_back(warp.spline_coefficients(image), places)[-3:]).max() < 1e-3


def test_a_move_seen_from_another_is_what_leads_from_one_to_the_other():
    random = np.random.default_rng(1)
    first, step = random.normal(size=(2, 5, 3))
    np.testing.assert_allclose(warp.seen_from(warp.after_step(first, step), step), first, atol=1e-12)


# --- match


def test_a_basis_is_orthonormal_and_leaves_out_what_adds_nothing():
    found = basis(blobs(), np.full(SHAPE, 7.0), 2 * blobs() + 3, blobs(contrast=(0, 1, 0)))
    assert found.images.shape[1] == 3  # the constant, and two of the four
    products = (found.images * found.root_weights[:, None] ** 2).T @ found.images
    np.testing.assert_allclose(products, np.eye(3), atol=1e-9)


def test_scores_of_whole_pixels_agree_with_a_plain_regression():
    reference, image = basis(blobs(), blobs(contrast=(0, 1, 0))), blobs((2.0, -1.6, 0.0), noise=5.0)
    scores = match.pixel_scores(reference, image, (3, 3))
    padded = np.pad(image, 3, mode="edge")
    for down, across in [(0, 0), (5, 1), (3, 3)]:
        values = padded[down : down + SHAPE[0], across : across + SHAPE[1]][reference.inside]
        fitted = reference.images @ np.linalg.lstsq(reference.images, values, rcond=None)[0]
        share = ((values - fitted) ** 2).sum() / ((values - values.mean()) ** 2).sum()
        assert scores[down, across] == pytest.approx(-0.5 * reference.seen_pixels * np.log(share), rel=1e-6)
    assert np.unravel_index(scores.argmax(), scores.shape) == (5, 1)  # 2 mm of 1 mm pixels, -1.6 mm of 0.8 mm


@pytest.mark.parametrize("contrast", [(1.0, 1.0, 1.0), (-0.5, 2.0, 0.3)])
def test_a_move_is_found_whatever_the_contrast(contrast):
    reference = basis(*[blobs(contrast=one) for one in np.eye(3)])
    truth = np.array([0.83, -0.41, 0.35])
    image = warp.spline_coefficients(blobs(truth, contrast=contrast))
    found, _ = match.refine(reference, image, np.array([0.0, 0.0, 0.0]), rotation=True)
    np.testing.assert_allclose(found, truth, atol=0.01)


def test_the_information_tells_how_far_moves_scatter():
    reference, draws = basis(blobs()), []
    for seed in range(60):
        image = warp.spline_coefficients(blobs((0.3, 0.2, 0.0), noise=20.0, seed=seed))
        draws.append(match.refine(reference, image, np.zeros(3)))
    scatter = np.std([move[:2] for move, _ in draws], axis=0)
    told = np.sqrt(np.mean([np.diag(np.linalg.inv(trust[:2, :2])) for _, trust in draws], axis=0))
    np.testing.assert_allclose(told, scatter, rtol=0.3)


def test_a_reference_of_noise_holds_no_information():
    weights = np.ones(SHAPE)
    noise = np.random.default_rng(2).standard_normal((2, *SHAPE))
    plain = match.make_basis(noise[:1], weights, PIXEL, CENTRE)
    known = match.make_basis(noise[:1], weights, PIXEL, CENTRE, np.ones((1, 1)))
    image = warp.spline_coefficients(noise[1] + 0.5 * noise[0])
    assert np.trace(match.refine(plain, image, np.zeros(3))[1]) > 20
    assert np.trace(match.refine(known, image, np.zeros(3))[1]) < 0.2 * np.trace(
        match.refine(plain, image, np.zeros(3))[1]
    )


def test_intensity_functions_make_any_contrast():
    image, weights = blobs(), np.ones(SHAPE)
    functions = match.intensity_functions(image, weights)
    np.testing.assert_allclose(functions.sum(axis=0), 1.0, atol=1e-9)
    wanted = (100 - image) ** 2
    fitted = np.linalg.lstsq(functions.reshape(len(functions), -1).T, wanted.ravel(), rcond=None)[0]
    np.testing.assert_allclose(np.tensordot(fitted, functions, 1), wanted, atol=1e-6 * wanted.max())
    assert len(match.intensity_functions(np.ones(SHAPE), weights)) == 0


def test_where_nothing_is_seen_the_search_stays_in_place():
    scores = np.random.default_rng(3).normal(0, 0.3, (4, 5, 11, 11))
    assert np.abs(stack.best_moves(scores, np.array([1.0, 1.0]))).max() <= 2.0
    scores[:, :, 9, 2] = 60.0
    np.testing.assert_array_equal(stack.best_moves(scores, np.array([1.0, 0.5]))[0, 0], [4.0, -1.5, 0.0])


def test_threads_change_nothing():
    reference = basis(blobs())
    images = np.stack([[blobs((a, 0.0, 0.0))] for a in (0.5, 1.0, 1.5)]).astype(np.float32)
    found = [
        stack.refine_moves(lambda z, i: reference, warp.spline_coefficients(images), np.zeros((1, 3, 3)), threads=n)[0]
        for n in (1, 3)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0][0, :, 0], [0.5, 1.0, 1.5], atol=0.01)


# --- along the stack


def test_one_slice_is_shrunk_as_the_closed_form_says():
    measured, information = np.zeros((1, 1, 3)), np.zeros((1, 1, 3, 3))
    measured[0, 0, :2] = [2.0, -1.0]
    information[0, 0, :2, :2] = np.diag([4.0, 1.0])
    found = along.smooth_along(measured, information, np.zeros(1))
    prior = along.USUAL.whole_mm**2 + along.USUAL.bend_mm**2 + along.USUAL.slice_mm**2
    error = 1 / (np.array([4.0, 1.0]) + along.LARGEST_SD_MM**-2) + along.SMALLEST_SD_MM**2
    np.testing.assert_allclose(found.moves[0, 0, :2], [2.0, -1.0] * (prior / (prior + error)), rtol=1e-9)
    np.testing.assert_allclose(found.sd_mm[0, 0], np.sqrt(prior * error / (prior + error)), rtol=1e-9)


def test_a_slice_without_structure_follows_its_neighbours():
    measured, information = np.zeros((1, 7, 3)), np.zeros((1, 7, 3, 3))
    measured[0, :, 0], measured[0, 3, 0] = 2.0, -4.0
    information[0, :, :2, :2] = 400 * np.eye(2)
    information[0, 3] = 0.0
    found = along.smooth_along(measured, information, 5.0 * np.arange(7))
    assert found.moves[0, 3, 0] == pytest.approx(2.0, abs=0.15)
    assert found.sd_mm[0, 3, 0] > 4 * found.sd_mm[0, 2, 0]


def test_how_much_slices_jump_is_learned_from_the_series():
    random = np.random.default_rng(4)
    information = np.zeros((40, 12, 3, 3))
    information[..., :2, :2] = np.eye(2) / 0.05**2
    truth = np.zeros((40, 12, 3))
    truth[..., :2] = random.normal(0, 0.8, (40, 1, 2)) + random.normal(0, [0.4, 0.02], (40, 12, 2))
    measured = truth + np.r_[0.05, 0.05, 0.0] * random.standard_normal(truth.shape)
    found = along.smooth_along(measured, information, 5.0 * np.arange(12))
    assert found.priors[0].slice_mm == pytest.approx(0.4, rel=0.1)
    assert found.priors[1].slice_mm < 0.04
    before, after = (np.sqrt(((one - truth)[..., 1] ** 2).mean()) for one in (measured, found.moves))
    assert after < 0.6 * before


def test_a_slice_in_the_wrong_place_gives_way_when_caution_is_asked_for():
    random = np.random.default_rng(5)
    measured, information = np.zeros((10, 9, 3)), np.zeros((10, 9, 3, 3))
    measured[..., :2] = random.normal(0, 0.5, (10, 1, 2)) + random.normal(0, 0.05, (10, 9, 2))
    information[..., :2, :2] = np.eye(2) / 0.05**2
    right = measured[3, 4].copy()
    measured[3, 4, 0] += 5.0
    found = along.smooth_along(measured, information, 5.0 * np.arange(9), cautious=True)
    assert found.moves[3, 4, 0] == pytest.approx(right[0], abs=0.3)


# --- window


def test_the_window_follows_the_cord_and_ends_before_the_edge():
    on = grid("LAS")
    frame = slice_frame(on)
    line = window.mask_centerline(np.ones(on.shape), on)
    weights = window.cord_window(line, frame)
    middle = (np.asarray(on.shape[:2]) - 1) / 2
    np.testing.assert_allclose(window.slice_centres(line, frame), np.tile(middle, (7, 1)), atol=1e-6)
    assert weights.max() > 0.98
    assert weights[:, 0].max() == 0.0
    assert weights[:, :, -1].max() == 0.0
    distance = np.hypot(10.5, 0.5)
    assert weights[3, 32, 22] == pytest.approx(np.exp(-0.5 * (distance / window.WINDOW_SD_MM) ** 2), rel=1e-3)


def test_masks_that_do_not_fit_are_refused():
    on = Grid((4, 4, 4), np.eye(4))
    with pytest.raises(InputError, match="shape"):
        window.mask_centerline(np.ones((3, 4, 4)), on)
    with pytest.raises(InputError, match="fewer than two slices"):
        window.mask_centerline(np.zeros(on.shape), on)
