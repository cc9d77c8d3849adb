"""The cord on the grid of a map: shares of voxels from masks, carried cords."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import Grid
from napari_spinalq.microstructure.cord import carried_cord, find_cord, given_cord, physical_shares, seeded_cord
from napari_spinalq.microstructure.diffusion import weighted_mean
from napari_spinalq.scan import Scan

RAS = np.array([[0.5, 0, 0, -10], [0, 0.5, 0, -10], [0, 0, 4.0, 0], [0, 0, 0, 1]])
GRID = Grid((40, 40, 3), RAS)
X, Y, _ = np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing="ij")


def disc(radius_mm):
    away_mm = 0.5 * np.hypot(X - 19.5, Y - 19.5)
    return (away_mm < radius_mm).astype(np.uint8)


@pytest.mark.parametrize("offset_mm", [0.0, 0.2, -0.3])
def test_an_outline_grows_by_the_offset(offset_mm):
    """A circle of 5 mm drawn d inside the edge belongs to one of 5 + d mm."""
    mask = disc(5.0)
    shares = physical_shares(mask, GRID, offset_mm)
    drawn_radius = np.sqrt(mask[..., 1].sum() * 0.25 / np.pi)
    expected = np.pi * (drawn_radius + offset_mm) ** 2
    assert shares[..., 1].sum() * 0.25 == pytest.approx(expected, rel=0.02)
    assert np.any((shares > 0) & (shares < 1))


@pytest.mark.parametrize("codes", ["LPI", "PIR", "SAR"])
def test_shares_do_not_depend_on_the_order_of_axes(codes):
    from napari_spinalq.geometry import reorient_array

    mask = disc(4.0)
    mask[5:15, 18:30, 1] = 1
    turned, grid = reorient_array(mask, GRID, codes)
    back = reorient_array(physical_shares(turned, grid, 0.2), grid, GRID.axis_codes)[0]
    np.testing.assert_allclose(back, physical_shares(mask, GRID, 0.2), atol=0.05)


def test_a_soft_mask_at_the_edge_is_taken_as_it_is():
    soft = disc(4.0).astype(np.float32)
    soft[10, 10, 1] = 0.4
    np.testing.assert_array_equal(given_cord(soft, GRID).soft, soft)


def test_a_cord_is_carried_by_position(digital):
    target = digital.exam.scans["dwi"].grid
    carried = carried_cord(digital.anatomical, target)
    truth = digital.exam.truth["dwi"].cord_mask
    overlap = 2 * np.sum(carried.mask & truth) / (carried.mask.sum() + truth.sum())
    assert overlap > 0.9
    assert "carried here by position" in carried.flags[0]


def test_a_cord_that_is_not_seen_is_looked_for_with_the_images(digital, monkeypatch):
    """The person lies 4 mm farther to the left in this scan: position alone misses half of the cord."""

    def nothing(*_, **__):
        raise CordNotFoundError("no cord")

    scan = weighted_mean(digital.exam.scans["dwi"], digital.exam.gradients)
    affine = scan.grid.affine.copy()
    affine[0, 3] -= 4.0
    moved = replace(scan, grid=Grid(scan.grid.shape, affine))
    truth = digital.exam.truth["dwi"].cord_mask

    def overlap(cord):
        return 2 * np.sum(cord.mask & truth) / (cord.mask.sum() + truth.sum())

    monkeypatch.setattr("napari_spinalq.microstructure.cord.segment_cord", nothing)
    assert overlap(carried_cord(digital.anatomical, moved.grid)) < 0.7
    found = find_cord(moved, digital.anatomical)
    assert overlap(found) > 0.85
    assert "where the images agree best" in found.flags[0]


def test_a_cord_elsewhere_cannot_be_carried(digital):
    affine = RAS.copy()
    affine[2, 3] = 900
    with pytest.raises(CordNotFoundError, match="does not reach this scan"):
        carried_cord(digital.anatomical, Grid((10, 10, 3), affine))
    with pytest.raises(CordNotFoundError, match="does not reach this scan"):
        seeded_cord(digital.anatomical, Scan(np.zeros((10, 10, 3), np.float32), Grid((10, 10, 3), affine)))
