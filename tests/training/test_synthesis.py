"""The maker of training images keeps areas, repeats itself, and draws slices without cord."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train only")

from training.acquisition import FINE_TARGET, WIDE_TARGET, acquire  # noqa: E402
from training.anatomy import (  # noqa: E402
    STEP_MM,
    axes_mm,
    build_library,
    butterfly,
    drawn_butterfly,
    signed_distance,
)
from training.casts import draw_cast  # noqa: E402
from training.contrasts import CONTRASTS, GREY, WHITE, base_table, draw_signals  # noqa: E402
from training.losses import heat_target  # noqa: E402
from training.networks import VARIANCE_FLOOR, PictureNorm, fine_model, locator, parameter_count  # noqa: E402
from training.scenes import FINE, WIDE, Painter  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on pictures this small more threads only wait for each other
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def library():
    return build_library(None, phantom_step_mm=20.0)


def test_distance_of_a_disc():
    line = (np.arange(96) - 47.5) * STEP_MM
    radius = np.hypot(line[:, None], line[None, :])
    distance = signed_distance(np.clip(0.5 - (radius - 6.0) / STEP_MM, 0, 1))
    near = (radius > 2) & (radius < 12)
    assert np.abs(distance - (radius - 6.0))[near].max() < 0.15


def test_signals_know_the_contrasts():
    table = base_table()
    by_name = dict(zip(CONTRASTS, table, strict=True))
    assert by_name["t2star"][GREY] > by_name["t2star"][WHITE] == 1.0
    assert by_name["t1w"][GREY] < 1.0
    assert draw_signals(np.random.default_rng(0), 5, table).shape == (5, table.shape[1])


@pytest.mark.parametrize(("kind", "target"), [(FINE, FINE_TARGET), (WIDE, WIDE_TARGET)])
def test_images_are_standardised_finite_and_repeatable(library, kind, target):
    def make():
        painter = Painter(library, kind, 3)
        return acquire(painter.paint(6), kind, target, painter.generator)

    first, second = make(), make()
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.fractions, second.fractions)
    assert first.image.shape == (6, 1, target.size, target.size)
    assert torch.isfinite(first.image).all()
    cord, grey, canal = first.fractions.unbind(1)
    overshoot = 3e-3  # a sharp edge rings a little in the discrete Fourier transform
    assert (grey <= cord + overshoot).all()
    assert (cord <= canal + overshoot).all()


def test_scanning_keeps_the_area_of_the_cord(library):
    """Blur, thick slices, pixels and interpolation move no area: the sum of fractions is that of the scene."""
    painter = Painter(library, FINE, 5)
    for _ in range(4):
        scene = painter.paint(8)
        area = scene.fractions[:, 0].sum(dim=(1, 2)) * FINE.step_mm**2
        sample = acquire(scene, FINE, FINE_TARGET, painter.generator)
        seen = sample.fractions[:, 0].sum(dim=(1, 2)) * FINE_TARGET.step_mm**2
        whole = area > 20
        assert float(((seen - area) / area)[whole].abs().median()) < 0.02


def test_some_slices_show_no_cord(library):
    fractions = Painter(library, WIDE, 1).paint(40).fractions[:, 0]
    empty = fractions.sum(dim=(1, 2)) == 0
    assert 2 <= int(empty.sum()) <= 25


def test_every_picture_without_cord_has_one_reason():
    cast = draw_cast(4000, 0.3, False, torch.Generator().manual_seed(0))
    reasons = torch.stack([cast.brain, cast.medulla, cast.elsewhere, cast.cauda, cast.hollow, cast.noise])
    assert int(reasons.sum(dim=0).max()) == 1
    assert torch.equal(reasons.any(dim=0), cast.empty)
    assert float(cast.empty.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert reasons.any(dim=1).all()
    assert not (cast.conus & cast.empty).any()
    assert not (cast.squeezed & (cast.empty | cast.conus)).any()


def test_the_conus_is_small_and_a_squeezed_cord_flat(library):
    """Areas of circles of 3 to 6 mm, changed by the smooth warp; a squeezed cord has under 80 % of its depth."""
    painter = Painter(library, FINE, 2)
    chosen = torch.arange(40) % len(library.distances)
    nothing = torch.zeros(40, dtype=torch.bool)
    cast = draw_cast(40, 0.0, False, painter.generator)
    sx, sy = painter._cord_scales(chosen, cast._replace(conus=~nothing, squeezed=nothing))
    diameter = torch.sqrt(4 / torch.pi * painter._cord_mm2[chosen] * sx * sy)
    assert 3.0 <= float(diameter.min()) < 4.0 < 5.0 < float(diameter.max()) <= 6.0
    sx, sy = painter._cord_scales(chosen, cast._replace(conus=nothing, squeezed=~nothing))
    assert float((sy / sx).median()) < 0.75


def test_drawn_grey_matter_differs_about_the_expected_one():
    v, u = axes_mm(200, 0.01)
    rng = np.random.default_rng(0)
    expected = butterfly(5.0, 0.19, u, v)
    drawn = np.stack([drawn_butterfly(5.0, rng, u, v) for _ in range(30)])
    shares = drawn.sum(axis=(1, 2)) / (np.pi * 100**2)
    assert np.median(shares) == pytest.approx(0.19, abs=0.03)
    assert 0.03 < shares.std() < 0.09
    assert (drawn.mean(axis=0) > 0.8).sum() > 0.3 * expected.sum()


def test_a_picture_is_normalised_by_itself():
    maps = torch.randn(3, 4, 6, 7, generator=torch.Generator().manual_seed(0)) * 5 + 2
    found = PictureNorm(4)(maps)
    known = torch.nn.functional.instance_norm(maps, eps=VARIANCE_FLOOR)
    assert torch.allclose(found, known, atol=1e-5)


def test_heat_stands_on_the_centroid():
    cord = torch.zeros(2, 1, 32, 32)
    cord[0, 0, 10:15, 20:25] = 1
    heat = heat_target(cord, 1.5)
    assert np.unravel_index(int(heat[0, 0].argmax()), (32, 32)) == (12, 22)
    assert float(heat[1].max()) == 0


def test_networks_are_small():
    assert parameter_count(locator()) < 150_000
    assert parameter_count(fine_model()) < 450_000
    assert locator()(torch.zeros(1, 1, 40, 24)).shape == (1, 1, 40, 24)
