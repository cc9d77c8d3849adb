"""Outlines and the tract under the pointer."""

import numpy as np
import pytest

from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.fit import fit_atlas
from napari_spinalq.tracts.outlines import outlines_of, tract_at, tract_outlines
from tests.tracts.conftest import Ellipse, centred_grid


def area(ring):
    y, x = ring[:, 1], ring[:, 2]
    return abs(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


@pytest.fixture(scope="module", params=["LAS", "PIR"])
def fitted(request):
    grid = centred_grid(request.param, shape=(40, 28, 3), spacing=(0.5, 0.5, 5.0))
    return fit_atlas(builtin_atlas(), Ellipse().share(grid), np.full(3, 4), grid), grid


def test_the_outline_of_the_cord_is_the_ellipse(fitted):
    maps, grid = fitted
    (ring,) = tract_outlines(maps, "cord", 1, grid)
    points = grid.reoriented("SAR").voxel_to_mm(ring)
    np.testing.assert_allclose(np.hypot(points[:, 0] / 6.0, points[:, 1] / 3.7), 1.0, atol=0.06)


def test_the_outline_of_a_tract_lies_around_it_on_its_side(fitted):
    maps, grid = fitted
    for side, sign in (("left", -1), ("right", 1)):
        rings = tract_outlines(maps, f"lateral_cst_{side}", 1, grid)
        points = grid.reoriented("SAR").voxel_to_mm(np.concatenate(rings))
        assert (sign * points[:, 0] > 1.5).all()
        assert points[:, 1].mean() < 0
        assert sum(map(area, rings)) * 0.25 == pytest.approx(0.0727 * np.pi * 6 * 3.7, rel=0.3)


def test_outlines_of_tracts_do_not_overlap(fitted):
    maps, grid = fitted
    total = sum(area(ring) for tract in maps.tracts[:-1] for ring in tract_outlines(maps, tract.key, 1, grid))
    (cord,) = tract_outlines(maps, "cord", 1, grid)
    assert 0.8 * area(cord) < total < 1.05 * area(cord)


def test_an_empty_slice_has_no_outline(fitted):
    maps, grid = fitted
    empty = type(maps)(maps.tracts, maps.groups, np.zeros_like(maps.fractions), maps.atlas)
    assert tract_outlines(empty, "cord", 1, grid) == []
    with pytest.raises(KeyError):
        tract_outlines(maps, "no_such_tract", 1, grid)


def test_the_tract_under_the_pointer(fitted):
    maps, grid = fitted
    voxel = np.rint(grid.mm_to_voxel([0.66 * 6.0, -0.3 * 3.7, 0.0])).astype(int)
    title, share = tract_at(maps, voxel)
    assert title == "Lateral CST, right"
    assert 0.5 < share <= 1
    outside = np.rint(grid.mm_to_voxel([9.5, 6.5, 0.0])).astype(int)
    assert tract_at(maps, outside) is None
    assert tract_at(maps, (-1, 0, 0)) is None


def test_outlines_of_all_are_those_of_each(fitted):
    maps, grid = fitted
    keys = ["lateral_cst_left", "grey_matter", "ventral_cst_right"]
    found = outlines_of(maps, keys, grid)
    assert list(found) == keys
    for key, rings in found.items():
        one_by_one = [ring for z in range(3) for ring in tract_outlines(maps, key, z, grid)]
        assert len(rings) == len(one_by_one)
        for ring, alone in zip(rings, one_by_one, strict=True):
            np.testing.assert_array_equal(ring, alone)
    empty = type(maps)(maps.tracts, maps.groups, np.zeros_like(maps.fractions), maps.atlas)
    assert outlines_of(empty, keys, grid) == {}
