"""Named discs from what other programs labelled."""

import numpy as np
import pytest

from napari_spinalq.cord.backends.totalspineseg import TOTALSPINESEG
from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.errors import BackendError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.levels.detect import UNCONFIRMED
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.levels.external import border_mm, discs_from_level_map, discs_from_spine, labelling_of
from napari_spinalq.levels.levelmap import level_map
from napari_spinalq.metrics.shape import slice_shapes

LINE = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 100.0]]))
METHOD = {"backend": "TotalSpineSeg", "backend_version": "1", "backend_command": "totalspineseg a b"}
FOUND = [Disc(3, (0, 12, 80), Origin.DETECTED), Disc(4, (0, 12, 62), Origin.DETECTED)]


def test_border_of_overlapping_groups_has_the_fewest_on_the_wrong_side():
    rng = np.random.default_rng(3)
    upper, lower = rng.normal(10, 2, 400), rng.normal(5, 2, 300)
    border = border_mm(upper, lower)
    places = np.sort(np.r_[upper, lower])
    wrong = [(upper < cut).sum() + (lower > cut).sum() for cut in (places[1:] + places[:-1]) / 2]
    assert (upper < border).sum() + (lower > border).sum() == min(wrong)


@pytest.mark.parametrize("codes", ["RAS", "PSR", "LIA"])
def test_discs_of_a_level_map_in_any_axis_order(codes):
    grid = Grid((5, 5, 100), np.diag([1.0, 1.0, 1.0, 1.0])).reoriented(codes)
    heights = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))[..., 2]
    levels = np.select([heights < 30, heights < 41, heights < 60, heights < 70], [0, 4, 3, 2], 0)
    discs = discs_from_level_map(levels, grid, LINE)
    assert [disc.name for disc in discs] == ["C2-C3", "C3-C4"]
    assert [disc.position_mm[2] for disc in discs] == pytest.approx([59.5, 40.5])
    assert {disc.origin for disc in discs} == {Origin.DETECTED}


def test_an_outermost_level_taller_than_usual_keeps_its_height():
    grid = Grid((5, 5, 100), np.eye(4))
    heights = np.indices(grid.shape)[2]
    levels = np.select([heights < 18, heights < 41, heights < 60, heights < 80], [0, 4, 3, 2], 0)
    discs = discs_from_level_map(levels, grid, LINE)
    assert [(disc.name, disc.origin.value) for disc in discs] == [
        ("C1-C2", "estimated"), ("C2-C3", "detected"), ("C3-C4", "detected"), ("C4-C5", "estimated"),
    ]  # fmt: skip
    assert np.array_equal(level_map(Labelling(discs, False), LINE, levels > 0, grid), levels)


def test_an_outermost_level_too_tall_for_any_person_gives_no_disc():
    grid = Grid((5, 5, 100), np.eye(4))
    heights = np.indices(grid.shape)[2]
    levels = np.select([heights < 41, heights < 60], [4, 3], 2)
    assert [disc.number for disc in discs_from_level_map(levels, grid, LINE)] == [3, 4]


def test_levels_that_are_not_neighbours_share_no_disc():
    levels = np.zeros((1, 1, 60), int)
    levels[..., :20], levels[..., 40:] = 6, 3
    assert discs_from_level_map(levels, Grid((1, 1, 60), np.eye(4)), LINE) == ()


def test_discs_of_totalspineseg():
    labels = np.zeros((3, 9, 50), np.uint8)
    labels[:, 6:8, 30:33], labels[:, 6:8, 10:13], labels[1, 2] = 66, 67, 1
    discs = discs_from_spine(labels, Grid((3, 9, 50), np.eye(4)))
    assert [(disc.name, disc.position_mm) for disc in discs] == [("C5-C6", (1, 6.5, 31)), ("C6-C7", (1, 6.5, 11))]


def test_without_a_click_names_are_unconfirmed():
    labelling = labelling_of(FOUND, (), LINE, TOTALSPINESEG, METHOD)
    assert not labelling.confirmed
    assert UNCONFIRMED in labelling.flags
    assert labelling.numbers == (3, 4)
    assert labelling.method == METHOD


def test_a_click_that_agrees_confirms():
    labelling = labelling_of(FOUND, [Disc(4, (0, 10, 61))], LINE, TOTALSPINESEG, METHOD)
    assert labelling.confirmed
    assert labelling.flags == ()
    assert labelling.discs[1].position_mm == (0, 10, 61)


@pytest.mark.parametrize(("number", "way"), [(5, "down"), (3, "up")])
def test_a_click_that_disagrees_moves_all_names_and_it_says_so(number, way):
    labelling = labelling_of(FOUND, [Disc(number, (0, 10, 61))], LINE, TOTALSPINESEG, METHOD)
    assert labelling.numbers == (number - 1, number)
    assert any(f"moved {way} by 1 " in flag for flag in labelling.flags)


def test_a_click_far_from_all_its_discs_is_added():
    labelling = labelling_of(FOUND, [Disc(6, (0, 10, 30))], LINE, TOTALSPINESEG, METHOD)
    assert labelling.numbers == (3, 4, 5, 6)
    assert labelling.discs[2].origin is Origin.INTERPOLATED


def test_contradicting_clicks_are_refused():
    with pytest.raises(InputError, match="lies"):
        labelling_of(FOUND, [Disc(5, (0, 10, 90))], LINE, TOTALSPINESEG, METHOD)


def test_no_disc_at_all():
    with pytest.raises(BackendError, match="found no disc; point at one with --disc"):
        labelling_of([], (), LINE, TOTALSPINESEG, METHOD)


@pytest.mark.realdata
def test_discs_give_the_real_level_map_back(sct_testing):
    mask = load_mask(sct_testing / "t2" / "t2_seg-manual.nii.gz")
    theirs = load_levels(sct_testing / "t2" / "t2_seg-manual_labeled.nii.gz", like=None)
    centerline = cord_centerline(slice_shapes(mask.data, mask.grid).centroid_mm, mask.grid)
    discs = discs_from_level_map(theirs.data, theirs.grid, centerline)
    labelling = labelling_of(discs, (), centerline, TOTALSPINESEG, METHOD)
    ours = level_map(labelling, centerline, theirs.data > 0, theirs.grid)
    labelled = theirs.data > 0
    assert np.mean(ours[labelled] == theirs.data[labelled]) > 0.95
