"""Segments of the cord, estimated from vertebral levels."""

from itertools import pairwise

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.levels.external import discs_from_level_map
from napari_spinalq.levels.spinal import (
    SEGMENT_BORDERS,
    SEGMENTS,
    SEGMENTS_ESTIMATED,
    segment_map,
    segments_at,
    spinal_extents,
)

CORD = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 200.0]]))
ROW = Labelling(tuple(Disc(3 + n, (0, 10, 150.0 - 20 * n)) for n in range(6)), True)
"""C2-C3 at 150 mm, then every 20 mm down to C7-T1 at 50 mm."""


def test_thirty_segments_with_borders_in_order():
    assert len(SEGMENTS) == 30
    assert SEGMENTS[7] == "C8"
    assert len(SEGMENT_BORDERS) == 31
    assert (np.diff(SEGMENT_BORDERS) > 0).all()


def test_place_is_in_proportion_within_the_vertebral_level():
    by_name = {extent.short_name: extent for extent in spinal_extents(ROW, CORD)}
    assert by_name["C5"].upper_mm == pytest.approx(150 - 20 * 0.68)
    assert by_name["C5"].lower_mm == pytest.approx(130 - 20 * 0.57)
    assert by_name["C7"].upper_mm == pytest.approx(110 - 20 * 0.45)


def test_segments_follow_each_other_without_a_gap():
    extents = spinal_extents(ROW, CORD)
    assert [extent.segment for extent in extents] == list(range(extents[0].segment, extents[-1].segment + 1))
    for upper, lower in pairwise(extents):
        assert upper.lower_mm == lower.upper_mm


def test_every_segment_says_that_it_is_an_estimate():
    for extent in spinal_extents(ROW, CORD):
        assert extent.name == f"{extent.short_name} segment (estimate)"
        assert extent.flags[0] == SEGMENTS_ESTIMATED


def test_doubts_of_the_vertebral_levels_travel_along():
    gap = Labelling((*ROW.discs[:2], *ROW.discs[3:]), True)
    by_name = {extent.short_name: extent.flags for extent in spinal_extents(gap, CORD)}
    assert "disc interpolated" in by_name["C6"]
    assert "disc interpolated" not in by_name["C4"]
    assert "end estimated" in by_name["C3"]
    guessed = Labelling((Disc(4, (0, 10, 100), Origin.ESTIMATED), Disc(5, (0, 10, 80))), False)
    assert "end estimated" in {extent.short_name: extent.flags for extent in spinal_extents(guessed, CORD)}["C6"]


def test_segments_cut_by_the_end_of_what_is_known_are_partly_covered():
    extents = spinal_extents(ROW, CORD)
    assert "partly covered" in extents[0].flags
    assert "partly covered" in extents[-1].flags
    assert "partly covered" not in extents[3].flags
    assert [extent.short_name for extent in (extents[0], extents[-1])] == ["C3", "T2"]


def test_below_the_cord_there_is_no_segment():
    with pytest.raises(InputError, match="below the cord"):
        spinal_extents(Labelling((Disc(23, (0, 10, 100)), Disc(24, (0, 10, 66))), True), CORD)


def test_without_discs():
    with pytest.raises(InputError, match="mark at least one"):
        spinal_extents(Labelling((), False), CORD)


def test_borders_belong_to_the_upper_segment_and_nothing_lies_beyond():
    extents = spinal_extents(ROW, CORD)
    arcs = np.array(
        [extents[0].upper_mm + 1, extents[2].lower_mm, extents[2].lower_mm - 0.01, extents[-1].lower_mm - 1]
    )
    assert segments_at(arcs, extents).tolist() == [0, extents[2].segment, extents[3].segment, 0]


@pytest.mark.parametrize("codes", ["RAS", "PIR"])
def test_map_in_any_axis_order(codes):
    grid = Grid((3, 3, 160), np.diag([1.0, 1.0, 1.0, 1.0])).reoriented(codes)
    mask = np.ones(grid.shape)
    segments = segment_map(ROW, CORD, mask, grid)
    heights = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))[..., 2]
    c5 = (heights < 136.4) & (heights >= 118.6)
    assert np.array_equal(segments == 5, c5)


@pytest.mark.realdata
@pytest.mark.slow
def test_the_template_gets_its_own_segments_back(shared):
    """From its discs alone; borders were measured there, so this proves the way there and back, not the estimate."""
    folder = shared / "data" / "pam50" / "template"
    levels, theirs = (load_scan(folder / f"PAM50_{name}.nii.gz") for name in ("levels", "spinal_levels"))
    work = levels.in_work_order()
    slices = np.flatnonzero(work.data.any(axis=(1, 2)))
    centres = [np.r_[z, np.argwhere(work.data[z] > 0).mean(axis=0)] for z in slices]
    centerline = fit_centerline(work.grid.voxel_to_mm(centres))
    labelling = Labelling(discs_from_level_map(levels.data, levels.grid, centerline), True)
    ours = segment_map(labelling, centerline, levels.data, levels.grid)
    known = (theirs.data > 0) & (ours > 0)
    assert known.sum() > 0.99 * (theirs.data > 0).sum()
    assert np.mean(ours[known] == theirs.data[known]) > 0.96
