"""A second look at named discs: silence on right ones, a sentence on each fault."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.check import CHECK, UNUSUAL_Z, check_labelling, oddest, with_checks
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.scan import Scan

TOP_MM = 180.0
CORD = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 200.0]]))
GRID = Grid((80, 100, 201), np.array([[1, 0, 0, -40.0], [0, 1, 0, -50], [0, 0, 1, 0], [0, 0, 0, 1]]))


def row(first=3, last=11, scale=1.0, top_mm=TOP_MM, origin=Origin.CLICKED):
    """Discs at the typical heights times a body size, 10 mm in front of the cord."""
    heights = [scale * TYPICAL_HEIGHT_MM[number] for number in range(first, last)]
    places = top_mm - np.r_[0.0, np.cumsum(heights)]
    return tuple(Disc(first + n, (0.0, 10.0, float(z)), origin) for n, z in enumerate(places))


def moved(discs, number, by_mm=(0.0, 0.0, 0.0)):
    return tuple(
        replace(d, position_mm=tuple(np.add(d.position_mm, by_mm))) if d.number == number else d for d in discs
    )


def flags_of(discs, cord=CORD, grid=GRID):
    return check_labelling(Labelling(tuple(discs), True), cord, grid)


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.2])
def test_a_usual_row_of_any_adult_size_is_silent(scale):
    last = 3 + int(np.searchsorted(np.cumsum([scale * TYPICAL_HEIGHT_MM[n] for n in range(3, 13)]), 175))
    assert flags_of(row(last=last, scale=scale)) == ()


@pytest.mark.parametrize("number", range(4, 9))
@pytest.mark.parametrize("by_mm", [-8.0, 8.0])
def test_a_cervical_disc_8_mm_off_is_told_alone(number, by_mm):
    flags = flags_of(moved(row(), number, (0, 0, by_mm)))
    assert len(flags) == 1
    way = "above" if by_mm > 0 else "below"
    name = Disc(number, (0, 0, 0)).name
    assert flags[0].startswith(f"{CHECK}{name} lies ")
    assert f" mm {way} its usual place between" in flags[0]


def test_how_far_it_is_off_is_told():
    told = flags_of(moved(row(), 6, (0, 0, 8.0)))[0]
    assert "C5-C6 lies 8 mm above" in told


def test_a_disc_2_mm_off_is_within_the_spread_of_people():
    assert flags_of(moved(row(), 6, (0, 0, 2.0))) == ()


@pytest.mark.parametrize("number", [4, 7, 10])
def test_a_missing_disc_is_told(number):
    flags = flags_of([disc for disc in row() if disc.number != number])
    assert len(flags) == 1
    assert "none is named between" in flags[0]


def test_the_last_disc_called_by_the_next_name_is_told():
    discs = row()
    flags = flags_of([*discs[:-1], replace(discs[-1], number=12)])
    assert any("lie 23 mm apart, where 48 mm are usual for this person" in flag for flag in flags)


def test_an_inner_disc_called_by_the_next_name_is_told():
    discs = {disc.number: disc for disc in row()}
    discs[7] = replace(discs.pop(6), number=7)
    assert flags_of(discs.values())


def test_order_that_no_spine_has_is_told_without_an_error():
    discs = row()
    flags = flags_of([replace(discs[0], number=4), replace(discs[1], number=3)])
    assert len(flags) == 1
    assert "must lie below" in flags[0]


def test_all_names_one_too_low_are_told_where_the_cord_reaches_up():
    cord = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, TOP_MM + 35]]))
    grid = Grid((80, 100, 216), GRID.affine)
    assert flags_of(row(), cord, grid) == ()
    flags = flags_of([replace(disc, number=disc.number + 1) for disc in row()], cord, grid)
    assert any("room in view for 1 further disc(s) above C3-C4" in flag for flag in flags)


def test_discs_left_out_at_the_lower_end_are_counted():
    flags = flags_of(row(last=8))
    assert flags == (f"{CHECK}there is room in view for 3 further disc(s) below C7-T1, but none is named",)


def test_a_disc_outside_the_scan_is_not_missed():
    low_cut = Grid((80, 100, 105), np.array([[1, 0, 0, -40.0], [0, 1, 0, -50], [0, 0, 1, 96], [0, 0, 0, 1]]))
    assert flags_of(row(last=7), grid=low_cut) == ()


def test_a_cord_that_reaches_below_l3_is_told():
    cord = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 120.0]]))
    assert not any("below the upper third of L3" in flag for flag in flags_of(row(18, 21, top_mm=100.0), cord))
    flags = flags_of(row(22, 24, top_mm=100.0), cord)
    assert any("reach 89 mm below the upper third of L3" in flag for flag in flags)


@pytest.mark.parametrize(
    ("by_mm", "words"),
    [((0, 40, 0), "50 mm in front of"), ((0, -20, 0), "10 mm behind"), ((18, 0, 0), "18 mm beside"),
     ((-18, 0, 0), "18 mm beside")],
)  # fmt: skip
def test_a_disc_where_no_column_is_is_told(by_mm, words):
    flags = flags_of(moved(row(), 6, by_mm))
    assert [words in flag for flag in flags] == [True]


def test_discs_on_the_cord_are_accepted():
    assert flags_of([replace(disc, position_mm=(0, -1, disc.position_mm[2])) for disc in row()]) == ()


def test_a_child_or_wrong_names_are_told():
    flags = flags_of(row(last=5, scale=0.62, top_mm=60), Centerline(np.array([[0, 0, 10.0], [0, 0, 80.0]])))
    assert any("62 % as tall as usual" in flag for flag in flags)


def test_interpolated_and_estimated_discs_are_not_judged():
    guessed = [replace(disc, origin=Origin.INTERPOLATED) if disc.number == 6 else disc for disc in row()]
    assert flags_of(moved(guessed, 6, (0, 0, 8.0))) == ()


def test_no_disc_and_one_disc():
    assert flags_of(()) == ()
    short = Centerline(np.array([[0, 0, 170.0], [0, 0, 190.0]]))
    assert flags_of(row(last=3), short) == ()


def test_a_new_check_replaces_the_flags_of_an_old_one_and_names_stay_as_they_were():
    labelling = Labelling(moved(row(), 6, (0, 0, 8.0)), False, ("levels unconfirmed",))
    checked = with_checks(labelling, CORD, GRID)
    assert len(checked.flags) == 2
    assert not checked.confirmed
    again = with_checks(replace(checked, discs=row()), CORD, GRID)
    assert again.flags == ("levels unconfirmed",)


def test_measuring_tells_what_the_check_found():
    grid = Grid((40, 60, 90), np.array([[1, 0, 0, -20.0], [0, 1, 0, -25], [0, 0, 1, 0], [0, 0, 0, 1]]))
    x, y = np.indices(grid.shape)[:2]
    mask = (np.hypot((x - 20) / 6, (y - 25) / 4) <= 1).astype(np.uint8)
    discs = moved(row(last=7, top_mm=85), 5, (0, 0, 8.0))
    result = measure_scan(Scan(mask.astype(np.float32), grid), mask, Labelling(discs, True))
    assert any("C4-C5 lies 8 mm above" in flag for flag in result.flags)
    assert any("C4-C5 lies 8 mm above" in flag for flag in result.labelling.flags)
    assert result.labelling.confirmed


def centerline_of(mask):
    return cord_centerline(slice_shapes(mask.data, mask.grid).centroid_mm, mask.grid)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["label_disc", "label_discPosterior"])
def test_the_template_is_silent(sct_testing, name):
    folder = sct_testing / "template"
    mask, labels = load_mask(folder / "PAM50_small_cord.nii.gz"), load_scan(folder / f"PAM50_small_{name}.nii.gz")
    discs = discs_from_label_volume(labels.data, labels.grid)
    assert check_labelling(Labelling(discs, True), centerline_of(mask), mask.grid) == ()


@pytest.mark.parametrize("subject", ["sub-als01", "sub-healthy01"])
@pytest.mark.parametrize("scan", ["T2w", "T2star", "PSIR", "mt-on_MTS", "dwi"])
def test_the_sample_exams_are_silent(subject, scan):
    folder = Path(__file__).parents[2] / "sample_data" / "derivatives" / "truth" / subject / "anat"
    table = pd.read_csv(folder / f"{subject}_discs.tsv", sep="\t")
    discs = tuple(Disc(entry.number, (entry.x_mm, entry.y_mm, entry.z_mm)) for entry in table.itertuples())
    mask = load_mask(folder / f"{subject}_{scan}_label-cord_mask.nii.gz")
    assert check_labelling(Labelling(discs, True), centerline_of(mask), mask.grid) == ()


def test_the_oddest_of_usual_discs_is_told_too_and_grows_with_the_fault():
    usual, odd = oddest(row(), CORD), oddest(moved(row(), 6, (0.0, 0.0, 9.0)), CORD)
    assert usual.z < 1
    assert odd.z > UNUSUAL_Z
    assert 6 in {disc.number for disc in odd.discs}


def test_one_disc_is_neither_odd_nor_usual():
    assert oddest(row()[:1], CORD) is None
    assert oddest(row(origin=Origin.INTERPOLATED), CORD) is None
