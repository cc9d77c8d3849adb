"""The maker of training images keeps areas, repeats itself, and draws slices without cord."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train only")

from training.acquisition import FINE_TARGET, WIDE_TARGET, acquire  # noqa: E402
from training.anatomy import STEP_MM, build_library, signed_distance  # noqa: E402
from training.contrasts import CONTRASTS, GREY, WHITE, base_table, draw_signals  # noqa: E402
from training.losses import heat_target  # noqa: E402
from training.networks import fine_model, locator, parameter_count  # noqa: E402
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
    assert (grey <= cord + 1e-3).all()
    assert (cord <= canal + 1e-3).all()


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
