import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.sampling import Sampling, average_over_voxels, spread_offsets

INDICATORS = np.eye(2)


def _half_space(normal, distance):
    def label_at(points):
        return (points @ np.asarray(normal) < distance).astype(np.uint8)

    return label_at


def test_a_plane_cuts_voxels_in_the_right_shares():
    grid = Grid((6, 4, 4), np.eye(4))
    shares = average_over_voxels(_half_space([1, 0, 0], 2.2), grid, INDICATORS)
    assert shares[1, :, 0, 0] == pytest.approx([1, 1, 0.7, 0, 0, 0], abs=0.01)
    assert shares.sum(axis=0) == pytest.approx(np.ones(grid.shape))


def test_a_thick_slice_integrates_over_its_thickness():
    grid = Grid((4, 4, 3), np.diag([0.5, 0.5, 5.0, 1.0]))
    shares = average_over_voxels(_half_space([0, 0, 1], 6.0), grid, INDICATORS)
    assert shares[1, 0, 0] == pytest.approx([1.0, (6.0 - 2.5) / 5.0, 0.0], abs=0.01)


def test_what_lies_between_the_cells_centres_is_seen_by_finer_cells():
    def thin_sheet(points):
        return (np.abs(points[:, 2] - 1.6) < 0.3).astype(np.uint8)

    grid = Grid((3, 3, 1), np.diag([1.0, 1.0, 5.0, 1.0]))
    shares = average_over_voxels(thin_sheet, grid, INDICATORS, Sampling(cell_mm=0.25, coarse_mm=0.1, fine_mm=0.1))
    assert shares[1] == pytest.approx(np.full(grid.shape, 0.6 / 5.0), rel=0.05)


def test_offsets_are_distinct_centred_and_inside_the_cell():
    offsets = spread_offsets(125)
    assert np.abs(offsets.mean(axis=0)).max() < 1e-12
    assert np.abs(offsets).max() < 0.52
    assert all(len(np.unique(offsets[:, axis].round(6))) == 125 for axis in range(3))
