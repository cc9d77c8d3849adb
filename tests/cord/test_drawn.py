import numpy as np
import pytest

from napari_spinalq.cord.drawn import drawn_outline
from napari_spinalq.cord.polar import RAY_ANGLES, areas_mm2


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (1.0, 0.7)])
def test_an_ellipse_keeps_area_centre_and_radii(spacing):
    half_y, half_x = 4.3, 6.2
    y, x = np.meshgrid(*(np.arange(60) * step for step in spacing), indexing="ij")
    centre = np.array([14.3, 20.6]) * spacing / np.array([0.5, 0.7])
    mask = (((y - centre[0]) / half_y) ** 2 + ((x - centre[1]) / half_x) ** 2 < 1).astype(np.float32)
    outline = drawn_outline(mask, spacing)
    np.testing.assert_allclose(outline.centre_mm, centre, atol=0.1)
    assert areas_mm2(outline.radii_mm[None])[0] == pytest.approx(mask.sum() * np.prod(spacing), rel=1e-6)
    true = 1 / np.hypot(np.sin(RAY_ANGLES) / half_y, np.cos(RAY_ANGLES) / half_x)
    assert np.abs(outline.radii_mm - true).max() < 0.35


def test_a_soft_mask_counts_by_its_values():
    mask = np.zeros((20, 20), np.float32)
    mask[6:14, 6:14] = 0.5
    assert areas_mm2(drawn_outline(mask, (1.0, 1.0)).radii_mm[None])[0] == pytest.approx(32.0)
