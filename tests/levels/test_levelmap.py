"""Levels of slices and voxels from named discs."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.levelmap import level_extents, level_map, levels_per_slice, slice_levels
from napari_spinalq.levels.tables import discs_from_label_volume


def straight_cord(length_mm):
    return Centerline(np.array([[0.0, 0.0, z] for z in np.arange(0.0, length_mm + 0.25, 0.5)]))


def work_grid(shape, spacing=(1.0, 1.0, 1.0)):
    """A grid in work order whose middle column runs along x = y = 0 from z = 0."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1.0
    affine[1, 3], affine[0, 3] = -(shape[1] // 2) * spacing[1], -(shape[2] // 2) * spacing[2]
    return Grid(shape, affine)


def cord_centerline(mask):
    """A centerline through the centres of a mask's slices."""
    work = mask.in_work_order()
    slices = np.flatnonzero(work.data.any(axis=(1, 2)))
    centres = [np.r_[z, np.argwhere(work.data[z] > 0).mean(axis=0)] for z in slices]
    return fit_centerline(work.grid.voxel_to_mm(centres))


def test_level_reaches_from_its_disc_to_the_next():
    discs = (Disc(3, (0, 8, 60.5)), Disc(4, (0, 8, 42.5)), Disc(5, (0, 8, 24.5)))
    levels = slice_levels(Labelling(discs, True), straight_cord(100), work_grid((100, 3, 3)))
    assert set(levels[43:61]) == {3}
    assert set(levels[25:43]) == {4}
    assert levels[61] == 2
    assert levels[24] == 5


def test_ends_have_the_typical_height_at_the_scale_of_the_person():
    """The level between the discs is 1.1 times its typical height, so the estimated ones are too."""
    h = TYPICAL_HEIGHT_MM
    discs = (Disc(3, (0, 8, 100.0)), Disc(4, (0, 8, 100.0 - 1.1 * h[3])))
    above, between, below = level_extents(Labelling(discs, True), straight_cord(200))
    assert (above.level, above.upper_mm) == (2, pytest.approx(100 + 1.1 * h[2]))
    assert (below.level, below.lower_mm) == (4, pytest.approx(100 - 1.1 * (h[3] + h[4])))
    assert above.flags == below.flags == ("end estimated",)
    assert between.flags == ()


def test_nothing_is_labelled_beyond_the_estimated_ends():
    levels = slice_levels(Labelling((Disc(5, (0, 8, 100.2)),), True), straight_cord(200), work_grid((200, 3, 3)))
    labelled = np.flatnonzero(levels)
    assert set(levels[labelled]) == {4, 5}
    assert labelled.min() == np.ceil(100.2 - TYPICAL_HEIGHT_MM[5])
    assert labelled.max() == np.floor(100.2 + TYPICAL_HEIGHT_MM[4])


def test_level_cut_by_the_end_of_the_cord_is_partial():
    discs = (Disc(3, (0, 8, 30.0)), Disc(4, (0, 8, 12.0)))
    flags = {extent.name: extent.flags for extent in level_extents(Labelling(discs, True), straight_cord(35))}
    assert flags == {"C2": ("end estimated", "partly covered"), "C3": (), "C4": ("end estimated", "partly covered")}


def test_gap_is_divided_and_flagged():
    discs = (Disc(3, (0, 8, 80.0)), Disc(5, (0, 8, 43.0)))
    extents = level_extents(Labelling(discs, True), straight_cord(150))
    assert [(e.name, e.flags) for e in extents[1:3]] == [("C3", ("disc interpolated",)), ("C4", ("disc interpolated",))]
    assert extents[1].lower_mm == pytest.approx(61.5)


def test_voxels_of_an_oblique_slice_get_the_level_of_their_own_place():
    """A cord leaning 30 degrees: the boundary is the plane through the disc, perpendicular to the cord."""
    lean = np.array([0.0, np.sin(np.radians(30)), np.cos(np.radians(30))])
    cord = Centerline(np.arange(-60.0, 60.5, 0.5)[:, None] * lean)
    grid = Grid((81, 41, 41), np.array([[0, 0, 1, -20], [0, 1, 0, -20], [1, 0, 0, -40], [0, 0, 0, 1]]))
    levels = level_map(
        Labelling((Disc(4, tuple(10 * np.array([0, lean[2], -lean[1]]))),), True), cord, np.ones((81, 41, 41)), grid
    )
    along = grid.voxel_to_mm(np.argwhere(levels > 0)) @ lean
    values = levels[levels > 0]
    off = np.abs(along) > 1e-6
    np.testing.assert_array_equal(values[off], np.where(along[off] > 0, 3, 4))
    assert set(np.unique(levels[40])) == {3, 4}


def test_level_map_is_the_same_on_any_axis_order():
    grid = work_grid((60, 9, 9))
    mask = np.zeros(grid.shape)
    mask[5:55, 2:7, 2:7] = 0.5
    labelling = Labelling((Disc(3, (0, 8, 40)), Disc(4, (0, 8, 23))), True)
    reference = level_map(labelling, straight_cord(60), mask, grid)
    turned, turned_grid = reorient_array(mask, grid, "LPI")
    levels = level_map(labelling, straight_cord(60), turned, turned_grid)
    np.testing.assert_array_equal(reorient_array(levels, turned_grid, "SAR")[0], reference)
    assert not reference[mask == 0].any()


def test_majority_of_a_slice():
    levels = np.zeros((4, 2, 3), np.uint8)
    levels[1] = [[4, 4, 5], [0, 0, 0]]
    levels[2] = [[4, 4, 5], [5, 0, 0]]
    levels[3, 0, 0] = 24
    assert levels_per_slice(levels).tolist() == [0, 4, 4, 24]


def test_slices_without_centerline_have_no_level():
    labelling = Labelling((Disc(3, (0, 8, 12)),), True)
    levels = slice_levels(labelling, straight_cord(20), work_grid((40, 3, 3)))
    assert levels[20] == 2
    assert not levels[21:].any()


def test_no_disc_is_refused():
    with pytest.raises(InputError, match="no discs"):
        level_extents(Labelling((), False), straight_cord(20))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("levels", "reference"),
    [("t2/t2_seg-manual_labeled.nii.gz", "t2_perslice.csv"), ("t2s/levels.nii.gz", "t2s_perslice.csv")],
)
def test_levels_per_slice_equal_the_reference(shared, sct_testing, levels, reference):
    scan = load_levels(sct_testing / levels).in_work_order()
    with (shared / "reference" / "sct" / reference).open() as stream:
        expected = {int(row["Slice (I->S)"]): int(row["VertLevel"] or 0) for row in csv.DictReader(stream)}
    found = levels_per_slice(scan.data)
    assert {index: int(found[index]) for index in expected} == expected


@pytest.mark.realdata
def test_discs_reproduce_the_levels_of_the_reference_map(sct_testing):
    """Boundaries of the reference map as discs give its levels back, voxel by voxel, between the outermost discs."""
    reference = load_levels(sct_testing / "t2" / "t2_seg-manual_labeled.nii.gz").in_work_order()
    centerline = cord_centerline(load_mask(sct_testing / "t2" / "t2_seg-manual.nii.gz"))
    discs = []
    for upper in (2, 3, 4):
        arcs = [
            centerline.nearest_arc(reference.grid.voxel_to_mm(np.argwhere(reference.data == level)))
            for level in (upper, upper + 1)
        ]
        boundary = (np.percentile(arcs[0], 1) + np.percentile(arcs[1], 99)) / 2
        discs.append(Disc(upper + 1, tuple(centerline.position(boundary)), Origin.CLICKED))
    labelling = Labelling(tuple(discs), True)
    inside = reference.data > 0
    levels = level_map(labelling, centerline, inside, reference.grid)
    between = inside & (levels > 0)
    assert (levels[between] == reference.data[between]).mean() > 0.98
    labelled = np.flatnonzero(levels.any(axis=(1, 2)))
    np.testing.assert_array_equal(levels_per_slice(levels)[labelled], levels_per_slice(reference.data)[labelled])
    assert set(range(4, 36)) <= set(labelled), "every slice between the outermost discs has a level"
    by_centre = slice_levels(labelling, centerline, reference.grid)[labelled]
    np.testing.assert_array_equal(by_centre, levels_per_slice(reference.data)[labelled])


@pytest.mark.realdata
def test_template_discs_reproduce_the_template_levels(sct_testing):
    """The template's map changes level within a slice of its disc labels, from C1-C2 to L1-L2."""
    labels = load_scan(sct_testing / "template" / "PAM50_small_label_discPosterior.nii.gz")
    reference = load_levels(sct_testing / "template" / "PAM50_small_levels.nii.gz").in_work_order()
    centerline = cord_centerline(load_mask(sct_testing / "template" / "PAM50_small_cord.nii.gz"))
    labelling = Labelling(discs_from_label_volume(labels.data, labels.grid), True)
    found = slice_levels(labelling, centerline, reference.grid)
    expected = levels_per_slice(reference.data)
    differing = np.flatnonzero((found != expected) & (found > 0) & (expected > 0))
    boundaries = np.flatnonzero(np.diff(expected)) + 0.5
    assert len(differing) <= len(boundaries)
    assert all(np.abs(boundaries - z).min() <= 1 for z in differing)


@pytest.mark.parametrize("subject", ["healthy01", "als01"])
def test_true_discs_give_the_true_levels_of_a_digital_exam(subject):
    """The phantom cuts levels across its own closed-form centerline, this room across one fitted to the mask."""
    folder = Path(__file__).parents[2] / "sample_data" / "derivatives" / "truth" / f"sub-{subject}" / "anat"
    rows = pd.read_csv(folder / f"sub-{subject}_discs.tsv", sep="\t").itertuples()
    discs = tuple(Disc(int(row.number), (row.x_mm, row.y_mm, row.z_mm)) for row in rows)
    reference = load_levels(folder / f"sub-{subject}_T2w_label-levels_dseg.nii.gz")
    centerline = cord_centerline(load_mask(folder / f"sub-{subject}_T2w_label-cord_mask.nii.gz"))
    found = level_map(Labelling(discs, True), centerline, reference.data > 0, reference.grid)
    inside = reference.data > 0
    assert (found[inside] == reference.data[inside]).mean() > 0.995
